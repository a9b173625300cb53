// SPDX-License-Identifier: Apache-2.0
/*
 * Address rows in order of prefixes: no address belongs to two domains, and a service finds the row that it names. Both
 * take time in proportion to the rows and services, whatever the file says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static int compare(int a, int b)
{
    return a < b ? -1 : a > b;
}

/* A prefix stands before everything that it contains; rows of one prefix by domain, then VLAN. */
static int by_prefix(const void *left, const void *right)
{
    const struct pc_cfg_address *a = *(const struct pc_cfg_address *const *)left;
    const struct pc_cfg_address *b = *(const struct pc_cfg_address *const *)right;
    int order = compare(a->ip.family, b->ip.family);
    if (order == 0)
        order = memcmp(a->ip.bytes, b->ip.bytes, sizeof(a->ip.bytes));
    if (order == 0)
        order = compare((int)a->length, (int)b->length);
    if (order == 0)
        order = compare(a->domain, b->domain);
    if (order == 0)
        order = compare(a->vlan, b->vlan);
    return order ? order : compare(a->line, b->line);
}

int pc_addresses_sort(struct portcam_config *config, struct pc_addresses *ret)
{
    struct pc_cfg_address **sorted = calloc(config->n_addresses + 1, sizeof(*sorted));
    size_t n = 0;

    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_addresses; i++) {
        if (config->addresses[i].key)
            sorted[n++] = &config->addresses[i];
    }
    if (n)
        qsort(sorted, n, sizeof(*sorted), by_prefix);
    *ret = (struct pc_addresses){config, sorted, n};
    return 0;
}

/* ---- overlap ---- */

enum { SLOTS = PC_VLAN_MAX + 2, NOWHERE = -1 }; /* any VLAN, then each */

/* A row that contains the current one. The numbers are places in the stack below this one, or NOWHERE. */
struct around {
    const struct pc_cfg_address *address;
    int below;        /* the nearest of the same VLAN */
    int stranger;     /* the nearest of the same VLAN and another domain */
    int any_stranger; /* the nearest of another domain */
};

struct stack {
    struct around *at;
    int depth;
    int top[SLOTS]; /* of each VLAN */
};

static int slot(const struct pc_cfg_address *a)
{
    return a->vlan - PC_NONE;
}

static void push(struct stack *s, const struct pc_cfg_address *a)
{
    struct around *new = &s->at[s->depth];
    const struct around *last = s->depth ? new - 1 : NULL;
    int *top = &s->top[slot(a)];

    new->address = a;
    new->below = *top;
    new->stranger = NOWHERE;
    if (*top != NOWHERE)
        new->stranger = s->at[*top].address->domain != a->domain ? *top : s->at[*top].stranger;
    new->any_stranger = NOWHERE;
    if (last)
        new->any_stranger = last->address->domain != a->domain ? s->depth - 1 : last->any_stranger;
    *top = s->depth++;
}

static void pop(struct stack *s)
{
    const struct around *last = &s->at[--s->depth];
    s->top[slot(last->address)] = last->below;
}

/* A row in the stack of another domain and the same VLAN as the one that was pushed last, or NULL. */
static const struct pc_cfg_address *stranger_of_last(const struct stack *s)
{
    const struct around *last = &s->at[s->depth - 1];
    int any = s->top[0], found = last->stranger;

    if (last->address->vlan == PC_NONE)
        found = last->any_stranger;
    else if (found == NOWHERE && any != NOWHERE)
        found = s->at[any].address->domain != last->address->domain ? any : s->at[any].stranger;
    return found == NOWHERE ? NULL : s->at[found].address;
}

static void overlap(const struct portcam_config *config, const struct pc_cfg_address *a,
                    const struct pc_cfg_address *b, struct portcam_report *report)
{
    const struct pc_cfg_address *first = a->line <= b->line ? a : b;
    const struct pc_cfg_address *second = first == a ? b : a;
    char place[128];

    pc_report_at(report, "refused", config->file, second->line,
                 "address %s of domain \"%s\" overlaps address %s of domain \"%s\"%s; an address "
                 "belongs to one domain: change one prefix, VLAN or domain",
                 second->key, second->domain_name, first->key, first->domain_name,
                 pc_config_place(config, first->line, place));
}

int pc_addresses_overlaps(const struct pc_addresses *addresses, struct portcam_report *report)
{
    struct stack *s = calloc(1, sizeof(*s));
    struct around *at = calloc(addresses->count + 1, sizeof(*at));

    if (!s || !at) {
        free(s);
        free(at);
        return -ENOMEM;
    }
    s->at = at;
    for (unsigned i = 0; i < SLOTS; i++)
        s->top[i] = NOWHERE;
    for (size_t i = 0; i < addresses->count; i++) {
        const struct pc_cfg_address *a = addresses->sorted[i], *last;
        if (a->domain == PC_NONE)
            continue;
        while (s->depth > 0 && (last = at[s->depth - 1].address) &&
               !pc_ip_same_prefix(&last->ip, &a->ip, last->length))
            pop(s);
        push(s, a);
        const struct pc_cfg_address *stranger = stranger_of_last(s);
        if (stranger)
            overlap(addresses->config, stranger, a, report);
    }
    free(at);
    free(s);
    return 0;
}

/* ---- the address of a service ---- */

/* The first row that does not stand before `key`. */
static size_t lower_bound(const struct pc_addresses *addresses, const struct pc_cfg_address *key)
{
    size_t from = 0, to = addresses->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (by_prefix(&addresses->sorted[middle], &key) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static const struct pc_cfg_address *row_at(const struct pc_addresses *addresses, size_t at,
                                           const struct pc_cfg_address *key)
{
    const struct pc_cfg_address *a = at < addresses->count ? addresses->sorted[at] : NULL;
    return a && a->length == key->length && memcmp(&a->ip, &key->ip, sizeof(a->ip)) == 0 ? a : NULL;
}

/* A row of the prefix, and of the VLAN where one is given, of any domain. */
static const struct pc_cfg_address *elsewhere(const struct pc_addresses *addresses,
                                              struct pc_cfg_address key)
{
    const struct pc_cfg_address *a;
    int vlan = key.vlan;

    key.domain = key.vlan = PC_NONE;
    for (size_t i = lower_bound(addresses, &key); (a = row_at(addresses, i, &key)); i++) {
        if (vlan == PC_NONE || a->vlan == vlan)
            return a;
    }
    return NULL;
}

static void not_found(const struct pc_addresses *addresses, const struct pc_cfg_service *s,
                      const struct pc_cfg_address *key, struct portcam_report *report)
{
    const struct pc_cfg_address *other = NULL;
    const struct portcam_config *c = addresses->config;
    char text[PC_IP_TEXT + 16], place[128];

    if (pc_report_total(report) < PORTCAM_REPORT_MAX)
        other = elsewhere(addresses, *key);
    pc_prefix_format(&s->ip, s->length, text);
    if (s->vlan != PC_NONE) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, " vlan %d", s->vlan);
    }
    if (other && other->domain_name)
        pc_report_at(
            report, "refused", c->file, s->line,
            "service \"%s\": address %s belongs to domain \"%s\"%s, not to \"%s\"; name an "
            "address of its own domain",
            s->name, text, other->domain_name, pc_config_place(c, other->line, place),
            s->domain_name);
    else
        pc_report_at(report, "refused", c->file, s->line,
                     "service \"%s\": address %s is not defined; add it to \"addresses\" or "
                     "correct it",
                     s->name, text);
}

void pc_addresses_resolve(const struct pc_addresses *addresses, struct pc_cfg_service *s,
                          struct portcam_report *report)
{
    struct pc_cfg_address key = {
        .ip = s->ip, .length = s->length, .domain = s->domain, .vlan = s->vlan};
    char text[PC_IP_TEXT];

    if (s->ip.family == 0) {
        if (s->vlan != PC_NONE)
            pc_report_at(report, "refused", addresses->config->file, s->line,
                         "service \"%s\": \"vlan\" chooses among rows of one address; add "
                         "\"address\" or remove \"vlan\"",
                         s->name);
        return;
    }
    size_t at = lower_bound(addresses, &key);
    const struct pc_cfg_address *found = row_at(addresses, at, &key);
    if (!found || found->domain != s->domain || (s->vlan != PC_NONE && found->vlan != s->vlan)) {
        not_found(addresses, s, &key, report);
        return;
    }
    const struct pc_cfg_address *next = row_at(addresses, at + 1, &key);
    s->address = (int)(found - addresses->config->addresses);
    if (s->vlan != PC_NONE || !next || next->domain != s->domain)
        return;
    pc_prefix_format(&s->ip, s->length, text);
    pc_report_at(report, "refused", addresses->config->file, s->line,
                 "service \"%s\": address %s is there for several VLANs; add \"vlan\" to say "
                 "which",
                 s->name, text);
}
