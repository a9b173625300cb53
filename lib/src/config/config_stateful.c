// SPDX-License-Identifier: Apache-2.0
/* Rules of stateful services: what a record can turn back, and which keys go together; and what absent keys mean. */
#include <errno.h>
#include <stdlib.h>

#include "config.h"

/* ---- what absent keys mean ---- */

enum pc_scheduler pc_service_scheduler(const struct pc_cfg_service *s)
{
    return s->scheduler == PC_NONE ? PC_SCHEDULER_WRR : (enum pc_scheduler)s->scheduler;
}

unsigned pc_service_pick(const struct pc_cfg_service *s)
{
    switch (pc_service_scheduler(s)) {
    case PC_SCHEDULER_MH:
        return s->key == PC_KEY_CLIENT_PORT ? PORTCAM_PICK_CLIENT_IP_PORT : PORTCAM_PICK_CLIENT_IP;
    case PC_SCHEDULER_SH:
        return PORTCAM_PICK_CLIENT_IP;
    case PC_SCHEDULER_LC:
    case PC_SCHEDULER_WLC:
        return PORTCAM_PICK_LEAST;
    default:
        return PORTCAM_PICK_COUNTER;
    }
}

static bool picks_by_client(const struct pc_cfg_service *s)
{
    unsigned pick = pc_service_pick(s);
    return pick == PORTCAM_PICK_CLIENT_IP || pick == PORTCAM_PICK_CLIENT_IP_PORT;
}

unsigned pc_service_no_record(const struct pc_cfg_service *s)
{
    return s->no_record == PC_NONE ? PORTCAM_NO_RECORD_REJECT : (unsigned)s->no_record;
}

unsigned pc_service_no_backend(const struct pc_cfg_service *s)
{
    return s->no_backend == PC_NONE ? PORTCAM_NO_BACKEND_REJECT : (unsigned)s->no_backend;
}

/*
 * By hash, where that is possible. A service of any port does so only when it is told to: the other packets of its servers,
 * from any port, would be taken for replies.
 */
unsigned pc_service_full(const struct pc_cfg_service *s)
{
    if (s->full != PC_NONE)
        return (unsigned)s->full;
    return picks_by_client(s) && !s->shared && s->address != PC_NONE && s->port != PC_NONE
               ? PORTCAM_FULL_HASH
               : PORTCAM_FULL_DROP;
}

/* ---- rules ---- */

static void check_backend(struct pc_check *k, struct pc_cfg_service *s,
                          const struct pc_cfg_backend *b)
{
    const struct pc_cfg_backend *first =
        s->backend == PC_NONE ? NULL : &k->config->backends[s->backend];
    bool moves = b->port && (s->port == PC_NONE || b->port != (unsigned)s->port);

    if (b->broken)
        return;
    if (b->ip.family == 0) {
        pc_refuse(k, s, "backend \"%s\" has no address to send to; add \"address\" to it", b->name);
        return;
    }
    if (s->ip.family && b->ip.family != s->ip.family)
        pc_refuse(k, s, "its address is IPv%u and backend \"%s\" is IPv%u; use one IP version",
                  s->ip.family, b->name, b->ip.family);
    else if (!s->ip.family && first && first->ip.family && b->ip.family != first->ip.family)
        pc_refuse(k, s,
                  "backend \"%s\" is IPv%u and \"%s\" is IPv%u; make a service for each IP version",
                  first->name, first->ip.family, b->name, b->ip.family);
    if (!moves)
        return;
    s->keeps_port = false;
    if (s->port == PC_NONE)
        pc_refuse(
            k, s,
            "every port would become port %u of backend \"%s\", which cannot be turned back for "
            "replies; add \"port\" or remove the backend's",
            b->port, b->name);
    else if (s->protocol == PC_NONE)
        pc_refuse(
            k, s,
            "port %d would become port %u of backend \"%s\" for any protocol; add \"protocol\" or "
            "remove the backend's port",
            s->port, b->port, b->name);
}

static void check_keys(struct pc_check *k, const struct pc_cfg_service *s)
{
    const char *scheduler = pc_scheduler_name(pc_service_scheduler(s));

    if (s->key != PC_NONE && pc_service_scheduler(s) != PC_SCHEDULER_MH)
        pc_refuse(k, s, "\"key\" is for scheduler \"mh\", this one has \"%s\"; remove it",
                  scheduler);
    if (s->slots != PC_NONE && (size_t)s->slots < s->n_backends)
        pc_refuse(k, s, "%d slots are less than its %zu backends; raise \"slots\" or leave it away",
                  s->slots, s->n_backends);
}

static void check_one(struct pc_check *k, struct pc_cfg_service *s)
{
    s->keeps_port = true;
    if (s->ip.family && s->length != pc_ip_bits(&s->ip))
        pc_refuse(
            k, s,
            "a stateful service on a prefix cannot know which of its addresses replies get; name "
            "one address (/%u), or leave \"address\" away for all of the domain",
            pc_ip_bits(&s->ip));
    for (size_t i = 0; i < s->n_backends && pc_report_total(k->report) < PC_ERRORS_MAX; i++) {
        if (s->backend_at[i] != PC_NONE)
            check_backend(k, s, &k->config->backends[s->backend_at[i]]);
    }
    check_keys(k, s);
}

static void check_hash(struct pc_check *k, const struct pc_cfg_service *s, const char *key)
{
    if (!picks_by_client(s))
        pc_refuse(
            k, s,
            "\"%s\" hash needs scheduler \"mh\" or \"sh\", which a packet finds its backend by; "
            "use one of them or another policy",
            key);
    else if (s->address == PC_NONE)
        pc_refuse(k, s,
                  "\"%s\" hash makes no record, so replies cannot know which address they get; add "
                  "\"address\" or use another policy",
                  key);
    else if (s->shared)
        pc_refuse(k, s,
                  "\"%s\" hash makes no record, so a reply cannot know which of the services that "
                  "share its endpoint it belongs to; use another policy, or backends of its own",
                  key);
}

/* Rows of a domain that are prefixes: replies of a service on any address do not know the address. */
static int warn_prefixes(struct pc_check *k)
{
    const struct portcam_config *c = k->config;
    const struct pc_cfg_address **first = calloc(c->n_domains + 1, sizeof(struct pc_cfg_address *));

    if (!first)
        return -ENOMEM;
    for (size_t i = c->n_addresses; i-- > 0;) {
        const struct pc_cfg_address *a = &c->addresses[i];
        if (a->key && a->domain != PC_NONE && a->length != pc_ip_bits(&a->ip))
            first[a->domain] = a;
    }
    for (size_t i = 0; i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        if (s->broken || s->mode != PORTCAM_MODE_STATEFUL || s->ip.family || s->domain == PC_NONE ||
            !first[s->domain])
            continue;
        pc_report_warn(k->report, c->file, s->line,
                       "service \"%s\": replies to clients of %s keep the backend's address, for a "
                       "record does not know which address of a prefix it was; list the addresses "
                       "one by one",
                       s->name, first[s->domain]->key);
    }
    free(first);
    return 0;
}

/* The weight of a backend counts for lc where wlc has it too. */
static int warn_weights(struct pc_check *k)
{
    const struct portcam_config *c = k->config;
    bool *weighted = calloc(c->n_backends + 1, sizeof(*weighted));

    if (!weighted)
        return -ENOMEM;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < c->n_services; i++) {
            const struct pc_cfg_service *s = &c->services[i];
            if (s->broken || s->mode != PORTCAM_MODE_STATEFUL || !s->backend_at ||
                pc_service_scheduler(s) != (pass ? PC_SCHEDULER_LC : PC_SCHEDULER_WLC))
                continue;
            bool told = false;
            for (size_t b = 0; b < s->n_backends; b++) {
                int at = s->backend_at[b];
                if (at == PC_NONE)
                    continue;
                if (!pass)
                    weighted[at] = c->backends[at].weight > 1;
                else if (weighted[at] && !told)
                    pc_report_warn(k->report, c->file, s->line,
                                   "service \"%s\": backend \"%s\" has a weight, which counts here "
                                   "too because a service of scheduler \"wlc\" has it",
                                   s->name, c->backends[at].name);
                told |= pass && weighted[at];
            }
        }
    }
    free(weighted);
    return 0;
}

int pc_config_stateful(struct portcam_config *config, struct portcam_report *report)
{
    struct pc_check k = {config, report};

    for (size_t i = 0; i < config->n_services; i++) {
        struct pc_cfg_service *s = &config->services[i];
        if (!s->broken && s->mode == PORTCAM_MODE_STATEFUL && s->backend_at)
            check_one(&k, s);
    }
    int rc = pc_config_endpoints(config, report);
    for (size_t i = 0; rc == 0 && i < config->n_services; i++) {
        const struct pc_cfg_service *s = &config->services[i];
        if (s->broken || s->mode != PORTCAM_MODE_STATEFUL)
            continue;
        if (s->no_record == PORTCAM_NO_RECORD_HASH)
            check_hash(&k, s, "no_record");
        if (s->full == PORTCAM_FULL_HASH)
            check_hash(&k, s, "full");
    }
    if (rc == 0)
        rc = warn_prefixes(&k);
    return rc ? rc : warn_weights(&k);
}
