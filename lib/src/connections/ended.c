// SPDX-License-Identifier: Apache-2.0
/*
 * Connections that a change ends: those of services and backends that are gone, or that packets cannot find any more
 * because a part of their key changed. A backend that is removed takes its connections with it; `portcam backend drain`
 * is the gentle way. Numbers of backends that records still point to go to nobody (F.17).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"

enum { WALKS = 4 };

/* The same thing under one number before and after; its index in both configurations. */
static bool stays(const struct pc_plan *old, const struct pc_plan *new, enum pc_kind kind,
                  unsigned number, int *ret_old, int *ret_new)
{
    const struct pc_numbers *a = &old->numbers[kind], *b = &new->numbers[kind];

    if (number >= a->room || number >= b->room || a->index[number] < 0 || b->index[number] < 0)
        return false;
    *ret_old = a->index[number];
    *ret_new = b->index[number];
    return strcmp(pc_object_name(old->config, kind, (size_t)*ret_old),
                  pc_object_name(new->config, kind, (size_t)*ret_new)) == 0;
}

static bool same_number(const struct pc_plan *old, const struct pc_plan *new, int a, int b)
{
    return (a == PC_NONE) == (b == PC_NONE) &&
           (a == PC_NONE ||
            old->numbers[PC_ADDRESS].number[a] == new->numbers[PC_ADDRESS].number[b]);
}

/* Do packets find the records of this service as before? */
static bool service_stays(const struct pc_plan *old, const struct pc_plan *new, unsigned number)
{
    int a, b;

    if (!stays(old, new, PC_SERVICE, number, &a, &b))
        return false;
    const struct pc_cfg_service *s = &old->config->services[a], *t = &new->config->services[b];
    return s->mode == PORTCAM_MODE_STATEFUL && t->mode == PORTCAM_MODE_STATEFUL &&
           s->port == t->port && s->protocol == t->protocol &&
           same_number(old, new, s->address, t->address) && old->group[a] == new->group[b] &&
           old->numbers[PC_DOMAIN].number[s->domain] == new->numbers[PC_DOMAIN].number[t->domain];
}

/* Is it the same server, found by the same number? */
static bool backend_stays(const struct pc_plan *old, const struct pc_plan *new, unsigned number)
{
    int a, b;

    if (!stays(old, new, PC_BACKEND, number, &a, &b))
        return false;
    const struct pc_cfg_backend *x = &old->config->backends[a], *y = &new->config->backends[b];
    return old->stateful[a] && new->stateful[b] &&
           x->port == y->port &&memcmp(&x->ip, &y->ip, sizeof(x->ip)) == 0 &&
           old->endpoint[a] == new->endpoint[b];
}

static bool address_stays(const struct pc_plan *old, const struct pc_plan *new, unsigned number)
{
    int a, b;
    return stays(old, new, PC_ADDRESS, number, &a, &b);
}

/* Does the service have the backend? Both by number. */
static bool has_backend(const struct pc_plan *plan, unsigned service, unsigned backend)
{
    const struct pc_cfg_service *s =
        &plan->config->services[plan->numbers[PC_SERVICE].index[service]];
    int index = plan->numbers[PC_BACKEND].index[backend];

    for (size_t i = 0; i < s->n_backends; i++) {
        if (s->backend_at[i] == index)
            return true;
    }
    return false;
}

static bool is_lost(const struct pc_plan *old, const struct pc_plan *new,
                    const struct portcam_connection_image *i)
{
    return !service_stays(old, new, i->service) || !backend_stays(old, new, i->backend) ||
           !address_stays(old, new, i->address) || !has_backend(new, i->service, i->backend);
}

/* Does a service name fewer backends? */
static bool loses_backend(const struct pc_plan *old, const struct pc_plan *new, size_t service)
{
    const struct pc_cfg_service *s = &old->config->services[service];
    unsigned number = old->numbers[PC_SERVICE].number[service];
    const struct pc_cfg_service *t = &new->config->services[new->numbers[PC_SERVICE].index[number]];
    bool *named = calloc(new->numbers[PC_BACKEND].room + 1, sizeof(*named));
    bool loses = !named;

    for (size_t i = 0; named && i < t->n_backends; i++)
        named[new->numbers[PC_BACKEND].number[t->backend_at[i]]] = true;
    for (size_t i = 0; named && i < s->n_backends; i++)
        loses |= !named[old->numbers[PC_BACKEND].number[s->backend_at[i]]];
    free(named);
    return loses;
}

bool pc_may_lose(const struct portcam *pc, const struct pc_plan *new)
{
    const struct pc_plan *old = pc->plan;

    for (size_t i = 0; i < old->config->n_services; i++) {
        if (old->config->services[i].mode == PORTCAM_MODE_STATEFUL &&
            (!service_stays(old, new, old->numbers[PC_SERVICE].number[i]) ||
             loses_backend(old, new, i)))
            return true;
    }
    for (size_t i = 0; i < old->config->n_backends; i++) {
        if (old->stateful[i] && !backend_stays(old, new, old->numbers[PC_BACKEND].number[i]))
            return true;
    }
    for (size_t i = 0; i < old->config->n_addresses; i++) {
        if (!address_stays(old, new, old->numbers[PC_ADDRESS].number[i]))
            return true;
    }
    return false;
}

/* Once through all slots. */
static int walk(struct portcam *pc, const struct pc_plan *plan, bool end,
                struct portcam_connection_image *images, uint64_t *total)
{
    uint32_t slots = pc_hw_slots(pc->hw);
    int rc = 0;

    for (uint32_t slot = 0; rc == 0 && slot < slots; slot += PC_HW_CHUNK) {
        uint32_t n = 0, lost = 0, left = slots - slot;
        rc = pc_hw_connections(pc->hw, slot, left < PC_HW_CHUNK ? left : PC_HW_CHUNK, images, &n);
        for (uint32_t i = 0; rc == 0 && i < n; i++) {
            if (is_lost(pc->plan, plan, &images[i]))
                images[lost++] = images[i];
        }
        if (rc == 0 && end && lost)
            rc = pc_hw_end_connections(pc->hw, images, lost, &lost);
        *total += lost;
    }
    return rc;
}

int pc_end_lost(struct portcam *pc, const struct pc_plan *plan, bool end,
                struct portcam_report *report, uint64_t *ret_count)
{
    struct portcam_connection_image *images = calloc(PC_HW_CHUNK, sizeof(*images));
    uint64_t total = 0, before = 0;
    int rc = images ? walk(pc, plan, end, images, &total) : -ENOMEM;

    /* The card moves records; one that went where the walk had been is found by the next. */
    for (unsigned i = 1; rc == 0 && end && total > before && i < WALKS; i++) {
        before = total;
        rc = walk(pc, plan, end, images, &total);
    }
    free(images);
    if (rc && rc != -ENOMEM)
        pc_report_add(report, pc_hw_code(rc), "the card's connections: %s", pc_hw_error());
    if (rc == 0)
        *ret_count = total;
    return rc;
}

int pc_reserve(struct portcam *pc, json_t *names, struct portcam_report *report)
{
    uint32_t n = pc_hw_caps(pc->hw)->backends;
    struct portcam_backend_state *states = NULL;
    json_t *list = NULL;
    int rc = 0;

    if (!(pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL))
        return 0;
    states = calloc(n, sizeof(*states));
    list = json_array();
    rc = states && list ? pc_hw_backends(pc->hw, 0, n, states) : -ENOMEM;
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        if (states[i].records && pc->plan->numbers[PC_BACKEND].index[i] < 0 &&
            json_array_append_new(list, json_integer(i)))
            rc = -ENOMEM;
    }
    if (rc && rc != -ENOMEM)
        pc_report_add(report, pc_hw_code(rc), "the card's backends: %s", pc_hw_error());
    json_object_del(names, "reserved");
    if (rc == 0 && json_array_size(list) && json_object_set(names, "reserved", list))
        rc = -ENOMEM;
    free(states);
    json_decref(list);
    return rc;
}
