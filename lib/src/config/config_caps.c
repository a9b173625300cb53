// SPDX-License-Identifier: Apache-2.0
/* Can this card run the configuration: sizes of tables, number of functions, and what the build can do. */
#include "config_slow.h"

static void check_functions(const struct portcam_config *c, const struct portcam_caps *caps,
                            struct portcam_report *report)
{
    const char *cure = "the functions of this card are 0 to";
    unsigned last = caps->functions ? caps->functions - 1 : 0;

    for (size_t i = 0; i < c->n_functions; i++) {
        if (c->functions[i].number > last)
            pc_refuse_at(c, report, c->functions[i].line, "function %u: there is none; %s %u",
                         c->functions[i].number, cure, last);
    }
    for (size_t i = 0; i < c->n_domains; i++) {
        if (c->domains[i].home > last)
            pc_refuse_at(c, report, c->domains[i].line,
                         "domain \"%s\": there is no function %u; %s %u", c->domains[i].name,
                         c->domains[i].home, cure, last);
    }
    for (size_t i = 0; i < c->n_addresses; i++) {
        if (c->addresses[i].function > last)
            pc_refuse_at(c, report, c->addresses[i].line,
                         "address %s: there is no function %u; %s %u", c->addresses[i].key,
                         c->addresses[i].function, cure, last);
    }
    for (size_t i = 0; i < c->n_backends; i++) {
        if (c->backends[i].function > last)
            pc_refuse_at(c, report, c->backends[i].line,
                         "backend \"%s\": there is no function %u; %s %u", c->backends[i].name,
                         c->backends[i].function, cure, last);
    }
}

/* `line` is that of the first object that does not fit. */
static void check_size(const struct portcam_config *c, struct portcam_report *report,
                       const char *what, size_t count, size_t room, int line)
{
    pc_refuse_at(c, report, line, "there are %zu %s, and this card has room for %zu; remove %zu",
                 count, what, room, count - room);
}

static void check_sizes(const struct portcam_config *c, const struct portcam_caps *caps,
                        struct portcam_report *report)
{
    if (c->n_domains > caps->domains)
        check_size(c, report, "domains", c->n_domains, caps->domains,
                   c->domains[caps->domains].line);
    if (c->n_addresses > caps->addresses)
        check_size(c, report, "addresses", c->n_addresses, caps->addresses,
                   c->addresses[caps->addresses].line);
    if (c->n_backends > caps->backends)
        check_size(c, report, "backends", c->n_backends, caps->backends,
                   c->backends[caps->backends].line);
    if (c->n_services > caps->services)
        check_size(c, report, "services", c->n_services, caps->services,
                   c->services[caps->services].line);
}

static void check_mode(const struct portcam_config *c, const struct pc_cfg_service *s,
                       const struct portcam_caps *caps, struct portcam_report *report)
{
    uint32_t flags = caps->flags;

    if (s->mode == PORTCAM_MODE_STATEFUL && !(flags & PORTCAM_CAPS_STATEFUL))
        pc_refuse_at(
            c, report, s->line,
            "service \"%s\": mode \"stateful\" needs connection records, and this card has no "
            "connection table; use mode \"static\" or \"deliver\"",
            s->name);
    else if (s->mode == PORTCAM_MODE_STATEFUL && !(flags & PORTCAM_CAPS_REJECT) &&
             (pc_service_no_record(s) == PORTCAM_NO_RECORD_REJECT ||
              pc_service_no_backend(s) == PORTCAM_NO_BACKEND_REJECT))
        pc_refuse_at(c, report, s->line,
                     "service \"%s\": this card cannot answer packets, so policy \"reject\" is not "
                     "possible; give \"no_record\" and \"no_backend\" another one, as \"drop\"",
                     s->name);
    if (s->mode == PORTCAM_MODE_STATEFUL && flags & PORTCAM_CAPS_STATEFUL &&
        c->backends[s->backend].ip.family == 6 && caps->connections_v6 == 0)
        pc_refuse_at(
            c, report, s->line,
            "service \"%s\": this card has no records for IPv6 connections; use mode \"static\" or "
            "\"deliver\"",
            s->name);
    if (s->mode == PORTCAM_MODE_STATIC && !(flags & PORTCAM_CAPS_STATIC))
        pc_refuse_at(c, report, s->line,
                     "service \"%s\": this card cannot do mode \"static\"; use another mode",
                     s->name);
    if (s->full == PORTCAM_FULL_PUNT && !(flags & PORTCAM_CAPS_PUNT))
        pc_refuse_at(
            c, report, s->line,
            "service \"%s\": this card cannot hand packets to the host, so \"full\" cannot be "
            "\"punt\"; use \"drop\" or \"hash\"",
            s->name);
    if (s->mode == PORTCAM_MODE_DELIVER && !(flags & PORTCAM_CAPS_DELIVER))
        pc_refuse_at(c, report, s->line,
                     "service \"%s\": this card cannot do mode \"deliver\"; use another mode",
                     s->name);
}

static void check_flags(const struct portcam_config *c, const struct portcam_caps *caps,
                        struct portcam_report *report)
{
    uint32_t flags = caps->flags;

    for (size_t i = 0; i < c->n_domains; i++) {
        if (c->domains[i].unknown == PORTCAM_POLICY_REJECT && !(flags & PORTCAM_CAPS_REJECT))
            pc_refuse_at(
                c, report, c->domains[i].line,
                "domain \"%s\": this card cannot answer packets, so policy \"reject\" is not "
                "possible; use \"pass\" or \"drop\"",
                c->domains[i].name);
    }
    if (c->limits.line && !(flags & (PORTCAM_CAPS_REJECT | PORTCAM_CAPS_STATEFUL)))
        pc_refuse_at(
            c, report, c->limits.line,
            "limits: this card has neither connection records nor answers to limit; remove them");
    pc_slow_path_check(c, caps, report);
    for (size_t i = 0; i < c->n_services; i++)
        check_mode(c, &c->services[i], caps, report);
    if (flags & PORTCAM_CAPS_IPV6)
        return;
    for (size_t i = 0; i < c->n_addresses; i++) {
        if (c->addresses[i].ip.family == 6)
            pc_refuse_at(c, report, c->addresses[i].line,
                         "address %s: this card has no IPv6; remove it", c->addresses[i].key);
    }
    for (size_t i = 0; i < c->n_backends; i++) {
        if (c->backends[i].ip.family == 6)
            pc_refuse_at(c, report, c->backends[i].line,
                         "backend \"%s\": this card has no IPv6; remove it", c->backends[i].name);
    }
}

/* A share that is never used up keeps no room for proven connections. */
static void check_embryonic(const struct portcam_config *c, const struct portcam_caps *caps,
                            struct portcam_report *report)
{
    unsigned long long records = (unsigned long long)caps->connections + caps->connections_v6;
    int embryonic = c->limits.embryonic;

    if (caps->flags & PORTCAM_CAPS_STATEFUL && embryonic > 0 &&
        (unsigned long long)embryonic > records)
        pc_report_warn(report, c->file, c->limits.line,
                       "limits: \"embryonic\" is %d, and this card has room for %llu connections: "
                       "a flood of SYNs can take all of it; the default is %llu",
                       embryonic, records, records / 4);
}

void pc_config_caps(const struct portcam_config *config, const struct portcam_caps *caps,
                    struct portcam_report *report)
{
    check_sizes(config, caps, report);
    check_functions(config, caps, report);
    check_flags(config, caps, report);
    check_embryonic(config, caps, report);
}
