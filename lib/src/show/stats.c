// SPDX-License-Identifier: Apache-2.0
/* Counters by name. What a number had counted before its object got it is taken off. */
#include <errno.h>
#include <stdlib.h>

#include "instance/instance.h"

static const struct {
    const char *list, *key;
    unsigned table;
} Kinds[PC_KIND_MAX] = {
    {"domains", "name", PORTCAM_COUNTER_TABLE_DOMAIN},
    {"addresses", "address", PORTCAM_COUNTER_TABLE_ADDRESS},
    {"services", "name", PORTCAM_COUNTER_TABLE_SERVICE},
    {"backends", "name", PORTCAM_COUNTER_TABLE_BACKEND},
};

static json_t *counter_json(uint64_t packets, uint64_t octets)
{
    return json_pack("{s:I, s:I}", "packets", (json_int_t)packets, "octets", (json_int_t)octets);
}

/* A counter below its starting value was cleared with the card just now. */
static uint64_t since(uint64_t value, uint64_t base)
{
    return (int64_t)base < 0 || value >= base ? value - base : value;
}

static int add_both(json_t *object, const struct portcam_counter counter[2],
                    const struct pc_base *base)
{
    json_t *forward = counter_json(since(counter[0].packets, base->value[0]),
                                   since(counter[0].octets, base->value[1]));
    json_t *reverse = counter_json(since(counter[1].packets, base->value[2]),
                                   since(counter[1].octets, base->value[3]));
    int rc = json_object_set_new(object, "forward", forward);
    return json_object_set_new(object, "reverse", reverse) || rc ? -ENOMEM : 0;
}

int pc_add_counters(struct portcam *pc, enum pc_kind kind, size_t index, json_t *object)
{
    const struct pc_numbers *n = &pc->plan->numbers[kind];
    struct portcam_counter counter[2];

    int rc = pc_hw_counters(pc->hw, Kinds[kind].table, 2u * n->number[index], 2, counter);
    return rc ? rc : add_both(object, counter, &n->base[index]);
}

/* What backend_read counts, by name. */
static json_t *connections_json(const struct portcam_backend_state *s, const struct pc_base *base)
{
    const uint64_t *was = base->value + PC_PACKET_BASES;
    uint64_t count = since(s->syn_ack_count, was[3]), ms = since(s->syn_ack_ms, was[4]);
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I}", "new", (json_int_t)since(s->new_connections, was[0]),
        "syn_repeats", (json_int_t)since(s->syn_repeats, was[1]), "syn_resets",
        (json_int_t)since(s->syn_resets, was[2]), "syn_ack_count", (json_int_t)count, "syn_ack_ms",
        (json_int_t)ms, "syn_ack_ms_max", (json_int_t)s->syn_ack_ms_max);
    if (object && count)
        json_object_set_new(object, "syn_ack_ms_mean", json_real((double)ms / (double)count));
    return object;
}

static int add_connections(const struct portcam_backend_state *s, const struct pc_base *base,
                           bool stats, json_t *object)
{
    int rc = json_object_set_new(object, "active", json_integer(s->active)) ||
             json_object_set_new(object, "records", json_integer(s->records)) ||
             (stats && json_object_set_new(object, "connections", connections_json(s, base)));
    return rc ? -ENOMEM : 0;
}

int pc_add_connections(struct portcam *pc, size_t index, bool stats,
                       const struct portcam_backend_state *states, json_t *object)
{
    uint16_t number = pc->plan->numbers[PC_BACKEND].number[index];
    struct portcam_backend_state state;

    if (!pc->plan->stateful[index])
        return 0;
    int rc = states ? 0 : pc_hw_backends(pc->hw, number, 1, &state);
    return rc ? rc
              : add_connections(states ? &states[number] : &state,
                                &pc->plan->numbers[PC_BACKEND].base[index], stats, object);
}

int portcam_counters(struct portcam *pc, unsigned table, uint32_t row, uint32_t count,
                     struct portcam_counter *ret)
{
    const struct portcam_caps *caps = pc_hw_caps(pc->hw);
    const uint32_t rows[PORTCAM_COUNTER_TABLE_MAX] = {
        PORTCAM_REASON_MAX,  caps->functions,    caps->functions,   2 * caps->domains,
        2 * caps->addresses, 2 * caps->services, 2 * caps->backends};

    if (table >= PORTCAM_COUNTER_TABLE_MAX || row > rows[table] || count > rows[table] - row)
        return -EINVAL;
    return pc_hw_counters(pc->hw, table, row, count, ret);
}

static int reasons(struct portcam *pc, bool all, json_t *list)
{
#define REASON(value, name, rule, fate, about) [value] = {name, rule, fate},
    static const struct {
        const char *name, *rule, *fate;
    } names[] = {PORTCAM_REASON_LIST(REASON)};
#undef REASON
    struct portcam_counter counters[PORTCAM_REASON_MAX];

    int rc = pc_hw_counters(pc->hw, PORTCAM_COUNTER_TABLE_REASON, 0, PORTCAM_REASON_MAX, counters);
    for (unsigned i = 0; rc == 0 && i < PORTCAM_REASON_MAX; i++) {
        if (!names[i].name || (!all && counters[i].packets == 0))
            continue;
        json_t *entry =
            json_pack("{s:s, s:s, s:s, s:I, s:I}", "reason", names[i].name, "rule", names[i].rule,
                      "fate", names[i].fate, "packets", (json_int_t)counters[i].packets, "octets",
                      (json_int_t)counters[i].octets);
        rc = json_array_append_new(list, entry) ? -ENOMEM : 0;
    }
    return rc;
}

static int functions(struct portcam *pc, bool all, json_t *list)
{
    uint32_t n = pc_hw_caps(pc->hw)->functions;
    struct portcam_counter rx[256], tx[256];

    int rc = pc_hw_counters(pc->hw, PORTCAM_COUNTER_TABLE_FUNCTION_RX, 0, n, rx);
    if (rc == 0)
        rc = pc_hw_counters(pc->hw, PORTCAM_COUNTER_TABLE_FUNCTION_TX, 0, n, tx);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        if (!all && rx[i].packets == 0 && tx[i].packets == 0)
            continue;
        json_t *entry = json_pack("{s:i, s:o, s:o}", "function", (int)i, "rx",
                                  counter_json(rx[i].packets, rx[i].octets), "tx",
                                  counter_json(tx[i].packets, tx[i].octets));
        rc = json_array_append_new(list, entry) ? -ENOMEM : 0;
    }
    return rc;
}

static bool is_zero(const struct portcam_counter counter[2], const struct pc_base *base)
{
    return since(counter[0].packets, base->value[0]) == 0 &&
           since(counter[1].packets, base->value[2]) == 0;
}

int pc_backend_states(struct portcam *pc, struct portcam_backend_state **ret)
{
    const struct pc_numbers *n = &pc->plan->numbers[PC_BACKEND];
    bool any = false;

    for (size_t i = 0; i < n->count; i++)
        any |= pc->plan->stateful[i];
    if (!any)
        return 0;
    *ret = calloc(n->room, sizeof(**ret));
    return *ret ? pc_hw_backends(pc->hw, 0, (uint32_t)n->room, *ret) : -ENOMEM;
}

static int objects(struct portcam *pc, bool all, enum pc_kind kind, json_t *list)
{
    const struct pc_numbers *n = &pc->plan->numbers[kind];
    struct portcam_backend_state *states = NULL;
    struct portcam_counter *counters;
    int rc = 0;

    if (n->count == 0)
        return 0;
    counters = calloc(2 * n->room, sizeof(*counters));
    if (!counters)
        return -ENOMEM;
    rc = pc_hw_counters(pc->hw, Kinds[kind].table, 0, (uint32_t)(2 * n->room), counters);
    if (rc == 0 && kind == PC_BACKEND)
        rc = pc_backend_states(pc, &states);
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        const struct portcam_counter *counter = &counters[(size_t)2 * n->number[i]];
        const struct portcam_backend_state *state =
            states && pc->plan->stateful[i] ? &states[n->number[i]] : NULL;
        if (!all && is_zero(counter, &n->base[i]) && !(state && state->records))
            continue;
        json_t *entry =
            json_pack("{s:s, s:i}", Kinds[kind].key, pc_object_name(pc->plan->config, kind, i),
                      "number", (int)n->number[i]);
        rc = entry ? add_both(entry, counter, &n->base[i]) : -ENOMEM;
        if (rc == 0 && state)
            rc = add_connections(state, &n->base[i], true, entry);
        if (json_array_append_new(list, entry))
            rc = -ENOMEM;
    }
    free(counters);
    free(states);
    return rc;
}

/* How many records there are, of the whole card. */
static int records(struct portcam *pc, json_t *root)
{
    const struct portcam_caps *caps = pc_hw_caps(pc->hw);
    uint32_t used = 0, embryonic = 0;
    uint64_t began = 0;

    if (!(caps->flags & PORTCAM_CAPS_STATEFUL))
        return 0;
    struct portcam_backend_state *states = calloc(caps->backends, sizeof(*states));
    int rc = states ? pc_hw_backends(pc->hw, 0, caps->backends, states) : -ENOMEM;
    for (uint32_t i = 0; rc == 0 && i < caps->backends; i++)
        began += states[i].new_connections;
    free(states);
    if (rc == 0)
        rc = pc_hw_register(pc->hw, PORTCAM_REG_CONNECTIONS_USED, &used);
    if (rc == 0)
        rc = pc_hw_register(pc->hw, PORTCAM_REG_CONNECTIONS_EMBRYONIC, &embryonic);
    if (rc)
        return rc;
    json_t *object =
        json_pack("{s:I, s:I, s:I, s:I}", "new", (json_int_t)began, "records", (json_int_t)used,
                  "embryonic", (json_int_t)embryonic, "slots", (json_int_t)pc_hw_slots(pc->hw));
    return json_object_set_new(root, "connections", object) ? -ENOMEM : 0;
}

int portcam_stats(struct portcam *pc, bool all, struct portcam_report *report, struct json_t **ret)
{
    uint32_t time = 0;
    json_t *root = json_pack("{s:[], s:[], s:[], s:[], s:[], s:[]}", "reasons", "functions",
                             "domains", "addresses", "services", "backends");
    int rc = root ? pc_hw_register(pc->hw, PORTCAM_REG_TIME_MS, &time) : -ENOMEM;

    if (rc == 0)
        rc = pc_check_bases(pc, NULL);
    if (rc == 0)
        rc = json_object_set_new(root, "time_ms", json_integer(time)) ? -ENOMEM : 0;
    if (rc == 0)
        rc = records(pc, root);
    if (rc == 0)
        rc = reasons(pc, all, json_object_get(root, "reasons"));
    if (rc == 0)
        rc = functions(pc, all, json_object_get(root, "functions"));
    for (enum pc_kind kind = 0; rc == 0 && kind < PC_KIND_MAX; kind++)
        rc = objects(pc, all, kind, json_object_get(root, Kinds[kind].list));
    if (rc) {
        json_decref(root);
        if (rc != -ENOMEM)
            pc_report_add(report, pc_hw_code(rc), "the card's counters cannot be read: %s",
                          pc_hw_error());
        return rc;
    }
    *ret = root;
    return 0;
}
