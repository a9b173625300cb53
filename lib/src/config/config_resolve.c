// SPDX-License-Identifier: Apache-2.0
/*
 * The second half of reading a configuration: names become indices, and nothing is there twice. Every message names both
 * places.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

/* A name -> index map; jansson's objects are good hash tables. */
typedef json_t map_t;

static int map_get(const map_t *map, const char *name)
{
    json_t *value = name ? json_object_get(map, name) : NULL;
    return value ? (int)json_integer_value(value) : PC_NONE;
}

static int map_put(map_t *map, const char *name, size_t index)
{
    return json_object_set_new(map, name, json_integer((json_int_t)index)) ? -ENOMEM : 0;
}

const char *pc_config_place(const struct portcam_config *config, int line, char text[128])
{
    if (config->file)
        snprintf(text, 128, " (%.100s:%d)", config->file, line);
    else
        text[0] = 0;
    return text;
}

struct resolver {
    struct portcam_config *config;
    struct portcam_report *report;
    map_t *domains, *addresses, *backends, *services;
};

/* Puts `name` into the map, or complains that it is there already. */
static int once(struct resolver *r, map_t *map, const char *kind, const char *name, size_t index,
                int line, int (*line_of)(const struct portcam_config *, int))
{
    char place[128];
    int first = map_get(map, name);

    if (!name)
        return 0;
    if (first == PC_NONE)
        return map_put(map, name, index);
    pc_report_at(r->report, "refused", r->config->file, line,
                 "%s \"%s\": it is there twice, first%s; remove or rename one", kind, name,
                 pc_config_place(r->config, line_of(r->config, first), place));
    return 0;
}

static int domain_line(const struct portcam_config *c, int i)
{
    return c->domains[i].line;
}

static int address_line(const struct portcam_config *c, int i)
{
    return c->addresses[i].line;
}

static int backend_line(const struct portcam_config *c, int i)
{
    return c->backends[i].line;
}

static int service_line(const struct portcam_config *c, int i)
{
    return c->services[i].line;
}

static int collect(struct resolver *r)
{
    struct portcam_config *c = r->config;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->n_domains; i++)
        rc = once(r, r->domains, "domain", c->domains[i].name, i, c->domains[i].line, domain_line);
    for (size_t i = 0; rc == 0 && i < c->n_addresses; i++)
        rc = once(r, r->addresses, "address", c->addresses[i].key, i, c->addresses[i].line,
                  address_line);
    for (size_t i = 0; rc == 0 && i < c->n_backends; i++)
        rc = once(r, r->backends, "backend", c->backends[i].name, i, c->backends[i].line,
                  backend_line);
    for (size_t i = 0; rc == 0 && i < c->n_services; i++)
        rc = once(r, r->services, "service", c->services[i].name, i, c->services[i].line,
                  service_line);
    return rc;
}

/* Index of the domain, or a message. */
static int find_domain(struct resolver *r, const char *kind, const char *name, int line,
                       const char *domain)
{
    int index = map_get(r->domains, domain);
    if (domain && index == PC_NONE)
        pc_report_at(r->report, "refused", r->config->file, line,
                     "%s %s: domain \"%.64s\" is not defined; add it to \"domains\" or correct the "
                     "name",
                     kind, name, domain);
    return index;
}

static void resolve_functions(struct resolver *r)
{
    struct portcam_config *c = r->config;
    char name[16], place[128];

    /* All pairs: there are at most PC_FUNCTION_MAX of them. */
    for (size_t i = 0; i < c->n_functions; i++) {
        struct pc_cfg_function *f = &c->functions[i];
        snprintf(name, sizeof(name), "%u", f->number);
        f->domain = find_domain(r, "function", name, f->line, f->domain_name);
        for (size_t k = 0; k < i && f->number; k++) {
            const struct pc_cfg_function *other = &c->functions[k];
            if (other->number == f->number)
                pc_report_at(r->report, "refused", c->file, f->line,
                             "function %u: it is there twice, first%s; remove one", f->number,
                             pc_config_place(c, other->line, place));
            else if (f->has_mac && other->has_mac && memcmp(f->mac, other->mac, 6) == 0)
                pc_report_at(r->report, "refused", c->file, f->line,
                             "function %u: function %u%s has the same MAC address; give it another",
                             f->number, other->number, pc_config_place(c, other->line, place));
            if (f->is_default && other->is_default && other->number != f->number)
                pc_report_at(r->report, "refused", c->file, f->line,
                             "function %u: function %u%s is the default already; keep one "
                             "\"default\"",
                             f->number, other->number, pc_config_place(c, other->line, place));
        }
    }
}

/* ---- services ---- */

/* `named_by` says of each backend which service named it last: its index and 1. */
static int resolve_backends(struct resolver *r, size_t service, size_t *named_by)
{
    struct pc_cfg_service *s = &r->config->services[service];

    s->backend_at = calloc(s->n_backends + 1, sizeof(*s->backend_at));
    if (!s->backend_at)
        return -ENOMEM;
    for (size_t k = 0; k < s->n_backends; k++) {
        int index = map_get(r->backends, s->backend_names[k]);
        s->backend_at[k] = index;
        if (index == PC_NONE) {
            pc_report_at(r->report, "refused", r->config->file, s->line,
                         "service \"%s\": backend \"%.64s\" is not defined; add it to \"backends\" "
                         "or correct the name",
                         s->name, s->backend_names[k]);
            continue;
        }
        if (named_by[index] == service + 1)
            pc_report_at(r->report, "refused", r->config->file, s->line,
                         "service \"%s\": backend \"%.64s\" is named twice; remove one", s->name,
                         s->backend_names[k]);
        named_by[index] = service + 1;
        if (k == 0)
            s->backend = index;
    }
    return 0;
}

static int resolve_services(struct resolver *r, const struct pc_addresses *addresses)
{
    struct portcam_config *c = r->config;
    size_t *named_by = calloc(c->n_backends + 1, sizeof(*named_by));
    char name[PC_NAME_MAX + 8];
    int rc = named_by ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < c->n_services; i++) {
        struct pc_cfg_service *s = &c->services[i];
        if (!s->name)
            continue;
        snprintf(name, sizeof(name), "\"%s\"", s->name);
        s->domain = find_domain(r, "service", name, s->line, s->domain_name);
        if (s->domain != PC_NONE)
            pc_addresses_resolve(addresses, s, r->report);
        rc = resolve_backends(r, i, named_by);
    }
    free(named_by);
    return rc;
}

static int duplicate_services(struct resolver *r)
{
    struct portcam_config *c = r->config;
    map_t *keys = json_object();
    int rc = keys ? 0 : -ENOMEM;
    char key[80], words[160], place[128];

    for (size_t i = 0; rc == 0 && i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        if (!s->name || s->domain == PC_NONE || (s->ip.family && s->address == PC_NONE))
            continue;
        snprintf(key, sizeof(key), "%d %d %d %d", s->domain, s->address, s->protocol, s->port);
        int first = map_get(keys, key);
        if (first == PC_NONE) {
            rc = map_put(keys, key, i);
            continue;
        }
        pc_service_words(c, s, words);
        pc_report_at(r->report, "refused", c->file, s->line,
                     "service \"%s\": service \"%s\"%s already takes %s; change one of them",
                     s->name, c->services[first].name,
                     pc_config_place(c, c->services[first].line, place), words);
    }
    json_decref(keys);
    return rc;
}

static int resolve(struct resolver *r)
{
    struct portcam_config *c = r->config;
    struct pc_addresses addresses = {0};

    int rc = collect(r);
    if (rc)
        return rc;
    resolve_functions(r);
    for (size_t i = 0; i < c->n_addresses; i++) {
        struct pc_cfg_address *a = &c->addresses[i];
        if (a->key)
            a->domain = find_domain(r, "address", a->key, a->line, a->domain_name);
    }
    rc = pc_addresses_sort(c, &addresses);
    if (rc == 0)
        rc = pc_addresses_overlaps(&addresses, r->report);
    if (rc == 0)
        rc = resolve_services(r, &addresses);
    free(addresses.sorted);
    return rc ? rc : duplicate_services(r);
}

int pc_config_resolve(struct portcam_config *config, struct portcam_report *report)
{
    struct resolver r = {config,        report,        json_object(),
                         json_object(), json_object(), json_object()};
    int rc = -ENOMEM;
    if (r.domains && r.addresses && r.backends && r.services)
        rc = resolve(&r);
    json_decref(r.domains);
    json_decref(r.addresses);
    json_decref(r.backends);
    json_decref(r.services);
    return rc;
}
