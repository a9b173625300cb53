// SPDX-License-Identifier: Apache-2.0
/*
 * Who answers from where: the endpoints of all services, sorted. No two static services may claim one endpoint unless both
 * turn replies back the same way; endpoints of stateful services are equal or have nothing in common, and equal ones make
 * their services one group and their backends one endpoint number.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

struct pc_entry pc_entry_of(const struct portcam_config *config, struct pc_cfg_service *s,
                            int backend)
{
    struct pc_cfg_backend *b = &config->backends[backend];
    unsigned port = s->port == PC_NONE ? 0 : b->port ? b->port : (unsigned)s->port;
    return (struct pc_entry){s, b, s->protocol, port};
}

bool pc_entries_meet(const struct pc_entry *a, const struct pc_entry *b)
{
    if (a->protocol != PC_NONE && b->protocol != PC_NONE && a->protocol != b->protocol)
        return false;
    int protocol = a->protocol != PC_NONE ? a->protocol : b->protocol;
    if (a->port == 0 && b->port == 0)
        return true;
    if (protocol != PC_NONE && !pc_has_ports(protocol))
        return false;
    return a->port == 0 || b->port == 0 || a->port == b->port;
}

static bool is_stateful(const struct pc_entry *e)
{
    return e->service->mode == PORTCAM_MODE_STATEFUL;
}

static int compare(int a, int b)
{
    return a < b ? -1 : a > b;
}

/* Of one address those of any port first. Those of stateful services that are equal stand together. */
static int by_endpoint(const void *left, const void *right)
{
    const struct pc_entry *a = left, *b = right;
    int order = memcmp(&a->backend->ip, &b->backend->ip, sizeof(a->backend->ip));
    if (order == 0)
        order = compare((int)a->port, (int)b->port);
    if (order == 0)
        order = compare(is_stateful(a), is_stateful(b));
    if (order == 0 && is_stateful(a))
        order = compare(a->protocol, b->protocol);
    if (order == 0)
        order = compare(a->service->line, b->service->line);
    if (order == 0)
        order = a->service < b->service ? -1 : a->service > b->service;
    return order ? order : (a->backend < b->backend ? -1 : a->backend > b->backend);
}

static bool same_ip(const struct pc_entry *a, const struct pc_entry *b)
{
    return memcmp(&a->backend->ip, &b->backend->ip, sizeof(a->backend->ip)) == 0;
}

static void endpoint_words(const struct pc_entry *e, char text[128])
{
    char ip[PC_IP_TEXT], protocol[24] = "any protocol", port[24] = "any port";
    const char *name = e->protocol == PC_NONE ? NULL : pc_protocol_name((unsigned)e->protocol);

    pc_ip_format(&e->backend->ip, ip);
    if (e->protocol != PC_NONE && name)
        snprintf(protocol, sizeof(protocol), "%s", name);
    else if (e->protocol != PC_NONE)
        snprintf(protocol, sizeof(protocol), "protocol %d", e->protocol);
    if (e->port)
        snprintf(port, sizeof(port), "port %u", e->port);
    snprintf(text, 128, "%s %s %s", ip, protocol, port);
}

/* ---- two services that cannot be told apart ---- */

/* Is what two static services have in common turned back the same way by both? Then it does not matter which does it. */
static bool agree(const struct pc_entry *a, const struct pc_entry *b)
{
    if (a->service->address != b->service->address || a->backend->has_mac != b->backend->has_mac)
        return false;
    if (a->service->port != PC_NONE && b->service->port != PC_NONE)
        return a->service->port == b->service->port;
    if (a->service->port == PC_NONE && b->service->port == PC_NONE)
        return true;
    const struct pc_entry *exact = a->service->port != PC_NONE ? a : b;
    return exact->port == (unsigned)exact->service->port;
}

static void refuse_pair(struct pc_check *k, const struct pc_entry *a, const struct pc_entry *b)
{
    const struct pc_entry *first = a->service->line <= b->service->line ? a : b;
    const struct pc_entry *second = first == a ? b : a;
    const struct portcam_config *c = k->config;
    const char *why = is_stateful(a) && is_stateful(b)
                          ? "endpoints of stateful services are equal or have nothing in common"
                      : is_stateful(a) || is_stateful(b)
                          ? "a static and a stateful service cannot share an endpoint"
                          : "two static services cannot share an endpoint";
    char ip[PC_IP_TEXT], port[32] = "any port", place[128], place2[128];

    pc_ip_format(&second->backend->ip, ip);
    if (second->port)
        snprintf(port, sizeof(port), "port %u", second->port);
    pc_report_at(
        k->report, "refused", c->file, second->service->line,
        "service \"%s\": replies from %s %s (backend \"%s\"%s) could also belong to service "
        "\"%s\"%s; %s: give one another backend address or port",
        second->service->name, ip, port, second->backend->name,
        pc_config_place(c, second->backend->line, place), first->service->name,
        pc_config_place(c, first->service->line, place2), why);
}

static void check_pair(struct pc_check *k, const struct pc_entry *a, const struct pc_entry *b)
{
    if (!pc_entries_meet(a, b))
        return;
    if (is_stateful(a) || is_stateful(b) || !agree(a, b))
        refuse_pair(k, a, b);
}

/*
 * Each service meets those of its port and those of any port. Right ones are few, a handful of protocols; of wrong ones
 * enough are told.
 */
static void check_entries(struct pc_check *k, const struct pc_entry *entries, size_t n)
{
    size_t any = 0, any_end = 0, port = 0;

    for (size_t i = 0; i < n && pc_report_total(k->report) < PC_ERRORS_MAX; i++) {
        if (i == 0 || !same_ip(&entries[i], &entries[any]))
            any = any_end = port = i;
        if (entries[i].port != entries[port].port)
            port = i;
        if (entries[i].port == 0)
            any_end = port = i + 1;
        for (size_t j = any; j < i && j < any_end; j++)
            check_pair(k, &entries[j], &entries[i]);
        for (size_t j = port; j < i; j++)
            check_pair(k, &entries[j], &entries[i]);
    }
}

/* ---- endpoints that stateful services share ---- */

static int group_of(struct portcam_config *c, int service)
{
    while (c->services[service].group != service) {
        int above = c->services[service].group;
        c->services[service].group = c->services[above].group;
        service = above;
    }
    return service;
}

static int endpoint_of(struct portcam_config *c, int backend)
{
    while (c->backends[backend].endpoint != backend) {
        int above = c->backends[backend].endpoint;
        c->backends[backend].endpoint = c->backends[above].endpoint;
        backend = above;
    }
    return backend;
}

/* What a service shares, to be told once. */
struct share {
    const struct pc_cfg_service *with;
    size_t endpoints;
    struct pc_entry first;
};

static void join(struct pc_check *k, struct pc_entry *first, struct pc_entry *e,
                 struct share *shares)
{
    struct portcam_config *c = k->config;
    struct pc_cfg_service *a = first->service, *b = e->service;
    char place[128];

    c->backends[endpoint_of(c, (int)(e->backend - c->backends))].endpoint =
        endpoint_of(c, (int)(first->backend - c->backends));
    if (e->backend->has_mac != first->backend->has_mac)
        pc_report_at(
            k->report, "refused", c->file, b->line,
            "service \"%s\": backends \"%s\" and \"%s\"%s are one endpoint, and only one of "
            "them has a MAC address; add \"mac\" to both or to none",
            b->name, e->backend->name, first->backend->name,
            pc_config_place(c, first->backend->line, place));
    if (a == b)
        return;
    c->services[group_of(c, (int)(b - c->services))].group = group_of(c, (int)(a - c->services));
    a->shared = b->shared = true;
    if (a->domain != b->domain)
        pc_report_at(
            k->report, "refused", c->file, b->line,
            "service \"%s\": backend \"%s\" answers for service \"%s\"%s of another domain "
            "too, and the state of a domain must not change another; give one another "
            "backend address or port",
            b->name, e->backend->name, a->name, pc_config_place(c, a->line, place));
    struct share *share = &shares[b - c->services];
    if (share->endpoints++ == 0) {
        share->with = a;
        share->first = *e;
    }
}

static void warn_shares(struct pc_check *k, const struct share *shares)
{
    const struct portcam_config *c = k->config;

    for (size_t i = 0; i < c->n_services; i++) {
        const struct share *share = &shares[i];
        char words[128], more[48] = "", place[128];
        if (share->endpoints == 0)
            continue;
        endpoint_words(&share->first, words);
        if (share->endpoints > 1)
            snprintf(more, sizeof(more), " and %zu more", share->endpoints - 1);
        pc_report_warn(k->report, c->file, c->services[i].line,
                       "service \"%s\": %s%s %s also service \"%s\"'s%s; a client that uses one "
                       "source port for both at a time gets another backend, or is rejected where "
                       "there is none",
                       c->services[i].name, words, more, share->endpoints > 1 ? "are" : "is",
                       share->with->name, pc_config_place(c, share->with->line, place));
    }
}

/* Joins those that are equal; one of each is left. Returns how many, or -ENOMEM. */
static long unite(struct pc_check *k, struct pc_entry *entries, size_t n)
{
    struct share *shares = calloc(k->config->n_services + 1, sizeof(*shares));
    size_t kept = 0;

    if (!shares)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct pc_entry *last = kept ? &entries[kept - 1] : NULL;
        if (last && is_stateful(last) && is_stateful(&entries[i]) && same_ip(last, &entries[i]) &&
            last->port == entries[i].port && last->protocol == entries[i].protocol)
            join(k, last, &entries[i], shares);
        else
            entries[kept++] = entries[i];
    }
    warn_shares(k, shares);
    free(shares);
    return (long)kept;
}

/* ---- one number for two endpoints ---- */

static int by_number(const void *left, const void *right)
{
    const struct pc_entry *a = left, *b = right;
    int order = compare(is_stateful(a), is_stateful(b));
    if (order == 0)
        order = compare(a->backend->endpoint, b->backend->endpoint);
    if (order == 0)
        order = compare(a->service->group, b->service->group);
    if (order == 0)
        order = compare(a->protocol, b->protocol);
    return order ? order : compare((int)a->port, (int)b->port);
}

/*
 * A record knows the number of its endpoint, and the client key keeps only groups apart: so in a group a number is one
 * endpoint of each protocol.
 */
static void check_numbers(struct pc_check *k, const struct pc_entry *entries, size_t n)
{
    const struct pc_entry *start = entries;
    const struct portcam_config *c = k->config;
    char words[128], words2[128], place[128];

    for (size_t i = 0; i < n && pc_report_total(k->report) < PC_ERRORS_MAX; i++) {
        const struct pc_entry *e = &entries[i], *other = i ? e - 1 : e;
        if (!is_stateful(e) || e->backend->endpoint != start->backend->endpoint ||
            e->service->group != start->service->group || !is_stateful(start))
            start = e;
        if (e == start)
            continue;
        if (start->protocol == PC_NONE)
            other = start;
        if (other->protocol != PC_NONE && other->protocol != e->protocol)
            continue;
        endpoint_words(other, words);
        endpoint_words(e, words2);
        pc_report_at(k->report, "refused", c->file, e->service->line,
                     "service \"%s\": backend \"%s\" (%s) is that of service \"%s\" (%s)%s, and "
                     "both services share another endpoint, so replies of the two cannot be told "
                     "apart; use a backend with a \"port\" of its own",
                     e->service->name, e->backend->name, words2, other->service->name, words,
                     pc_config_place(c, other->service->line, place));
    }
}

/* ---- all ---- */

static size_t collect(struct portcam_config *c, struct pc_entry *entries)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_services; i++) {
        struct pc_cfg_service *s = &c->services[i];
        bool one = s->mode == PORTCAM_MODE_STATIC;
        if (s->broken || s->mode == PORTCAM_MODE_DELIVER || !s->backend_at ||
            (one && s->address == PC_NONE))
            continue;
        for (size_t b = 0; b < (one ? 1 : s->n_backends); b++) {
            if (s->backend_at[b] != PC_NONE && c->backends[s->backend_at[b]].ip.family)
                entries[n++] = pc_entry_of(c, s, s->backend_at[b]);
        }
    }
    return n;
}

int pc_config_endpoints(struct portcam_config *c, struct portcam_report *report)
{
    struct pc_check k = {c, report};
    size_t most = 0;

    for (size_t i = 0; i < c->n_services; i++) {
        c->services[i].group = (int)i;
        most += c->services[i].n_backends;
    }
    for (size_t i = 0; i < c->n_backends; i++)
        c->backends[i].endpoint = (int)i;
    struct pc_entry *entries = calloc(most + 1, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    size_t n = collect(c, entries);
    if (n)
        qsort(entries, n, sizeof(*entries), by_endpoint);
    long kept = unite(&k, entries, n);
    for (size_t i = 0; i < c->n_services; i++)
        c->services[i].group = group_of(c, (int)i);
    for (size_t i = 0; i < c->n_backends; i++)
        c->backends[i].endpoint = endpoint_of(c, (int)i);
    if (kept > 0) {
        check_entries(&k, entries, (size_t)kept);
        qsort(entries, (size_t)kept, sizeof(*entries), by_number);
        check_numbers(&k, entries, (size_t)kept);
    }
    free(entries);
    return kept < 0 ? (int)kept : 0;
}
