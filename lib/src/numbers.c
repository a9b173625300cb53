// SPDX-License-Identifier: Apache-2.0
/* Stable numbers for the names of a configuration; see plan.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static const char *const Keys[PC_KIND_MAX] = {"domains", "addresses", "services", "backends"};

const char *pc_object_name(const struct portcam_config *config, enum pc_kind kind, size_t index)
{
    switch (kind) {
    case PC_DOMAIN:
        return config->domains[index].name;
    case PC_ADDRESS:
        return config->addresses[index].key;
    case PC_SERVICE:
        return config->services[index].name;
    case PC_BACKEND:
        return config->backends[index].name;
    default:
        return "";
    }
}

size_t pc_object_count(const struct portcam_config *config, enum pc_kind kind)
{
    switch (kind) {
    case PC_DOMAIN:
        return config->n_domains;
    case PC_ADDRESS:
        return config->n_addresses;
    case PC_SERVICE:
        return config->n_services;
    case PC_BACKEND:
        return config->n_backends;
    default:
        return 0;
    }
}

static size_t room_of(const struct portcam_caps *caps, enum pc_kind kind)
{
    switch (kind) {
    case PC_DOMAIN:
        return caps->domains;
    case PC_ADDRESS:
        return caps->addresses;
    case PC_SERVICE:
        return caps->services;
    case PC_BACKEND:
        return caps->backends;
    default:
        return 0;
    }
}

/* The saved number of a name, or PC_NONE when there is none that is usable. */
static int saved_number(const json_t *saved, const char *name, size_t room, struct pc_base *base)
{
    const json_t *entry = json_object_get(saved, name);
    const json_t *number = json_array_get(entry, 0);

    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        (size_t)json_integer_value(number) >= room)
        return PC_NONE;
    for (size_t i = 0; i < 4; i++)
        base->value[i] = (uint64_t)json_integer_value(json_array_get(entry, i + 1));
    return (int)json_integer_value(number);
}

/* Marks the numbers of names that are no longer there: they are given out last. */
static void mark_old(const json_t *saved, bool *old, size_t room)
{
    struct pc_base base;
    const char *name;
    json_t *entry;

    json_object_foreach ((json_t *)saved, name, entry) {
        int number = saved_number(saved, name, room, &base);
        if (number != PC_NONE)
            old[number] = true;
    }
}

/*
 * The next number for a new object: those that no name had come first. *at goes from 0 through the numbers twice, for
 * none becomes free on the way.
 */
static size_t next_free(const struct pc_numbers *n, const bool *old, size_t *at)
{
    for (; *at < 2 * n->room; ++*at) {
        size_t number = *at % n->room;
        if (n->index[number] < 0 && (*at >= n->room || !old[number]))
            return number;
    }
    return 0;
}

static int assign(const struct portcam_config *config, enum pc_kind kind, struct pc_numbers *n,
                  const json_t *saved)
{
    bool *old = calloc(n->room + 1, sizeof(*old));
    size_t at = 0;

    if (!old)
        return -ENOMEM;
    mark_old(saved, old, n->room);
    for (size_t i = 0; i < n->room; i++)
        n->index[i] = -1;
    for (size_t i = 0; i < n->count; i++) {
        int number = saved_number(saved, pc_object_name(config, kind, i), n->room, &n->base[i]);
        n->fresh[i] = number == PC_NONE || n->index[number] >= 0;
        if (!n->fresh[i]) {
            n->number[i] = (uint16_t)number;
            n->index[number] = (int32_t)i;
        }
    }
    for (size_t i = 0; i < n->count; i++) {
        if (!n->fresh[i])
            continue;
        size_t number = next_free(n, old, &at);
        memset(&n->base[i], 0, sizeof(n->base[i]));
        n->number[i] = (uint16_t)number;
        n->index[number] = (int32_t)i;
    }
    free(old);
    return 0;
}

int pc_numbers_make(struct pc_plan *plan, const struct portcam_caps *caps, json_t *names)
{
    for (enum pc_kind kind = 0; kind < PC_KIND_MAX; kind++) {
        struct pc_numbers *n = &plan->numbers[kind];
        n->count = pc_object_count(plan->config, kind);
        n->room = room_of(caps, kind);
        n->number = calloc(n->count + 1, sizeof(*n->number));
        n->fresh = calloc(n->count + 1, sizeof(*n->fresh));
        n->base = calloc(n->count + 1, sizeof(*n->base));
        n->index = calloc(n->room + 1, sizeof(*n->index));
        if (!n->number || !n->fresh || !n->base || !n->index)
            return -ENOMEM;
        int rc = assign(plan->config, kind, n, json_object_get(names, Keys[kind]));
        if (rc)
            return rc;
    }
    return 0;
}

json_t *pc_plan_names(const struct pc_plan *plan)
{
    json_t *root = json_object();
    for (enum pc_kind kind = 0; root && kind < PC_KIND_MAX; kind++) {
        const struct pc_numbers *n = &plan->numbers[kind];
        json_t *list = json_object();
        for (size_t i = 0; list && i < n->count; i++) {
            const uint64_t *base = n->base[i].value;
            json_t *entry =
                json_pack("[i, I, I, I, I]", (int)n->number[i], (json_int_t)base[0],
                          (json_int_t)base[1], (json_int_t)base[2], (json_int_t)base[3]);
            if (json_object_set_new(list, pc_object_name(plan->config, kind, i), entry)) {
                json_decref(list);
                list = NULL;
            }
        }
        if (json_object_set_new(root, Keys[kind], list)) {
            json_decref(root);
            root = NULL;
        }
    }
    return root;
}
