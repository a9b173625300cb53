// SPDX-License-Identifier: Apache-2.0
/*
 * Rules of services beyond their types: a static service must be invertible, so that a reply's source alone says what it
 * was (docs/pipeline.md section 3, endpoints), and no two static services may claim one endpoint.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

enum { ICMP = 1, TCP = 6, UDP = 17, DCCP = 33, ICMPV6 = 58, SCTP = 132, UDPLITE = 136 };

static bool has_ports(int protocol)
{
    return protocol == TCP || protocol == UDP || protocol == SCTP;
}

static void protocol_words(int protocol, char text[24])
{
    const char *name = pc_protocol_name((unsigned)protocol);
    if (protocol == PC_NONE)
        snprintf(text, 24, "any protocol");
    else if (name)
        snprintf(text, 24, "%s", name);
    else
        snprintf(text, 24, "protocol %d", protocol);
}

void pc_service_words(const struct portcam_config *config, const struct pc_cfg_service *s,
                      char text[160])
{
    char protocol[24], port[24] = "any port";
    protocol_words(s->protocol, protocol);
    if (s->port != PC_NONE)
        snprintf(port, sizeof(port), "port %d", s->port);
    snprintf(text, 160, "%s, %s of %s", protocol, port,
             s->address == PC_NONE ? "any address" : config->addresses[s->address].key);
}

struct check {
    const struct portcam_config *config;
    struct portcam_report *report;
};

static void refuse(struct check *k, const struct pc_cfg_service *s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(struct check *k, const struct pc_cfg_service *s, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    pc_report_at(k->report, "refused", k->config->file, s->line, "service \"%s\": %s", s->name,
                 text);
}

/* Port of the packets that reach the backend; 0 any. */
static unsigned endpoint_port(const struct portcam_config *config, const struct pc_cfg_service *s)
{
    unsigned port = config->backends[s->backend].port;
    return s->port == PC_NONE ? 0 : port ? port : (unsigned)s->port;
}

static void check_static(struct check *k, const struct pc_cfg_service *s)
{
    const struct pc_cfg_backend *b =
        s->backend == PC_NONE ? NULL : &k->config->backends[s->backend];
    bool has_address = s->ip.family != 0;

    if (!has_address)
        refuse(k, s,
               "a static service has one address, which replies get as their source; add "
               "\"address\"");
    else if (s->length != pc_ip_bits(&s->ip))
        refuse(k, s,
               "a static service on a prefix of many addresses cannot be turned back for "
               "replies; name one address (/%u)",
               pc_ip_bits(&s->ip));
    if (s->protocol == DCCP || s->protocol == UDPLITE)
        refuse(k, s,
               "the card cannot correct the checksum of protocol %d; use mode \"deliver\" or "
               "another protocol",
               s->protocol);
    if (!b || b->broken)
        return;
    if (b->ip.family == 0) {
        refuse(k, s, "backend \"%s\" has no address to send to; add \"address\" to it", b->name);
        return;
    }
    if (has_address && b->ip.family != s->ip.family)
        refuse(k, s, "its address is IPv%u and backend \"%s\" is IPv%u; use one IP version",
               s->ip.family, b->name, b->ip.family);
    if (s->port == PC_NONE && b->port != 0)
        refuse(k, s,
               "every port would become port %u of backend \"%s\", which cannot be turned back "
               "for replies; add \"port\" or remove the backend's",
               b->port, b->name);
    if (s->protocol == SCTP && s->port != PC_NONE &&
        endpoint_port(k->config, s) != (unsigned)s->port)
        refuse(k, s, "the card cannot change SCTP ports (%d to %u); keep the port", s->port,
               b->port);
}

static void check_one(struct check *k, const struct pc_cfg_service *s)
{
    const char *mode = PcModes.words[s->mode];

    if (s->n_backends > 1 && s->mode != PORTCAM_MODE_STATEFUL)
        refuse(k, s, "a %s service has one backend, this one names %zu; keep one", mode,
               s->n_backends);
    if (s->strict && s->mode != PORTCAM_MODE_STATIC)
        refuse(k, s, "\"strict\" is for mode \"static\"; remove it");
    if (s->port != PC_NONE && s->protocol != PC_NONE && !has_ports(s->protocol)) {
        char words[24];
        protocol_words(s->protocol, words);
        refuse(k, s, "%s has no ports; remove \"port\"", words);
    }
    if (s->mode == PORTCAM_MODE_STATIC)
        check_static(k, s);
}

/* ---- one endpoint, one static service ---- */

/* Do packets exist that both services send to the backend's address with one protocol and port? */
static bool meet(const struct portcam_config *config, const struct pc_cfg_service *a,
                 const struct pc_cfg_service *b)
{
    unsigned a_port = endpoint_port(config, a), b_port = endpoint_port(config, b);

    if (a->protocol != PC_NONE && b->protocol != PC_NONE && a->protocol != b->protocol)
        return false;
    int protocol = a->protocol != PC_NONE ? a->protocol : b->protocol;
    if (a_port == 0 && b_port == 0)
        return true;
    if (protocol != PC_NONE && !has_ports(protocol))
        return false;
    return a_port == 0 || b_port == 0 || a_port == b_port;
}

/* Is what they have in common turned back the same way by both? Then it does not matter which one does it. */
static bool agree(const struct portcam_config *config, const struct pc_cfg_service *a,
                  const struct pc_cfg_service *b)
{
    const struct pc_cfg_backend *to_a = &config->backends[a->backend];
    const struct pc_cfg_backend *to_b = &config->backends[b->backend];

    if (a->address != b->address || to_a->has_mac != to_b->has_mac)
        return false;
    if (a->port != PC_NONE && b->port != PC_NONE)
        return a->port == b->port;
    if (a->port == PC_NONE && b->port == PC_NONE)
        return true;
    const struct pc_cfg_service *exact = a->port != PC_NONE ? a : b;
    return endpoint_port(config, exact) == (unsigned)exact->port;
}

static void check_pair(struct check *k, const struct pc_cfg_service *a,
                       const struct pc_cfg_service *b)
{
    const struct pc_cfg_service *first = a->line <= b->line ? a : b;
    const struct pc_cfg_service *second = first == a ? b : a;
    const struct pc_cfg_backend *backend = &k->config->backends[second->backend];
    char ip[PC_IP_TEXT], port[32] = "any port", place[128], place2[128];

    if (!meet(k->config, a, b) || agree(k->config, a, b))
        return;
    pc_ip_format(&backend->ip, ip);
    if (endpoint_port(k->config, second))
        snprintf(port, sizeof(port), "port %u", endpoint_port(k->config, second));
    refuse(
        k, second,
        "replies from %s %s (backend \"%s\"%s) could also belong to service \"%s\"%s; two static "
        "services cannot share an endpoint: give one another backend address or port",
        ip, port, backend->name, pc_config_place(k->config, backend->line, place), first->name,
        pc_config_place(k->config, first->line, place2));
}

struct entry {
    const struct pc_cfg_service *service;
    const struct pc_ip *ip;
    unsigned port; /* 0: any */
};

/* Of one address those of any port first. */
static int by_endpoint(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = memcmp(a->ip, b->ip, sizeof(*a->ip));
    if (order)
        return order;
    if (a->port != b->port)
        return a->port < b->port ? -1 : 1;
    return a->service->line < b->service->line ? -1 : a->service->line > b->service->line;
}

static bool same_ip(const struct entry *a, const struct entry *b)
{
    return memcmp(a->ip, b->ip, sizeof(*a->ip)) == 0;
}

/*
 * Each service meets those of its port and those of any port. Right ones are few, a handful of protocols; of wrong ones
 * enough are told.
 */
static void check_entries(struct check *k, const struct entry *entries, size_t n)
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
            check_pair(k, entries[j].service, entries[i].service);
        for (size_t j = port; j < i; j++)
            check_pair(k, entries[j].service, entries[i].service);
    }
}

static int check_endpoints(struct check *k)
{
    const struct portcam_config *c = k->config;
    struct entry *entries = calloc(c->n_services + 1, sizeof(*entries));
    size_t n = 0;

    if (!entries)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        if (!s->broken && s->mode == PORTCAM_MODE_STATIC && s->backend != PC_NONE &&
            s->address != PC_NONE && c->backends[s->backend].ip.family)
            entries[n++] = (struct entry){s, &c->backends[s->backend].ip, endpoint_port(c, s)};
    }
    if (n)
        qsort(entries, n, sizeof(*entries), by_endpoint);
    check_entries(k, entries, n);
    free(entries);
    return 0;
}

int pc_config_services(const struct portcam_config *config, struct portcam_report *report)
{
    struct check k = {config, report};
    for (size_t i = 0; i < config->n_services; i++) {
        if (!config->services[i].broken)
            check_one(&k, &config->services[i]);
    }
    return check_endpoints(&k);
}
