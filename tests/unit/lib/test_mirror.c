// SPDX-License-Identifier: Apache-2.0
/* The mirror of the connections of a model card: what is told and found, whatever is lost on the way. */
#include "mirror_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/model.h"

enum { SYN = 2, ACK = 16, SYN_ACK = 18 };

static struct told *of_slot(const struct world *w, int slot)
{
    assert_true(slot >= 0);
    return &w->told[pc_connections_get(w->table, (unsigned)slot)->generation];
}

static void a_life_is_told(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 1, 8, 4000);
    int slot = world_insert(&w, 7, false);
    struct told *t = of_slot(&w, slot);
    assert_false(t->live); /* nobody has looked yet */
    world_follow(&w);
    assert_true(t->live);
    assert_int_equal(t->kind, PORTCAM_MIRROR_BEGAN);
    assert_int_equal(t->record.state, PORTCAM_CONNECTION_STATE_SYN_SEEN);
    world_packet(&w, (unsigned)slot, PC_FROM_BACKEND, SYN_ACK);
    world_follow(&w);
    world_packet(&w, (unsigned)slot, PC_FROM_CLIENT, ACK);
    world_packet(&w, (unsigned)slot, PC_FROM_CLIENT, ACK); /* counts only */
    world_follow(&w);
    assert_int_equal(t->record.state, PORTCAM_CONNECTION_STATE_ESTABLISHED);
    assert_int_equal(w.changes[PORTCAM_MIRROR_CHANGED], 2);
    world_check(&w);
    world_end(&w, (unsigned)slot);
    world_follow(&w);
    assert_true(t->ended && t->counted);
    assert_int_equal(t->cause, PORTCAM_END_CAUSE_DELETED);
    assert_int_equal(t->packets, 3);
    assert_int_equal(t->record.state, PORTCAM_CONNECTION_STATE_ESTABLISHED);
    world_check(&w);
    world_close(&w);
}

/* What happened before the last look is told at once, and what began and ended in between not at all. */
static void late_looks_tell_the_difference(void **state)
{
    struct world w;
    struct portcam_mirror_stats stats;
    (void)state;
    world_open(&w, 2, 8, 4000);
    int slot = world_insert(&w, 7, false);
    world_packet(&w, (unsigned)slot, PC_FROM_BACKEND, SYN_ACK);
    world_packet(&w, (unsigned)slot, PC_FROM_CLIENT, ACK);
    int other = world_insert(&w, 8, true);
    struct told *t = of_slot(&w, other);
    world_end(&w, (unsigned)other);
    world_follow(&w);
    assert_int_equal(of_slot(&w, slot)->kind, PORTCAM_MIRROR_BEGAN);
    assert_int_equal(of_slot(&w, slot)->record.state, PORTCAM_CONNECTION_STATE_ESTABLISHED);
    assert_int_equal(w.changes[PORTCAM_MIRROR_CHANGED], 0);
    assert_false(t->live || t->ended);
    portcam_mirror_get_stats(w.mirror, &stats);
    assert_int_equal(stats.unseen, 1);
    world_check(&w);
    world_close(&w);
}

static void moves_are_not_told(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 3, 8, 4000);
    int slot = world_insert(&w, 7, false);
    world_follow(&w);
    unsigned to = (unsigned)slot ^ 1;
    assert_int_equal(pc_connections_move(w.table, (unsigned)slot, to), PC_RESULT_OK);
    world_packet(&w, to, PC_FROM_BACKEND, SYN_ACK);
    world_follow(&w);
    assert_int_equal(w.changes[PORTCAM_MIRROR_BEGAN], 1);
    assert_int_equal(w.changes[PORTCAM_MIRROR_CHANGED], 1);
    assert_int_equal(w.changes[PORTCAM_MIRROR_ENDED], 0);
    world_check(&w);
    world_close(&w);
}

static void port_reuse_ends_and_begins(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 4, 8, 4000);
    int slot = world_insert(&w, 7, false);
    world_packet(&w, (unsigned)slot, PC_FROM_BACKEND, 4); /* RST: reset */
    world_follow(&w);
    struct told *old = of_slot(&w, slot);
    world_packet(&w, (unsigned)slot, PC_FROM_CLIENT, SYN);
    assert_ptr_not_equal(of_slot(&w, slot), old);
    world_follow(&w);
    assert_true(old->ended && of_slot(&w, slot)->live);
    world_check(&w);
    world_close(&w);
}

/* A ring of four, and nobody looks: the array is read, and nothing is missing but the middle of the story. */
static void dropped_events_cost_a_rescan(void **state)
{
    struct world w;
    struct portcam_mirror_stats stats;
    (void)state;
    world_open(&w, 5, 2, 300);
    portcam_mirror_get_stats(w.mirror, &stats);
    uint64_t before = stats.rescans;
    for (unsigned i = 0; i < 200; i++)
        (void)world_insert(&w, i, i % 2);
    world_follow(&w);
    portcam_mirror_get_stats(w.mirror, &stats);
    assert_int_equal(stats.rescans, before + 1);
    assert_true(stats.dropped > 50);
    world_check(&w);
    world_close(&w);
}

/* Who follows gives the card its room back: a ring of four is enough for any number of events. */
static void a_calm_ring_drops_nothing(void **state)
{
    struct world w;
    struct portcam_mirror_stats stats;
    (void)state;
    world_open(&w, 13, 2, 300);
    for (unsigned i = 0; i < 1000; i++) {
        world_step(&w); /* two events at most */
        world_follow(&w);
    }
    world_check(&w);
    portcam_mirror_get_stats(w.mirror, &stats);
    assert_true(stats.events > 500);
    assert_int_equal(stats.dropped + stats.gaps, 0);
    world_close(&w);
}

/* A card that stops in the middle of a record. */
static void half_a_record_is_not_read(void **state)
{
    struct world w;
    struct portcam_mirror_record r;
    (void)state;
    world_open(&w, 14, 8, 300);
    int slot = world_insert(&w, 7, false);
    uint32_t *words = w.mirror->records + (size_t)slot * PC_RECORD_WORDS;
    assert_int_equal(portcam_mirror_read(w.mirror, (uint32_t)slot, &r), 0);
    words[0]++;
    assert_int_equal(portcam_mirror_read(w.mirror, (uint32_t)slot, &r), -EAGAIN);
    assert_int_equal(portcam_mirror_run(w.mirror, 0, NULL), 0);
    assert_int_equal(w.live, 0);
    words[PC_RECORD_WORDS - 1]++;
    world_follow(&w); /* it was not forgotten */
    assert_int_equal(w.live, 1);
    world_close(&w);
}

static void random_lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct world w;
        unsigned ring = 2 + (unsigned)(seed % 8), batch = 1 + (unsigned)(seed * 37 % 200);
        print_message("# seed %u, ring 2^%u, %u steps between looks\n", (unsigned)seed, ring,
                      batch);
        world_open(&w, seed, ring, seed % 2 ? 40 : 600);
        for (unsigned i = 0; i < 60; i++) {
            for (unsigned n = 0; n < batch; n++)
                world_step(&w);
            /* Not always to the end: the card goes on while the host follows. */
            assert_int_equal(portcam_mirror_run(w.mirror, 1 + (unsigned)seed, NULL), 0);
            if (i % 10)
                continue;
            world_follow(&w);
            world_check(&w);
        }
        world_follow(&w);
        world_check(&w);
        world_close(&w);
    }
}

/* A second mirror of a card that has connections. */
static void what_was_there_is_found(void **state)
{
    struct world w;
    struct portcam_mirror_opts opts = {.sz = sizeof(opts)};
    struct portcam_mirror *second = NULL;
    struct portcam_report *report = portcam_report_new();
    (void)state;
    world_open(&w, 6, 8, 500);
    for (unsigned i = 0; i < 2000; i++)
        world_step(&w);
    assert_int_equal(portcam_mirror_open(w.pc, &opts, report, &second), -EBUSY);
    assert_non_null(strstr(test_messages(report), "mirrored already"));
    portcam_mirror_close(w.mirror);
    assert_null(portcam_mirror_of(w.pc));
    opts.ring_log2 = 17;
    assert_int_equal(portcam_mirror_open(w.pc, &opts, report, &second), -EINVAL);
    opts.ring_log2 = 0;
    assert_int_equal(portcam_mirror_open(w.pc, &opts, report, &second), 0);
    w.mirror = second;
    struct portcam_mirror_stats stats;
    portcam_mirror_get_stats(second, &stats);
    assert_int_equal(stats.records, pc_connections_used(w.table));
    assert_int_equal(stats.began, 0);
    portcam_report_free(report);
    world_close(&w);
}

/* A restart tells only what is different: what stayed is not told, whatever number it has now. */
static void a_restart_tells_the_difference(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 7, 8, 500);
    for (unsigned i = 0; i < 2000; i++)
        world_step(&w);
    world_follow(&w);
    unsigned began = w.changes[PORTCAM_MIRROR_BEGAN], ended = w.changes[PORTCAM_MIRROR_ENDED];
    assert_int_equal(portcam_mirror_restart(w.mirror, NULL), 0);
    assert_int_equal(w.changes[PORTCAM_MIRROR_FOUND], 0);
    assert_int_equal(w.changes[PORTCAM_MIRROR_ENDED], ended);
    world_check(&w);
    assert_int_equal(portcam_mirror_stop(w.mirror), 0);
    assert_int_equal(portcam_mirror_run(w.mirror, 0, NULL), -EIO);
    int slot = world_insert(&w, 100000, false);
    for (unsigned i = 0; i < 100; i++)
        world_step(&w);
    (void)slot;
    assert_int_equal(portcam_mirror_restart(w.mirror, NULL), 0);
    world_follow(&w);
    assert_int_equal(w.changes[PORTCAM_MIRROR_BEGAN], began);
    assert_true(w.changes[PORTCAM_MIRROR_FOUND] > 0);
    world_check(&w);
    world_close(&w);
}

static int count(void *ctx, const struct portcam_mirror_record *r)
{
    unsigned *n = ctx;
    assert_true(r->state != PORTCAM_CONNECTION_STATE_NONE);
    ++*n;
    return *n == 1000 ? 42 : 0;
}

static void a_stopped_mirror_can_be_read(void **state)
{
    struct world w;
    unsigned n = 0;
    (void)state;
    world_open(&w, 8, 8, 500);
    while (pc_connections_used(w.table) < 300)
        (void)world_insert(&w, pc_rng_below(&w.rng, 500), false);
    world_follow(&w);
    unsigned before = pc_connections_used(w.table);
    assert_int_equal(portcam_mirror_stop(w.mirror), 0);
    pc_connections_clear(w.table);
    assert_int_equal(portcam_mirror_each(w.mirror, count, &n), 0);
    assert_int_equal(n, before);
    n = 1000 - before / 2;
    assert_int_equal(portcam_mirror_each(w.mirror, count, &n), 42);
    world_close(&w);
}

static void the_card_wakes_who_sleeps(void **state)
{
    struct world w;
    bool more = true;
    uint64_t fired = 0;
    (void)state;
    world_open(&w, 9, 8, 500);
    int fd = portcam_mirror_fd(w.mirror);
    assert_true(fd >= 0);
    world_follow(&w);
    assert_int_equal(portcam_mirror_arm(w.mirror, &more), 0);
    assert_false(more);
    assert_int_equal(portcam_irq_drain(fd, &fired), 0);
    assert_int_equal(fired, 0);
    (void)world_insert(&w, 1, false);
    (void)world_insert(&w, 2, true);
    assert_int_equal(portcam_irq_drain(fd, &fired), 0);
    assert_int_equal(fired, 1); /* once */
    world_follow(&w);
    (void)world_insert(&w, 3, true);
    assert_int_equal(portcam_irq_drain(fd, &fired), 0);
    assert_int_equal(fired, 0);
    assert_int_equal(portcam_mirror_arm(w.mirror, &more), 0);
    assert_true(more);
    assert_int_equal(portcam_irq_drain(fd, &fired), 0);
    assert_int_equal(fired, 1); /* at once */
    world_close(&w);
}

static void an_audit_finds_a_bit(void **state)
{
    struct world w;
    struct portcam_mirror_audit audit;
    struct portcam_mirror_stats stats;
    (void)state;
    world_open(&w, 10, 8, 5000);
    for (unsigned i = 0; i < 3000; i++)
        (void)world_insert(&w, i, false);
    world_follow(&w);
    uint32_t blocks = portcam_mirror_blocks(w.mirror);
    assert_int_equal(blocks, 21); /* 81,952 slots */
    assert_int_equal(portcam_mirror_audit(w.mirror, 0, blocks, &audit), 0);
    assert_int_equal(audit.blocks, blocks);
    assert_int_equal(audit.records, pc_connections_used(w.table));
    assert_int_equal(audit.different + audit.unsettled, 0);
    int slot = world_insert(&w, 4000, false);
    while (slot < 0)
        slot = world_insert(&w, 4000, false);
    world_follow(&w);
    w.mirror->records[(size_t)slot * PC_RECORD_WORDS + 2] ^= 1u << 30; /* its generation */
    assert_int_equal(portcam_mirror_audit(w.mirror, 0, UINT32_MAX, &audit), 0);
    assert_int_equal(audit.different, 1);
    world_follow(&w); /* with what was copied again */
    world_check(&w);
    assert_int_equal(portcam_mirror_audit(w.mirror, 0, blocks, &audit), 0);
    assert_int_equal(audit.different, 0);
    portcam_mirror_get_stats(w.mirror, &stats);
    assert_int_equal(stats.audit_different, 1);
    world_close(&w);
}

/* An event that is lost without a word, as by a card that forgets to write one, is found by the audit. */
static void an_audit_finds_what_was_not_told(void **state)
{
    struct world w;
    struct portcam_mirror_audit audit;
    (void)state;
    world_open(&w, 11, 8, 500);
    int slot = world_insert(&w, 1, false);
    world_follow(&w);
    uint32_t kept[PC_RECORD_WORDS];
    memcpy(kept, pc_track_at(w.mirror, (uint32_t)slot), sizeof(kept));
    world_end(&w, (unsigned)slot);
    memcpy(w.mirror->records + (size_t)slot * PC_RECORD_WORDS, kept, sizeof(kept));
    world_follow(&w);
    assert_int_equal(w.live, 1); /* as if nothing had happened */
    assert_int_equal(portcam_mirror_audit(w.mirror, 0, 1, &audit), 0);
    assert_int_equal(audit.different, 1);
    world_follow(&w);
    assert_int_equal(w.live, 0);
    world_check(&w);
    world_close(&w);
}

/* A reset of the card ends all its records; what the mirror had is put back, and it goes on by itself. */
static void a_reset_begins_anew(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, 12, 8, 500);
    for (unsigned i = 0; i < 300; i++)
        (void)world_insert(&w, i, i % 2);
    world_follow(&w);
    unsigned live = w.live;
    assert_int_equal(portcam_dev_reset(w.mirror->dev), 0);
    assert_int_equal(portcam_mirror_run(w.mirror, 0, NULL), -EIO);
    assert_int_equal(portcam_reset(w.pc, NULL), 0);
    world_follow(&w);
    assert_int_equal(w.live, live);
    assert_int_equal(pc_connections_used(w.table), live);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_is_told),
        cmocka_unit_test(late_looks_tell_the_difference),
        cmocka_unit_test(moves_are_not_told),
        cmocka_unit_test(port_reuse_ends_and_begins),
        cmocka_unit_test(dropped_events_cost_a_rescan),
        cmocka_unit_test(a_calm_ring_drops_nothing),
        cmocka_unit_test(half_a_record_is_not_read),
        cmocka_unit_test(random_lives),
        cmocka_unit_test(what_was_there_is_found),
        cmocka_unit_test(a_restart_tells_the_difference),
        cmocka_unit_test(a_stopped_mirror_can_be_read),
        cmocka_unit_test(the_card_wakes_who_sleeps),
        cmocka_unit_test(an_audit_finds_a_bit),
        cmocka_unit_test(an_audit_finds_what_was_not_told),
        cmocka_unit_test(a_reset_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
