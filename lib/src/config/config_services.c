// SPDX-License-Identifier: Apache-2.0
/*
 * Rules of services beyond their types: a static service must be invertible, so that a reply's source alone says what it
 * was (docs/pipeline.md section 3, endpoints). Rules of stateful services are in config_stateful.c, of endpoints in
 * config_endpoints.c.
 */
#include <stdio.h>

#include "config.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58, SCTP = 132 };

bool pc_has_ports(int protocol)
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

static void check_static(struct pc_check *k, const struct pc_cfg_service *s)
{
    const struct pc_cfg_backend *b =
        s->backend == PC_NONE ? NULL : &k->config->backends[s->backend];
    bool has_address = s->ip.family != 0;

    if (!has_address)
        pc_refuse(k, s,
                  "a static service has one address, which replies get as their source; add "
                  "\"address\"");
    else if (s->length != pc_ip_bits(&s->ip))
        pc_refuse(k, s,
                  "a static service on a prefix of many addresses cannot be turned back for "
                  "replies; name one address (/%u)",
                  pc_ip_bits(&s->ip));
    if (!b || b->broken)
        return;
    if (b->ip.family == 0) {
        pc_refuse(k, s, "backend \"%s\" has no address to send to; add \"address\" to it", b->name);
        return;
    }
    if (has_address && b->ip.family != s->ip.family)
        pc_refuse(k, s, "its address is IPv%u and backend \"%s\" is IPv%u; use one IP version",
                  s->ip.family, b->name, b->ip.family);
    if (s->port == PC_NONE && b->port != 0)
        pc_refuse(k, s,
                  "every port would become port %u of backend \"%s\", which cannot be turned back "
                  "for replies; add \"port\" or remove the backend's",
                  b->port, b->name);
}

static void check_one(struct pc_check *k, const struct pc_cfg_service *s)
{
    const char *mode = PcModes.words[s->mode];

    if (s->n_backends > 1 && s->mode != PORTCAM_MODE_STATEFUL)
        pc_refuse(k, s, "a %s service has one backend, this one names %zu; keep one", mode,
                  s->n_backends);
    if (s->strict && s->mode != PORTCAM_MODE_STATIC)
        pc_refuse(k, s, "\"strict\" is for mode \"static\"; remove it");
    if (s->port != PC_NONE && s->protocol != PC_NONE && !pc_has_ports(s->protocol)) {
        char words[24];
        protocol_words(s->protocol, words);
        pc_refuse(k, s, "%s has no ports; remove \"port\"", words);
    }
    if (s->stateful_key && s->mode != PORTCAM_MODE_STATEFUL)
        pc_refuse(k, s, "\"%s\" is for mode \"stateful\"; remove it", s->stateful_key);
    if (s->mode == PORTCAM_MODE_STATIC)
        check_static(k, s);
}

int pc_config_services(struct portcam_config *config, struct portcam_report *report)
{
    struct pc_check k = {config, report};
    for (size_t i = 0; i < config->n_services; i++) {
        if (!config->services[i].broken)
            check_one(&k, &config->services[i]);
    }
    return pc_config_stateful(config, report);
}
