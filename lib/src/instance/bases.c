// SPDX-License-Identifier: Apache-2.0
/*
 * Starting values of counters: what a number showed when its object got it, which is taken off from what it shows. They
 * hold until the card is reset. A reset by somebody else is known by another hash seed, by empty tables, or by a counter
 * that is below its starting value; then all starting values are forgotten, for all counters began again together. Over a
 * reset by this library counters go on: their starting values are below 0 then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "state.h"

#define SINGLE_READS 64 /* more fresh numbers than this: the whole counter table is read */

static const unsigned Tables[PC_KIND_MAX] = {
    PORTCAM_COUNTER_TABLE_DOMAIN, PORTCAM_COUNTER_TABLE_ADDRESS, PORTCAM_COUNTER_TABLE_SERVICE,
    PORTCAM_COUNTER_TABLE_BACKEND};

static void set_base(struct pc_base *base, const struct portcam_counter counter[2])
{
    base->value[0] = counter[0].packets;
    base->value[1] = counter[0].octets;
    base->value[2] = counter[1].packets;
    base->value[3] = counter[1].octets;
}

static void set_connection_base(struct pc_base *base, const struct portcam_backend_state *s)
{
    uint64_t *value = base->value + PC_PACKET_BASES;
    value[0] = s->new_connections;
    value[1] = s->syn_repeats;
    value[2] = s->syn_resets;
    value[3] = s->syn_ack_count;
    value[4] = s->syn_ack_ms;
}

static size_t count_fresh(const struct pc_numbers *n)
{
    size_t count = 0;
    for (size_t i = 0; i < n->count; i++)
        count += n->fresh[i];
    return count;
}

static int read_connection_bases(struct portcam *pc, struct pc_numbers *n)
{
    struct portcam_backend_state *states;

    if (!(pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL) || count_fresh(n) == 0)
        return 0;
    states = calloc(n->room, sizeof(*states));
    int rc = states ? pc_hw_backends(pc->hw, 0, (uint32_t)n->room, states) : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        if (n->fresh[i])
            set_connection_base(&n->base[i], &states[n->number[i]]);
    }
    free(states);
    return rc;
}

int pc_read_bases(struct portcam *pc, struct pc_plan *plan, struct portcam_report *report)
{
    int rc = 0;

    for (enum pc_kind kind = 0; rc == 0 && kind < PC_KIND_MAX; kind++) {
        struct pc_numbers *n = &plan->numbers[kind];
        size_t fresh = count_fresh(n);
        struct portcam_counter *all = NULL;
        struct portcam_counter two[2];
        if (fresh > SINGLE_READS) {
            all = calloc(2 * n->room, sizeof(*all));
            rc = all ? pc_hw_counters(pc->hw, Tables[kind], 0, (uint32_t)(2 * n->room), all)
                     : -ENOMEM;
        }
        for (size_t i = 0; rc == 0 && fresh && i < n->count; i++) {
            if (!n->fresh[i])
                continue;
            if (!all)
                rc = pc_hw_counters(pc->hw, Tables[kind], 2u * n->number[i], 2, two);
            if (rc == 0)
                set_base(&n->base[i], all ? &all[(size_t)2 * n->number[i]] : two);
        }
        free(all);
    }
    if (rc == 0)
        rc = read_connection_bases(pc, &plan->numbers[PC_BACKEND]);
    if (rc && rc != -ENOMEM)
        pc_report_add(report, pc_hw_code(rc), "the card's counters cannot be read: %s",
                      pc_hw_error());
    return rc;
}

/* What a counter tells; or, of what it told, its starting value. */
static uint64_t turned(uint64_t now, uint64_t was, bool hold)
{
    return hold && (int64_t)was >= 0 && now < was ? now : now - was;
}

static int turn_bases(struct portcam *pc, enum pc_kind kind, bool hold)
{
    struct pc_numbers *n = &pc->plan->numbers[kind];
    bool connections = kind == PC_BACKEND && pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL;
    struct portcam_counter *counters = calloc(2 * n->room + 1, sizeof(*counters));
    struct portcam_backend_state *states = calloc(n->room + 1, sizeof(*states));
    int rc = counters && states ? 0 : -ENOMEM;

    if (rc == 0 && n->count)
        rc = pc_hw_counters(pc->hw, Tables[kind], 0, (uint32_t)(2 * n->room), counters);
    if (rc == 0 && n->count && connections)
        rc = pc_hw_backends(pc->hw, 0, (uint32_t)n->room, states);
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        struct pc_base now = {{0}};
        set_base(&now, &counters[(size_t)2 * n->number[i]]);
        if (connections)
            set_connection_base(&now, &states[n->number[i]]);
        for (unsigned k = 0; k < PC_BASES; k++)
            n->base[i].value[k] = turned(now.value[k], n->base[i].value[k], hold);
    }
    free(counters);
    free(states);
    return rc;
}

int pc_turn_bases(struct portcam *pc, bool hold)
{
    int rc = 0;
    for (enum pc_kind kind = 0; rc == 0 && kind < PC_KIND_MAX; kind++)
        rc = turn_bases(pc, kind, hold);
    if (rc)
        pc_forget_bases(pc->plan);
    return rc;
}

void pc_forget_bases(struct pc_plan *plan)
{
    for (enum pc_kind kind = 0; kind < PC_KIND_MAX; kind++)
        memset(plan->numbers[kind].base, 0,
               plan->numbers[kind].count * sizeof(*plan->numbers[kind].base));
}

void pc_clear_bases(json_t *names)
{
    json_t *list, *entry;
    const char *kind, *name;

    json_object_del(names, "reserved"); /* no records either */
    json_object_foreach (names, kind, list) {
        if (strcmp(kind, "response") == 0)
            continue;
        json_object_foreach (list, name, entry) {
            while (json_array_size(entry) > 1)
                json_array_remove(entry, 1);
        }
    }
}

/* ---- a card whose counters started again ---- */

static bool any_base(const struct pc_numbers *n)
{
    for (size_t i = 0; i < n->count; i++) {
        for (unsigned k = 0; k < PC_PACKET_BASES; k++) {
            if (n->base[i].value[k])
                return true;
        }
    }
    return false;
}

static bool below_base(const struct pc_numbers *n, const struct portcam_counter *counters)
{
    for (size_t i = 0; i < n->count; i++) {
        struct pc_base now;
        set_base(&now, &counters[(size_t)2 * n->number[i]]);
        for (unsigned k = 0; k < PC_PACKET_BASES; k++) {
            if ((int64_t)n->base[i].value[k] >= 0 && now.value[k] < n->base[i].value[k])
                return true;
        }
    }
    return false;
}

static int is_stale(struct portcam *pc, enum pc_kind kind, bool *ret)
{
    const struct pc_numbers *n = &pc->plan->numbers[kind];

    if (!any_base(n))
        return 0;
    struct portcam_counter *counters = calloc(2 * n->room, sizeof(*counters));
    int rc = counters ? pc_hw_counters(pc->hw, Tables[kind], 0, (uint32_t)(2 * n->room), counters)
                      : -ENOMEM;
    if (rc == 0)
        *ret |= below_base(n, counters);
    free(counters);
    return rc;
}

int pc_check_bases(struct portcam *pc, struct portcam_report *report)
{
    bool stale = false;
    int rc = 0;

    for (enum pc_kind kind = 0; rc == 0 && !stale && kind < PC_KIND_MAX; kind++)
        rc = is_stale(pc, kind, &stale);
    if (rc && rc != -ENOMEM)
        pc_report_add(report, pc_hw_code(rc), "the card's counters cannot be read: %s",
                      pc_hw_error());
    if (rc || !stale)
        return rc;
    pc_forget_bases(pc->plan);
    pc_log(
        pc, PORTCAM_SEVERITY_WARNING,
        "the card's counters started again without this library; all are told from its reset on");
    /* A failure shows itself again at the next start. */
    if (pc_state_write_next(pc->state_dir, pc->plan, NULL) == 0)
        (void)pc_state_adopt_next(pc->state_dir, NULL);
    return 0;
}
