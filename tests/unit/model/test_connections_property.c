// SPDX-License-Identifier: Apache-2.0
/* The connection table against the plainest thing that could be right: a list that is searched from end to end, with the
 * rules of docs/connections.md written down a second time, as bits (how far the handshake is, which FIN, whose RST)
 * instead of a table of states. 1,000,000 random operations; SEED= in the environment chooses others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connections_fixture.h"
#include "rng.h"

enum {
    OPERATIONS = 1000000,
    SLOTS_V4 = 12, /* 4 of them are the stash */
    SLOTS = 20,
    STASH = 4,
    CLIENTS = 5,
    SERVICES = 3,
    BACKENDS = 4,
    GROUPS = 2,
    SYN_ACK = PC_TCP_SYN | PC_TCP_ACK
};

enum handshake { ONE, TWO, DONE };
enum reset { NO_RESET, BY_CLIENT, BY_SERVER, FINAL };

struct flow {
    struct pc_connection r; /* without state */
    bool used;
    enum handshake handshake;
    enum reset reset;
    bool client_fin, server_fin, replied;
};

struct list {
    struct flow flow[SLOTS];
    unsigned limit; /* 0: none */
    uint32_t began;
    struct portcam_timeout_row timeouts[SERVICES];
    struct pc_backend_counters backend[BACKENDS]; /* without active and records */
};

struct world {
    struct pc_rng rng;
    struct list list;
    struct pc_connections *table;
    uint32_t now;
    unsigned refused[PC_RESULT_CHANGED + 1], effects[8], ends[3], states[PC_STATE_MAX], moves;
};

static enum pc_connection_state state_of(const struct flow *f)
{
    if (!f->used)
        return PC_STATE_NONE;
    if (f->r.key.protocol != FIX_TCP)
        return f->replied ? PC_STATE_REPLIED : PC_STATE_UNREPLIED;
    if (f->reset != NO_RESET)
        return f->reset == BY_CLIENT   ? PC_STATE_RESET_CLIENT
               : f->reset == BY_SERVER ? PC_STATE_RESET_SERVER
                                       : PC_STATE_RESET;
    if (f->client_fin || f->server_fin)
        return !f->server_fin   ? PC_STATE_CLOSING_CLIENT
               : !f->client_fin ? PC_STATE_CLOSING_SERVER
                                : PC_STATE_CLOSING_BOTH;
    return f->handshake == ONE   ? PC_STATE_SYN_SEEN
           : f->handshake == TWO ? PC_STATE_SYN_ACK_SEEN
                                 : PC_STATE_ESTABLISHED;
}

static struct pc_connection shown(const struct flow *f)
{
    struct pc_connection r = f->r;
    r.state = (uint8_t)state_of(f);
    return r;
}

static int list_forward(const struct list *l, const struct pc_insert *i)
{
    for (int s = 0; s < SLOTS; s++)
        if (l->flow[s].used && fix_same_key(&l->flow[s].r.key, &i->key) &&
            l->flow[s].r.service == i->service &&
            fix_same_end(l->flow[s].r.public_end, i->public_end))
            return s;
    return -1;
}

static int list_reverse(const struct list *l, const struct pc_insert *i)
{
    for (int s = 0; s < SLOTS; s++)
        if (l->flow[s].used && fix_same_key(&l->flow[s].r.key, &i->key) &&
            l->flow[s].r.endpoint == i->endpoint)
            return s;
    return -1;
}

static unsigned list_embryonic(const struct list *l)
{
    unsigned n = 0;
    for (unsigned s = 0; s < SLOTS; s++)
        n += l->flow[s].used && l->flow[s].r.embryonic;
    return n;
}

static void list_begin(struct list *l, unsigned slot, const struct pc_packet *p)
{
    struct flow *f = &l->flow[slot];
    struct pc_connection *r = &f->r;
    bool tcp = r->key.protocol == FIX_TCP;
    *f = (struct flow){.r = *r, .used = true};
    r->slot = slot;
    r->generation = ++l->began;
    r->embryonic = true;
    r->syn_repeats = 0;
    r->client_next = tcp ? p->seq + p->payload + 1 : 0;
    r->created = r->last_used = p->now;
    r->forward = (struct portcam_counter_row){1, p->len};
    r->reverse = (struct portcam_counter_row){0, 0};
    l->backend[r->backend].new_connections++;
}

static bool is_free(const struct list *l, bool is_v6, unsigned slot)
{
    return slot < SLOTS && !l->flow[slot].used && is_v6 == (slot >= SLOTS_V4);
}

static bool is_full(const struct list *l, bool is_v6)
{
    for (unsigned s = 0; s < SLOTS; s++)
        if (is_free(l, is_v6, s))
            return false;
    return true;
}

/* *slot comes with the place that the table took, where any will do. */
static enum pc_result list_insert(struct list *l, const struct pc_insert *i,
                                  const struct pc_packet *p, unsigned *slot)
{
    if (list_forward(l, i) >= 0)
        return PC_RESULT_EXISTS;
    if (list_reverse(l, i) >= 0)
        return PC_RESULT_AMBIGUOUS;
    if (i->full || is_full(l, i->key.is_v6))
        return PC_RESULT_FULL;
    if (l->limit && list_embryonic(l) >= l->limit)
        return PC_RESULT_EMBRYONIC_FULL;
    if (i->slot != PC_SLOT_ANY)
        *slot = i->slot;
    if (!is_free(l, i->key.is_v6, *slot))
        return PC_RESULT_BAD_SLOT;
    struct pc_connection *r = &l->flow[*slot].r;
    r->key = i->key;
    r->service = i->service;
    r->public_end = i->public_end;
    r->backend = i->backend;
    r->endpoint = i->endpoint;
    list_begin(l, *slot, p);
    return PC_RESULT_OK;
}

static void list_end(struct list *l, unsigned slot)
{
    l->flow[slot].used = false;
}

/* ---- a packet, by the bits ---- */

static unsigned prove(struct flow *f)
{
    bool was = f->r.embryonic;
    f->r.embryonic = false;
    return was ? PC_EFFECT_PROVEN : 0;
}

static unsigned client_segment(struct flow *f, bool fin)
{
    if (f->reset == FINAL || f->handshake == ONE)
        return 0;
    if (f->reset == BY_CLIENT)
        f->reset = NO_RESET;
    if (f->reset == NO_RESET) {
        if (fin)
            f->client_fin = true;
        f->handshake = DONE;
    }
    return prove(f);
}

static unsigned client_packet(struct list *l, struct flow *f, const struct pc_packet *p)
{
    bool fin = p->tcp_flags & PC_TCP_FIN, ack = p->tcp_flags & PC_TCP_ACK;
    bool open = f->reset == NO_RESET && !f->client_fin && !f->server_fin;
    uint32_t behind = p->seq + p->payload + (fin ? 1 : 0);
    if (p->tcp_flags & PC_TCP_RST) {
        if (f->reset == NO_RESET && open && f->handshake == DONE)
            f->reset = BY_CLIENT;
        else if (!open && f->reset != BY_CLIENT)
            f->reset = FINAL;
        return 0;
    }
    if (p->tcp_flags & PC_TCP_SYN && ack) {
        if (!open || f->handshake != TWO)
            return 0;
        f->handshake = DONE;
        return prove(f);
    }
    if (p->tcp_flags & PC_TCP_SYN) {
        if (f->handshake == DONE)
            return 0;
        f->r.client_next = behind + 1;
        f->r.syn_repeats += f->r.syn_repeats < 255;
        l->backend[f->r.backend].syn_repeats++;
        return PC_EFFECT_SYN_REPEAT;
    }
    if (behind - f->r.client_next - 1 < 0x7fffffff)
        f->r.client_next = behind;
    return client_segment(f, fin);
}

static unsigned server_packet(struct list *l, struct flow *f, const struct pc_packet *p)
{
    struct pc_backend_counters *b = &l->backend[f->r.backend];
    bool open = f->reset == NO_RESET && !f->client_fin && !f->server_fin;
    if (p->tcp_flags & PC_TCP_RST) {
        unsigned answers_syn = open && f->handshake == ONE;
        b->syn_resets += answers_syn;
        if (open && f->handshake == DONE)
            f->reset = BY_SERVER;
        else if (f->reset != BY_SERVER)
            f->reset = FINAL;
        return answers_syn ? PC_EFFECT_SYN_RESET : 0;
    }
    if (p->tcp_flags & PC_TCP_SYN) {
        if (!open || f->handshake != ONE)
            return 0;
        f->handshake = TWO;
        if (f->r.syn_repeats)
            return 0;
        uint32_t ms = p->now - f->r.created;
        b->syn_ack_count++;
        b->syn_ack_ms += ms;
        if (ms > b->syn_ack_ms_max)
            b->syn_ack_ms_max = ms;
        return PC_EFFECT_SYN_ACK;
    }
    if (f->reset == BY_SERVER)
        f->reset = NO_RESET;
    if (p->tcp_flags & PC_TCP_FIN && f->reset == NO_RESET && f->handshake != ONE)
        f->server_fin = true;
    return 0;
}

static unsigned list_packet(struct list *l, unsigned slot, const struct pc_packet *p)
{
    struct flow *f = &l->flow[slot];
    bool tcp = f->r.key.protocol == FIX_TCP, client = p->from == PC_FROM_CLIENT;
    unsigned flags = p->tcp_flags & (PC_TCP_FIN | PC_TCP_SYN | PC_TCP_RST | PC_TCP_ACK);
    bool closing = f->reset != NO_RESET || f->client_fin || f->server_fin;
    if (tcp && client && closing && flags == PC_TCP_SYN) {
        uint32_t ahead = p->seq - f->r.client_next;
        if (!p->backend_accepts || ahead == 0 || ahead > 0x7fffffff)
            return PC_EFFECT_RESCHEDULE;
        list_begin(l, slot, p);
        return PC_EFFECT_KEPT;
    }
    struct portcam_counter_row *row = client ? &f->r.forward : &f->r.reverse;
    row->packets++;
    row->octets += p->len;
    if (!tcp) {
        f->r.last_used = p->now;
        f->replied = f->replied || !client;
        return client ? 0 : prove(f);
    }
    bool odd = flags == 0 || flags == PC_TCP_FIN || flags == (PC_TCP_SYN | PC_TCP_FIN) ||
               flags == (PC_TCP_SYN | PC_TCP_FIN | PC_TCP_ACK);
    if (odd)
        return 0;
    f->r.last_used = p->now;
    return client ? client_packet(l, f, p) : server_packet(l, f, p);
}

/* ---- the same operation on both ---- */

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
