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

enum { TAKEN = -2 }; /* among indices while numbers are given */

/* The saved number of a name, or PC_NONE when there is none that is usable. */
static int saved_number(const json_t *saved, const char *name, size_t room, struct pc_base *base)
{
    const json_t *entry = json_object_get(saved, name);
    const json_t *number = json_array_get(entry, 0);

    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        (size_t)json_integer_value(number) >= room)
        return PC_NONE;
    for (size_t i = 0; i < PC_BASES; i++)
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
 * none becomes free on the way. n->room when there is none.
 */
static size_t next_free(const struct pc_numbers *n, const bool *old, size_t *at)
{
    for (; *at < 2 * n->room; ++*at) {
        size_t number = *at % n->room;
        if (n->index[number] == -1 && (*at >= n->room || !old[number]))
            return number;
    }
    return n->room;
}

/* Numbers of backends that must not go to another one; a new array, or NULL. */
static bool *taken_backends(const struct pc_plan *plan, const struct pc_image *before, size_t room)
{
    bool *taken = calloc(room + 1, sizeof(*taken));
    json_t *value;
    size_t i;

    json_array_foreach (plan->reserved, i, value) {
        json_int_t number = json_integer_value(value);
        if (taken && json_is_integer(value) && number >= 0 && (size_t)number < room)
            taken[number] = true;
    }
    for (unsigned t = PORTCAM_TABLE_ENDPOINT; taken && before && t <= PORTCAM_TABLE_ENDPOINT_ANY;
         t++) {
        for (uint32_t r = 0; r < before->rows[t]; r++) {
            const struct portcam_endpoint_row *row = (const void *)before->table[t][r].data;
            if (before->table[t][r].valid && row->flags & PORTCAM_ENDPOINT_ROW_STATEFUL &&
                row->backend < room)
                taken[row->backend] = true;
        }
    }
    return taken;
}

static int none_free(const struct pc_plan *plan, size_t index, struct portcam_report *report)
{
    const struct pc_cfg_backend *b = &plan->config->backends[index];
    pc_report_at(report, "full", plan->config->file, b->line,
                 "backend \"%s\": no number is free, for connections of removed backends have not "
                 "ended; wait, or end them with `portcam connection flush`",
                 b->name);
    return -EBADMSG;
}

/* `taken`: numbers that no new object gets. Index of the object that got none, or the count of all. */
static int assign(const struct portcam_config *config, enum pc_kind kind, struct pc_numbers *n,
                  const json_t *saved, const bool *taken, size_t *ret_failed)
{
    bool *old = calloc(n->room + 1, sizeof(*old));
    size_t at = 0;

    if (!old)
        return -ENOMEM;
    mark_old(saved, old, n->room);
    for (size_t i = 0; i < n->room; i++)
        n->index[i] = taken && taken[i] ? TAKEN : -1;
    for (size_t i = 0; i < n->count; i++) {
        int number = saved_number(saved, pc_object_name(config, kind, i), n->room, &n->base[i]);
        n->fresh[i] = number == PC_NONE || n->index[number] >= 0;
        if (!n->fresh[i]) {
            n->number[i] = (uint16_t)number;
            n->index[number] = (int32_t)i;
        }
    }
    *ret_failed = n->count;
    for (size_t i = 0; i < n->count && *ret_failed == n->count; i++) {
        if (!n->fresh[i])
            continue;
        size_t number = next_free(n, old, &at);
        if (number == n->room) {
            *ret_failed = i;
            break;
        }
        memset(&n->base[i], 0, sizeof(n->base[i]));
        n->number[i] = (uint16_t)number;
        n->index[number] = (int32_t)i;
    }
    for (size_t i = 0; i < n->room; i++) {
        if (n->index[i] == TAKEN)
            n->index[i] = -1;
    }
    free(old);
    return 0;
}

int pc_numbers_make(struct pc_plan *plan, const struct portcam_caps *caps, json_t *names,
                    const struct pc_image *before, struct portcam_report *report)
{
    plan->reserved = json_incref(json_object_get(names, "reserved"));
    plan->response = json_incref(json_object_get(names, "response"));
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
        bool *taken = kind == PC_BACKEND ? taken_backends(plan, before, n->room) : NULL;
        size_t failed = n->count;
        int rc =
            kind == PC_BACKEND && !taken
                ? -ENOMEM
                : assign(plan->config, kind, n, json_object_get(names, Keys[kind]), taken, &failed);
        free(taken);
        if (rc == 0 && failed < n->count)
            rc = none_free(plan, failed, report);
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
            json_t *entry = json_pack("[i]", (int)n->number[i]);
            size_t bases = PC_BASES;
            while (bases > PC_PACKET_BASES && base[bases - 1] == 0)
                bases--;
            for (size_t k = 0; entry && k < bases; k++) {
                if (json_array_append_new(entry, json_integer((json_int_t)base[k]))) {
                    json_decref(entry);
                    entry = NULL;
                }
            }
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
    if (root && ((plan->reserved && json_object_set(root, "reserved", plan->reserved)) ||
                 (plan->response && json_object_set(root, "response", plan->response)))) {
        json_decref(root);
        root = NULL;
    }
    return root;
}
