// SPDX-License-Identifier: Apache-2.0
/* The connection table against the plainest thing that could be right (connections_list.h): 1,000,000 random operations;
 * SEED= in the environment chooses others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connections_list.h"
#include "rng.h"

enum { OPERATIONS = 1000000 };

struct world {
    struct pc_rng rng;
    struct list list;
    struct pc_connections *table;
    uint32_t now;
    unsigned refused[PC_RESULT_CHANGED + 1], effects[8], ends[3], states[PC_STATE_MAX], moves;
};

static struct pc_insert any_insert(struct world *w)
{
    struct pc_rng *g = &w->rng;
    unsigned client = pc_rng_below(g, CLIENTS), end = pc_rng_below(g, 3);
    struct pc_insert i = {
        .key = {.client = fix_tuple(198, 51, 100, client, 40000),
                .is_v6 = pc_rng_chance(g, 30),
                .protocol = pc_rng_chance(g, 80) ? FIX_TCP : FIX_UDP,
                .group = (uint16_t)pc_rng_below(g, GROUPS),
                .kept_port = (uint16_t)pc_rng_chance(g, 10)},
        .service = (uint16_t)pc_rng_below(g, SERVICES),
        .public_end = {.address = (uint16_t)pc_rng_below(g, 2), .port = 80},
        .backend = (uint16_t)pc_rng_below(g, BACKENDS),
        .endpoint = (uint16_t)end,
        .slot = pc_rng_chance(g, 20) ? pc_rng_below(g, SLOTS + 1) : PC_SLOT_ANY,
        .full = pc_rng_chance(g, 5),
        .embryonic_limit = w->list.limit,
    };
    return i;
}

static struct pc_packet any_packet(struct world *w)
{
    static const uint8_t usual[] = {PC_TCP_SYN, SYN_ACK,    PC_TCP_ACK,
                                    PC_TCP_ACK, PC_TCP_RST, PC_TCP_FIN | PC_TCP_ACK};
    struct pc_rng *g = &w->rng;
    return (struct pc_packet){
        .from = (uint8_t)pc_rng_below(g, 2),
        .tcp_flags =
            pc_rng_chance(g, 85) ? usual[pc_rng_below(g, sizeof(usual))] : (uint8_t)pc_rng_next(g),
        .seq = pc_rng_chance(g, 10) ? (uint32_t)pc_rng_next(g) : pc_rng_below(g, 40) - 20,
        .payload = pc_rng_below(g, 3),
        .len = 60 + pc_rng_below(g, 1455),
        .now = w->now,
        .backend_accepts = pc_rng_chance(g, 60),
    };
}

static void compare_slot(const struct world *w, unsigned slot)
{
    const struct flow *f = &w->list.flow[slot];
    const struct pc_connection *r = pc_connections_get(w->table, slot);
    struct pc_connection want = shown(f);
    assert_int_equal(f->used, r != NULL);
    assert_true(!r || fix_same(r, &want));
}

static void compare_all(const struct world *w)
{
    unsigned used = 0;
    for (unsigned s = 0; s < SLOTS; s++) {
        compare_slot(w, s);
        used += w->list.flow[s].used;
    }
    assert_int_equal(pc_connections_used(w->table), used);
    assert_int_equal(pc_connections_embryonic(w->table), list_embryonic(&w->list));
    for (unsigned n = 0; n < BACKENDS; n++) {
        struct pc_backend_counters got = pc_connections_backend(w->table, n);
        const struct pc_backend_counters *want = &w->list.backend[n];
        unsigned active = 0, records = 0;
        for (unsigned s = 0; s < SLOTS; s++) {
            enum pc_connection_state state = state_of(&w->list.flow[s]);
            bool mine = w->list.flow[s].used && w->list.flow[s].r.backend == n;
            records += mine;
            active += mine && (state <= PC_STATE_ESTABLISHED || state >= PC_STATE_UNREPLIED);
        }
        assert_int_equal(got.active, active);
        assert_int_equal(got.records, records);
        assert_int_equal(got.new_connections, want->new_connections);
        assert_int_equal(got.syn_repeats, want->syn_repeats);
        assert_int_equal(got.syn_resets, want->syn_resets);
        assert_int_equal(got.syn_ack_count, want->syn_ack_count);
        assert_int_equal(got.syn_ack_ms, want->syn_ack_ms);
        assert_int_equal(got.syn_ack_ms_max, want->syn_ack_ms_max);
    }
}

static void compare_end(struct world *w, const struct pc_ended *ended,
                        const struct pc_connection *want, enum pc_end_reason reason)
{
    assert_true(fix_same(&ended->record, want));
    assert_int_equal(ended->reason, reason);
    assert_int_equal(ended->at, w->now);
    w->ends[reason]++;
}

static void do_insert(struct world *w)
{
    struct pc_insert i = any_insert(w);
    struct pc_packet p = any_packet(w);
    p.tcp_flags = PC_TCP_SYN;
    unsigned got = 99;
    enum pc_result may = pc_connections_may_insert(w->table, &i);
    enum pc_result result = pc_connections_insert(w->table, &i, &p, &got);
    unsigned want = got;
    assert_int_equal(may, result);
    assert_int_equal(result, list_insert(&w->list, &i, &p, &want));
    assert_true(result != PC_RESULT_OK || got == want);
    w->refused[result]++;
}

static void do_replace(struct world *w, unsigned slot, const struct pc_packet *p)
{
    struct pc_insert i = any_insert(w);
    struct flow *f = &w->list.flow[slot];
    struct pc_connection before = shown(f);
    struct pc_ended ended;
    unsigned generation = f->r.generation - pc_rng_chance(&w->rng, 10);
    i.key = f->r.key;
    int other = list_reverse(&w->list, &i);
    enum pc_result want = generation != f->r.generation           ? PC_RESULT_CHANGED
                          : other >= 0 && (unsigned)other != slot ? PC_RESULT_AMBIGUOUS
                                                                  : PC_RESULT_OK;
    enum pc_result got = pc_connections_replace(w->table, slot, generation, &i, p, &ended);
    assert_int_equal(got, want);
    w->refused[got]++;
    if (got != PC_RESULT_OK)
        return;
    compare_end(w, &ended, &before, PC_END_PORT_REUSE);
    f->r.backend = i.backend;
    f->r.endpoint = i.endpoint;
    list_begin(&w->list, slot, p);
}

static void do_packet(struct world *w)
{
    struct pc_insert i = any_insert(w);
    struct pc_packet p = any_packet(w);
    int f = list_forward(&w->list, &i), r = list_reverse(&w->list, &i);
    assert_int_equal(pc_connections_forward(w->table, &i.key, i.service, i.public_end), f);
    assert_int_equal(pc_connections_reverse(w->table, &i.key, i.endpoint), r);
    unsigned slot = pc_rng_below(&w->rng, SLOTS);
    if (!w->list.flow[slot].used)
        return;
    struct pc_ended ended;
    struct pc_packet_result ret = {.before = 99, .after = 99, .effects = 99, .ended = &ended};
    struct pc_connection before = shown(&w->list.flow[slot]);
    pc_connections_packet(w->table, slot, &p, &ret);
    unsigned want = list_packet(&w->list, slot, &p);
    assert_int_equal(ret.effects, want);
    assert_int_equal(ret.before, before.state);
    assert_int_equal(ret.after, state_of(&w->list.flow[slot]));
    compare_slot(w, slot);
    w->states[ret.after]++;
    for (unsigned bit = 0; bit < 8; bit++)
        w->effects[bit] += want >> bit & 1;
    if (want & PC_EFFECT_KEPT)
        compare_end(w, &ended, &before, PC_END_PORT_REUSE);
    if (want & PC_EFFECT_RESCHEDULE && pc_rng_chance(&w->rng, 50))
        do_replace(w, slot, &p);
}

static void do_delete(struct world *w)
{
    unsigned slot = pc_rng_below(&w->rng, SLOTS + 1);
    struct pc_ended ended;
    if (slot == SLOTS || !w->list.flow[slot].used) {
        assert_int_equal(pc_connections_delete(w->table, slot, 0, w->now, &ended),
                         PC_RESULT_NOT_FOUND);
        w->refused[PC_RESULT_NOT_FOUND]++;
        return;
    }
    struct pc_connection before = shown(&w->list.flow[slot]);
    bool stale = pc_rng_chance(&w->rng, 50);
    enum pc_result got =
        pc_connections_delete(w->table, slot, before.generation - stale, w->now, &ended);
    assert_int_equal(got, stale ? PC_RESULT_CHANGED : PC_RESULT_OK);
    w->refused[got]++;
    if (stale)
        return;
    compare_end(w, &ended, &before, PC_END_DELETED);
    list_end(&w->list, slot);
}

static void do_sweep(struct world *w)
{
    unsigned slot = pc_rng_below(&w->rng, SLOTS);
    bool frozen = pc_rng_chance(&w->rng, 10);
    struct flow *f = &w->list.flow[slot];
    struct pc_connection before = shown(f);
    struct pc_ended ended;
    const struct portcam_timeout_row *t =
        pc_rng_chance(&w->rng, 5) ? NULL : &w->list.timeouts[f->r.service];
    bool got = pc_connections_sweep(w->table, slot, w->now, t, frozen, &ended), want = false;
    if (f->used && t && frozen)
        f->r.last_used = w->now;
    else if (f->used && t)
        want = w->now - f->r.last_used >= pc_timeout_of(t, before.state);
    assert_int_equal(got, want);
    if (!got)
        return;
    compare_end(w, &ended, &before, PC_END_EXPIRED);
    list_end(&w->list, slot);
}

static void do_move(struct world *w)
{
    unsigned from = pc_rng_below(&w->rng, SLOTS), to = pc_rng_below(&w->rng, SLOTS + 1);
    const struct flow *f = &w->list.flow[from];
    enum pc_result want = !f->used                                  ? PC_RESULT_NOT_FOUND
                          : is_free(&w->list, from >= SLOTS_V4, to) ? PC_RESULT_OK
                                                                    : PC_RESULT_BAD_SLOT;
    assert_int_equal(pc_connections_move(w->table, from, to), want);
    if (want != PC_RESULT_OK)
        return;
    w->list.flow[to] = *f;
    w->list.flow[to].r.slot = to;
    w->list.flow[from].used = false;
    w->moves++;
}

static void do_settings(struct world *w)
{
    unsigned service = pc_rng_below(&w->rng, SERVICES);
    uint32_t *ms = (uint32_t *)&w->list.timeouts[service];
    for (unsigned n = 0; n < 8; n++)
        ms[n] = 1 + pc_rng_below(&w->rng, 3000);
    w->list.limit = pc_rng_below(&w->rng, SLOTS + 1);
}

static void restart(struct world *w)
{
    pc_connections_clear(w->table);
    memset(&w->list, 0, sizeof(w->list));
    w->list.limit = 10;
    for (unsigned s = 0; s < SERVICES; s++)
        w->list.timeouts[s] = fix_timeouts();
    w->now = 0xffffffff - pc_rng_below(&w->rng, 100000);
}

static void against_a_list(void **state)
{
    (void)state;
    const char *text = getenv("SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    printf("# seed %llu\n", (unsigned long long)seed);
    struct world w = {.rng = pc_rng_stream(seed, "connections")};
    struct pc_connection_sizes sizes = {.rows = {SLOTS_V4 - STASH, SLOTS - SLOTS_V4 - STASH},
                                        .stash = STASH,
                                        .backends = BACKENDS,
                                        .secret = {pc_rng_next(&w.rng), pc_rng_next(&w.rng)}};
    w.table = pc_connections_new(&sizes);
    assert_non_null(w.table);
    unsigned wraps = 0;
    for (unsigned n = 0; n < OPERATIONS; n++) {
        if (n % 50000 == 0)
            restart(&w);
        uint32_t before = w.now;
        w.now += pc_rng_below(&w.rng, pc_rng_chance(&w.rng, 2) ? 100000 : 30);
        wraps += w.now < before;
        unsigned what = pc_rng_below(&w.rng, 1000);
        if (what < 250)
            do_insert(&w);
        else if (what < 800)
            do_packet(&w);
        else if (what < 880)
            do_delete(&w);
        else if (what < 990)
            do_sweep(&w);
        else if (what < 996)
            do_move(&w);
        else
            do_settings(&w);
        if (n % 32 == 0)
            compare_all(&w);
    }
    compare_all(&w);
    pc_connections_free(w.table);
    /* Nothing was left out. */
    assert_in_range(w.moves, 100, OPERATIONS);
    assert_in_range(wraps, 10, 1000);
    for (unsigned r = PC_RESULT_OK; r <= PC_RESULT_CHANGED; r++)
        assert_in_range(w.refused[r], 100, OPERATIONS);
    for (unsigned bit = 0; bit < 6; bit++)
        assert_in_range(w.effects[bit], 100, OPERATIONS);
    for (unsigned r = PC_END_EXPIRED; r <= PC_END_PORT_REUSE; r++)
        assert_in_range(w.ends[r], 100, OPERATIONS);
    for (unsigned s = PC_STATE_SYN_SEEN; s < PC_STATE_MAX; s++)
        assert_in_range(w.states[s], 100, OPERATIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"section 2 section 5 a million random operations equal a plain list", against_a_list, NULL,
         NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
