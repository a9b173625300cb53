// SPDX-License-Identifier: Apache-2.0
/*
 * The command ring against a card that breaks the rules: always an error with a sentence, never a
 * crash or a hang.
 */
#include <limits.h>

#include <portcam/ring.h>

#include "driver_test.h"

#include "fake_card.h"
#include "ring_priv.h"

static struct portcam_dev *dev;
static struct portcam_ring *ring;

static int setup(void **state)
{
    const struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = 6, .ready_ms = 20};

    (void)state;
    memset(&fake_card, 0, sizeof(fake_card));
    dev = NULL;
    ring = NULL;
    return portcam_dev_open("model:", NULL, &dev) || portcam_ring_open(dev, &opts, &ring);
}

static int teardown(void **state)
{
    (void)state;
    portcam_ring_close(ring);
    portcam_dev_close(dev);
    return 0;
}

static int run_some(unsigned n)
{
    struct portcam_command c[100] = {{0}};

    return portcam_ring_run(ring, c, n, 250, NULL);
}

static void lies(void **state)
{
    static const struct {
        enum fake_lie lie;
        int err;
        const char *says;
    } rows[] = {
        {LIE_HEAD_AHEAD, EPROTO, "head"},
        {LIE_HEAD_BACK, EPROTO, "cookie"},
        {LIE_COOKIE, EPROTO, "cookie"},
        {LIE_STATUS, EPROTO, "status 0x15"},
        {LIE_LAP_GARBAGE, EPROTO, "lap 0x6"},
        {LIE_LAP_ONES, EPROTO, "lap 0xffffffff"},
        {LIE_NO_COMPLETION, ETIMEDOUT, "no completion within 250 ms"},
        {LIE_STOPS, EIO, "the doorbell is too far ahead; restart"},
        {LIE_STOPS_UNKNOWN, EIO, "a reason that this driver does not know"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        fake_card.lie = HONEST;
        assert_int_equal(portcam_ring_restart(ring), 0);
        assert_int_equal(run_some(5), 0);
        fake_card.lie = HONEST;
        assert_int_equal(portcam_ring_restart(ring), 0);
        fake_card.lie = rows[i].lie;
        assert_err(run_some(5), rows[i].err);
        assert_says(rows[i].says);
        if (rows[i].lie != LIE_NO_COMPLETION) {
            struct portcam_completion c;
            unsigned n = 9;

            assert_err(portcam_ring_pull(ring, &c, 1, &n), EIO);
            assert_says("restart it");
            assert_int_equal(n, 9);
        }
    }
}

static void head_back_by_many(void **state)
{
    struct portcam_command c[10] = {{0}};

    (void)state;
    assert_int_equal(run_some(20), 0);
    for (unsigned i = 0; i < 10; i++)
        c[i].flags = PORTCAM_COMMAND_COMPLETE;
    fake_card.lie = LIE_TWICE;
    assert_err(portcam_ring_run(ring, c, 10, 100, NULL), EPROTO);
    assert_says("head");
}

static void gone(void **state)
{
    (void)state;
    fake_card.lie = LIE_GONE;
    assert_err(run_some(5), ENODEV);
    assert_says("card is gone");
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_GONE);
    assert_err(portcam_ring_restart(ring), ENODEV);
}

static void cannot_start(void **state)
{
    const struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = 7, .ready_ms = 20};
    struct portcam_ring *other = NULL;

    (void)state;
    portcam_ring_close(ring);
    ring = NULL;
    fake_card.lie = LIE_NEVER_READY;
    assert_err(portcam_ring_open(dev, &opts, &other), ETIMEDOUT);
    assert_says("does not become ready");
    fake_card.lie = LIE_REFUSES_RING;
    assert_err(portcam_ring_open(dev, &opts, &other), EIO);
    assert_says("size or alignment of the ring");
    assert_null(other);
    fake_card.lie = HONEST;
    assert_int_equal(portcam_ring_open(dev, &opts, &ring), 0);
    fake_card.lie = LIE_NEVER_STOPS; /* closing forbids DMA then */
}

static void starts_late(void **state)
{
    const struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = 7};

    (void)state;
    portcam_ring_close(ring);
    ring = NULL;
    fake_card.late = 5;
    assert_int_equal(portcam_ring_open(dev, &opts, &ring), 0);
    assert_int_equal(fake_card.late, 0);
    assert_int_equal(run_some(5), 0);
}

static void never_starts(void **state)
{
    const struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = 7};
    struct portcam_ring *other = NULL;

    (void)state;
    fake_card.late = UINT_MAX;
    assert_err(portcam_ring_open(dev, &opts, &other), ETIMEDOUT);
    assert_says("does not start its command ring");
    assert_null(other);
    fake_card.late = 0;
}

static void bad_options(void **state)
{
    struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = 5};
    struct portcam_ring *other = NULL;

    (void)state;
    assert_err(portcam_ring_open(dev, &opts, &other), EINVAL);
    opts.log2_size = 17;
    assert_err(portcam_ring_open(dev, &opts, &other), EINVAL);
    opts.sz = 0;
    assert_err(portcam_ring_open(dev, &opts, &other), EINVAL);
    assert_null(other);
}

static void few_register_writes(void **state)
{
    struct portcam_command c[100] = {{0}};
    unsigned before;

    (void)state;
    before = fake_card.cpl_head_writes;
    fake_card.doorbells = 0;
    assert_int_equal(portcam_ring_run(ring, c, 64, 100, NULL), 0);
    assert_int_equal(fake_card.doorbells, 1); /* one doorbell a batch */
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(run_some(1), 0);
    assert_in_range(fake_card.cpl_head_writes - before, 1, 4); /* consumed index told seldom */
}

/* Indices go on over 2^32: the ring is put just before it. */
static void indices_wrap(void **state)
{
    struct portcam_completion got[64];
    unsigned n;

    (void)state;
    ring->tail = ring->pushed = ring->head = UINT32_MAX - 20;
    ring->cpl_next = ring->cpl_told = UINT32_MAX - 2;
    for (unsigned i = 0; i < 10; i++) {
        struct portcam_command c = {.cookie = i};

        /* the card's part, by hand: five commands, one completion */
        for (unsigned k = 0; k < 5; k++)
            assert_int_equal(portcam_ring_enqueue(ring, &c), 0);
        ring->pushed = ring->tail;
        ring->completions[ring->cpl_next & 63] = (struct portcam_completion){
            .cookie = i,
            .sq_head = (uint16_t)ring->tail,
            .lap = (ring->cpl_next >> 6) + 1,
        };
        assert_int_equal(portcam_ring_pull(ring, got, 64, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(portcam_ring_outstanding(ring), 0);
        assert_int_equal(portcam_ring_pull(ring, got, 64, &n), 0);
        assert_int_equal(n, 0);
    }
    assert_int_equal(ring->cpl_next, 7);
}

/* A full ring of 65,536 that one completion ends: its low half is where it began. */
static void full_ring_in_one(void **state)
{
    const struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = 16};
    struct portcam_command c = {0};
    struct portcam_completion got[2];
    unsigned n;

    (void)state;
    portcam_ring_close(ring);
    ring = NULL;
    assert_int_equal(portcam_ring_open(dev, &opts, &ring), 0);
    for (unsigned i = 0; i < 65536; i++) {
        c.cookie = i;
        assert_int_equal(portcam_ring_enqueue(ring, &c), 0);
    }
    assert_err(portcam_ring_enqueue(ring, &c), EAGAIN);
    assert_int_equal(portcam_ring_push(ring), 0);
    assert_int_equal(portcam_ring_pull(ring, got, 2, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(got[0].cookie, 65535);
    assert_int_equal(portcam_ring_outstanding(ring), 0);
}

static void texts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 300; i++)
        assert_true(strlen(portcam_status_text(i)) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH("ring: every value of a completion is checked", lies, setup, teardown),
        TEST_WITH("ring: a completion that comes twice", head_back_by_many, setup, teardown),
        TEST_WITH("ring: the card goes away under a doorbell", gone, setup, teardown),
        TEST_WITH("ring: a card that is not ready, refuses, does not stop", cannot_start, setup,
                  teardown),
        TEST_WITH("ring: a card that starts its ring some clocks after ENABLE", starts_late, setup,
                  teardown),
        TEST_WITH("ring: a card that never starts its ring", never_starts, setup, teardown),
        TEST_WITH("ring: bad options", bad_options, setup, teardown),
        TEST_WITH("ring: one doorbell a batch, few register writes", few_register_writes, setup,
                  teardown),
        TEST_WITH("ring: indices go over 2^32", indices_wrap, setup, teardown),
        TEST_WITH("ring: 65,536 commands with one completion", full_ring_in_one, setup, teardown),
        TEST_WITH("ring: each status has a text", texts, setup, teardown),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
