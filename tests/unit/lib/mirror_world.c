// SPDX-License-Identifier: Apache-2.0
/* See mirror_world.h. */
#include "mirror_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver/model.h"

enum { SYN = 2, RST = 4, ACK = 16, FIN_ACK = 17, SYN_ACK = 18 };

static void changed(void *ctx, const struct portcam_mirror_change *c)
{
    struct world *w = ctx;
    uint32_t generation = c->record.generation;

    assert_true(generation > 0 && generation < WORLD_GENERATIONS);
    struct told *t = &w->told[generation];
    w->changes[c->kind]++;
    if (c->kind == PORTCAM_MIRROR_FOUND || c->kind == PORTCAM_MIRROR_BEGAN) {
        assert_false(t->live || t->ended); /* what has ended does not come back */
        t->live = true;
        w->live++;
    } else {
        assert_true(t->live);
        assert_int_equal(c->before,
                         c->kind == PORTCAM_MIRROR_CHANGED ? t->record.state : c->before);
    }
    t->kind = c->kind;
    t->record = c->record;
    if (c->kind == PORTCAM_MIRROR_ENDED) {
        t->live = false;
        t->ended = true;
        w->live--;
        t->counted = c->counted;
        t->cause = c->cause;
        t->packets = c->forward.packets;
        if (c->counted)
            assert_int_equal(c->forward.packets,
                             __atomic_load_n(&w->final[generation], __ATOMIC_RELAXED));
    }
}

void world_open(struct world *w, uint64_t seed, unsigned ring_log2, unsigned spread)
{
    struct portcam_mirror_opts opts = {
        .sz = sizeof(opts), .ring_log2 = ring_log2, .changed = changed, .ctx = w};

    memset(w, 0, sizeof(*w));
    w->rng = pc_rng_stream(seed, "mirror");
    w->spread = spread;
    w->told = calloc(WORLD_GENERATIONS, sizeof(*w->told));
    w->final = calloc(WORLD_GENERATIONS, sizeof(*w->final));
    assert_non_null(w->told);
    assert_non_null(w->final);
    w->pc = test_open(NULL);
    struct portcam_dev *dev = pc_hw_device(w->pc->hw);
    pc_dev_model_set_time(dev, 1000);
    w->table = pc_device_connections_rw(pc_card_device(pc_dev_model_card(dev)));
    assert_int_equal(portcam_mirror_open(w->pc, &opts, NULL, &w->mirror), 0);
    assert_ptr_equal(portcam_mirror_of(w->pc), w->mirror);
}

void world_close(struct world *w)
{
    portcam_close(w->pc); /* and its mirror */
    free(w->told);
    free(w->final);
}

static unsigned first_v6(const struct world *w)
{
    return pc_connections_capacity(w->table) - PORTCAM_BUILD_CONNECTION_ROWS_V6 -
           PORTCAM_BUILD_CONNECTION_STASH;
}

int world_insert(struct world *w, uint32_t client, bool is_v6)
{
    const struct pc_packet syn = {.from = PC_FROM_CLIENT, .tcp_flags = SYN, .now = 1000};
    struct pc_insert i = {.key = {.client = {.port = (uint16_t)(1 + client % 60000)},
                                  .is_v6 = is_v6,
                                  .protocol = 6,
                                  .group = (uint16_t)(client % 3)},
                          .service = (uint16_t)(client % 5),
                          .public_end = {.address = (uint16_t)(client % 7), .port = 443},
                          .backend = (uint16_t)(client % 11),
                          .endpoint = (uint16_t)(client % 11),
                          .slot = pc_rng_below(&w->rng, w->spread) + (is_v6 ? first_v6(w) : 0)};
    unsigned slot = 0;

    if (client % 3 == 1)
        i.key.kept_port = i.public_end.port;
    memcpy(i.key.client.ip, &client, sizeof(client));
    i.key.client.ip[is_v6 ? 15 : 3] = 9;
    return pc_connections_insert(w->table, &i, &syn, &slot) == PC_RESULT_OK ? (int)slot : -1;
}

static void note_end(struct world *w, const struct pc_connection *r)
{
    assert_true(r->generation < WORLD_GENERATIONS);
    __atomic_store_n(&w->final[r->generation], r->forward.packets, __ATOMIC_RELAXED);
}

void world_packet(struct world *w, unsigned slot, unsigned from, unsigned flags)
{
    struct pc_ended ended;
    struct pc_packet_result ret = {.ended = &ended};
    const struct pc_packet p = {.from = (uint8_t)from,
                                .tcp_flags = (uint8_t)flags,
                                .seq = 5000,
                                .now = 1000,
                                .backend_accepts = true};

    pc_connections_packet(w->table, slot, &p, &ret);
    if (ret.effects & PC_EFFECT_KEPT)
        note_end(w, &ended.record);
}

void world_end(struct world *w, unsigned slot)
{
    const struct pc_connection *r = pc_connections_get(w->table, slot);
    note_end(w, r);
    assert_int_equal(pc_connections_delete(w->table, slot, r->generation, 1000, NULL),
                     PC_RESULT_OK);
}

/* A slot with a record, or -1 where the search was in vain. */
static int any_slot(struct world *w)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned slot =
            pc_rng_below(&w->rng, w->spread) + (pc_rng_next(&w->rng) % 4 ? 0 : first_v6(w));
        if (pc_connections_get(w->table, slot))
            return (int)slot;
    }
    return -1;
}

/* Moves are told as those from stash to table, wherever they go. */
static void move(struct world *w, unsigned from)
{
    unsigned to = from ^ 1;
    if (pc_connections_get(w->table, to) == NULL)
        (void)pc_connections_move(w->table, from, to);
}

void world_step(struct world *w)
{
    static const uint8_t flags[] = {SYN, RST, ACK, FIN_ACK, SYN_ACK, ACK, ACK};
    uint64_t choice = pc_rng_next(&w->rng) % 16;
    int slot = choice < 4 ? -1 : any_slot(w);

    if (slot < 0)
        (void)world_insert(w, (uint32_t)(pc_rng_next(&w->rng) % w->spread), choice % 4 == 0);
    else if (choice < 13)
        world_packet(w, (unsigned)slot, pc_rng_next(&w->rng) % 2,
                     flags[pc_rng_next(&w->rng) % sizeof(flags)]);
    else if (choice < 15)
        world_end(w, (unsigned)slot);
    else
        move(w, (unsigned)slot);
}

void world_follow(struct world *w)
{
    bool more = true;
    while (more)
        assert_int_equal(portcam_mirror_run(w->mirror, 0, &more), 0);
}

static void check_found(const struct world *w, const struct pc_connection *r)
{
    struct portcam_mirror_record f;
    struct portcam_mirror_client client = {
        .is_v6 = r->key.is_v6, .protocol = r->key.protocol, .port = r->key.client.port};

    memcpy(client.ip, r->key.client.ip, sizeof(client.ip));
    assert_int_equal(portcam_mirror_find_forward(w->mirror, &client, r->public_end.address,
                                                 r->public_end.port, &f),
                     0);
    assert_int_equal(f.generation, r->generation);
    assert_int_equal(f.slot, r->slot);
    assert_int_equal(portcam_mirror_find_reverse(w->mirror, &client, r->key.group, r->endpoint,
                                                 r->key.kept_port, &f),
                     0);
    assert_int_equal(f.generation, r->generation);
    client.port ^= 0x8000;
    client.protocol = 17;
    assert_int_equal(portcam_mirror_find_forward(w->mirror, &client, 0, 443, &f), -ENOENT);
}

void world_check(struct world *w)
{
    struct portcam_mirror_stats stats;
    unsigned capacity = pc_connections_capacity(w->table);

    for (unsigned slot = 0; slot < capacity; slot++) {
        const struct pc_connection *r = pc_connections_get(w->table, slot);
        if (!r)
            continue;
        const struct told *t = &w->told[r->generation];
        assert_true(t->live);
        assert_int_equal(t->record.state, r->state);
        assert_int_equal((t->record.flags & PORTCAM_MIRROR_RECORD_EMBRYONIC) != 0, r->embryonic);
        assert_int_equal(t->record.client_port, r->key.client.port);
        assert_int_equal(t->record.backend, r->backend);
        check_found(w, r);
    }
    assert_int_equal(w->live, pc_connections_used(w->table));
    portcam_mirror_get_stats(w->mirror, &stats);
    assert_int_equal(stats.records, w->live);
    assert_int_equal(stats.nonsense_events, 0);
    assert_int_equal(stats.nonsense_records, 0);
}
