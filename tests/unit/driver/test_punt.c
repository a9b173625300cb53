// SPDX-License-Identifier: Apache-2.0
/*
 * The rings of packets over the card model: what a program sees, and a card that lies.
 */
#include "driver_test.h"

#include <pthread.h>
#include <unistd.h>

#include <portcam/punt.h>
#include <portcam/ring.h>

#include "card.h"
#include "dev_ops.h"
#include "model.h"
#include "samples.h"

enum { LOG2 = 3, ENTRIES = 1 << LOG2, FRAGMENT_LEN = 60 };

static struct bench {
    struct portcam_dev *dev;
    struct portcam_punt *punt;
    int irq_fd;
    unsigned outs, function[64];
    size_t len[64];
    uint8_t first[64];
} B;

static void frame_out(void *ctx, unsigned function, const uint8_t *frame, size_t len)
{
    (void)ctx;
    assert_in_range(B.outs, 0, 63);
    B.function[B.outs] = function;
    B.first[B.outs] = frame[0];
    B.len[B.outs++] = len;
}

static struct pc_device *device(void)
{
    return pc_card_device(pc_dev_model_card(B.dev));
}

static int setup_with(bool use_irq)
{
    struct portcam_limits_row limits = {
        .punt_rate = 65535, .punt_burst = 65535, .punt_reasons = PORTCAM_PUNT_REASONS};
    struct portcam_punt_opts opts = {
        .sz = sizeof(opts), .log2_punt = LOG2, .log2_inject = LOG2, .use_irq = use_irq};

    memset(&B, 0, sizeof(B));
    B.irq_fd = -1;
    assert_int_equal(portcam_dev_open("model:", NULL, &B.dev), 0);
    pc_dev_model_set_frame(B.dev, frame_out, NULL);
    pc_tables_set(pc_device_tables_rw(device()), PORTCAM_TABLE_LIMITS, 0, &limits);
    pc_tables_build(pc_device_tables_rw(device()));
    if (use_irq) {
        assert_int_equal(portcam_irq_open(&B.irq_fd), 0);
        assert_int_equal(portcam_dev_set_irqs(B.dev, PORTCAM_VECTOR_PUNTS, 1, &B.irq_fd), 0);
        opts.irq_fd = B.irq_fd;
    }
    return portcam_punt_open(B.dev, &opts, &B.punt);
}

static int setup(void **state)
{
    (void)state;
    return setup_with(false);
}

static int setup_irq(void **state)
{
    (void)state;
    return setup_with(true);
}

static int teardown(void **state)
{
    (void)state;
    portcam_punt_close(B.punt);
    portcam_dev_close(B.dev);
    if (B.irq_fd >= 0)
        close(B.irq_fd);
    return 0;
}

/* A fragment of IPv4 whose last byte is `mark`. */
static void punt_one(uint8_t mark)
{
    uint8_t f[FRAGMENT_LEN] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, 0x45, 0, 0, 40};
    struct pc_decision v;

    f[20] = 0x20;
    f[FRAGMENT_LEN - 1] = mark;
    pc_dev_model_lock(B.dev);
    pc_device_packet(device(), f, sizeof(f), 2, 77, NULL, &v, NULL);
    pc_dev_model_unlock(B.dev);
}

static void received(void **state)
{
    struct portcam_punted got[ENTRIES];
    unsigned n, mark = 0;

    (void)state;
    assert_int_equal(portcam_punt_poll(B.punt, got, ENTRIES, &n), 0);
    assert_int_equal(n, 0);
    for (unsigned round = 0; round < 30; round++) {
        unsigned count = round % ENTRIES + 1;

        for (unsigned i = 0; i < count; i++)
            punt_one((uint8_t)(mark + i));
        assert_int_equal(portcam_punt_poll(B.punt, got, ENTRIES, &n), 0);
        assert_int_equal(n, count);
        for (unsigned i = 0; i < n; i++, mark++) {
            assert_int_equal(got[i].header.len, FRAGMENT_LEN);
            assert_int_equal(got[i].header.reason, PORTCAM_REASON_FRAGMENT);
            assert_int_equal(got[i].header.ingress, 2);
            assert_int_equal(got[i].header.time_ms, 77);
            assert_int_equal(got[i].frame[FRAGMENT_LEN - 1], (uint8_t)mark);
        }
        assert_err(portcam_punt_release(B.punt, n + 1), EINVAL);
        assert_int_equal(portcam_punt_release(B.punt, n), 0);
        assert_err(portcam_punt_release(B.punt, 1), EINVAL);
    }
}

/* All entries polled and none released: the card drops, and the oldest packet is not taken for a new one. */
static void held(void **state)
{
    struct portcam_punted got[2 * ENTRIES];
    uint32_t full = 0;
    unsigned n;

    (void)state;
    for (unsigned i = 0; i < ENTRIES + 3; i++)
        punt_one((uint8_t)i);
    assert_int_equal(portcam_punt_poll(B.punt, got, 2 * ENTRIES, &n), 0);
    assert_int_equal(n, ENTRIES);
    assert_int_equal(portcam_punt_poll(B.punt, got + ENTRIES, ENTRIES, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(portcam_punt_dropped(B.punt, &full, NULL), 0);
    assert_int_equal(full, 3);
    assert_int_equal(portcam_punt_release(B.punt, 1), 0);
    punt_one(99);
    assert_int_equal(portcam_punt_poll(B.punt, got, 2 * ENTRIES, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(got[0].frame[FRAGMENT_LEN - 1], 99);
}

static void *punt_later(void *arg)
{
    (void)arg;
    usleep(20000);
    punt_one(1);
    return NULL;
}

static void waited(void **state)
{
    struct portcam_punted got;
    unsigned n;
    pthread_t thread;

    (void)state;
    assert_err(portcam_punt_wait(B.punt, 0), ETIMEDOUT);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&thread, NULL, punt_later, NULL), 0);
        assert_int_equal(portcam_punt_wait(B.punt, 10000), 0);
        pthread_join(thread, NULL);
        assert_int_equal(portcam_punt_poll(B.punt, &got, 1, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(portcam_punt_release(B.punt, 1), 0);
    }
    assert_int_equal(portcam_punt_arm(B.punt), 0);
    punt_one(2);
    assert_int_equal(portcam_punt_arm(B.punt), 1);
    if (B.irq_fd >= 0)
        assert_int_equal(portcam_irq_wait(B.dev, B.irq_fd, 1000), 0);
}

/* Writes into an entry of the punt ring, as the card does. */
static void poke(unsigned index, size_t at, const void *src, size_t len)
{
    uint32_t low, high;

    assert_int_equal(portcam_reg_read32(B.dev, PORTCAM_REG_PUNT_BASE_LO, &low), 0);
    assert_int_equal(portcam_reg_read32(B.dev, PORTCAM_REG_PUNT_BASE_HI, &high), 0);
    assert_int_equal(
        pc_dma_table_write(&B.dev->maps,
                           ((uint64_t)high << 32 | low) + (uint64_t)index * PORTCAM_PUNT_ENTRY + at,
                           src, len),
        0);
}

static void lies(void **state)
{
    static const struct {
        const char *field;
        size_t at, size;
        uint32_t value;
    } lie[] = {
        {"length", offsetof(struct portcam_punt_header, len), 2, 0},
        {"length", offsetof(struct portcam_punt_header, len), 2, 9601},
        {"length", offsetof(struct portcam_punt_header, len), 2, 0xffff},
        {"reason", offsetof(struct portcam_punt_header, reason), 1, PORTCAM_REASON_NON_IP},
        {"reason", offsetof(struct portcam_punt_header, reason), 1, 64},
        {"reason", offsetof(struct portcam_punt_header, reason), 1, 255},
        {"ingress", offsetof(struct portcam_punt_header, ingress), 1, 16},
        {"egress", offsetof(struct portcam_punt_header, egress), 1, 16},
        {"lap", offsetof(struct portcam_punt_header, lap), 4, 2},
        {"lap", offsetof(struct portcam_punt_header, lap), 4, 0xfffffffe},
    };
    struct portcam_punted got[2];
    unsigned n;

    (void)state;
    for (size_t i = 0; i < sizeof(lie) / sizeof(*lie); i++) {
        punt_one(1);
        punt_one(2);
        poke(1, lie[i].at, &lie[i].value, lie[i].size);
        assert_int_equal(portcam_punt_poll(B.punt, got, 2, &n), 0); /* the good one first */
        assert_int_equal(n, 1);
        assert_err(portcam_punt_poll(B.punt, got, 2, &n), EPROTO);
        assert_non_null(strstr(portcam_dev_error(), lie[i].field));
        assert_err(portcam_punt_poll(B.punt, got, 2, &n), EIO);
        assert_err(portcam_punt_wait(B.punt, 0), EIO);
        assert_err(portcam_punt_arm(B.punt), EIO);
        assert_int_equal(portcam_punt_restart(B.punt), 0);
    }
    punt_one(3);
    assert_int_equal(portcam_punt_poll(B.punt, got, 2, &n), 0);
    assert_int_equal(n, 1);
}

static void sent(void **state)
{
    static uint8_t bytes[4][9600];
    struct portcam_injected f[4];
    unsigned n;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        memset(bytes[i], (int)i, sizeof(bytes[i]));
        f[i] = (struct portcam_injected){bytes[i], i == 3 ? 9600 : 60 + i, i * 5};
    }
    for (unsigned round = 0; round < 5; round++) {
        B.outs = 0;
        assert_int_equal(portcam_inject_send(B.punt, f, 4, &n), 0);
        assert_int_equal(n, 4);
        assert_int_equal(B.outs, 4);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(B.function[i], i * 5);
            assert_int_equal(B.len[i], f[i].len);
            assert_int_equal(B.first[i], i);
        }
    }
    assert_int_equal(portcam_inject_send(B.punt, f, 0, &n), 0);
    assert_int_equal(n, 0);
    f[3].len = 9601;
    assert_err(portcam_inject_send(B.punt, f, 4, &n), EINVAL);
    f[3].len = 0;
    assert_err(portcam_inject_send(B.punt, f, 4, &n), EINVAL);
    f[3] = f[0];
    f[3].egress = 16;
    assert_err(portcam_inject_send(B.punt, f, 4, NULL), EINVAL);
    assert_int_equal(B.outs, 4); /* nothing of these */
}

/* A batch larger than the ring: as many as there is room for. */
static void many(void **state)
{
    static const uint8_t byte[60];
    struct portcam_injected f[ENTRIES + 2];
    unsigned n;

    (void)state;
    for (unsigned i = 0; i < ENTRIES + 2; i++)
        f[i] = (struct portcam_injected){byte, sizeof(byte), 1};
    assert_int_equal(portcam_inject_send(B.punt, f, ENTRIES + 2, &n), 0);
    assert_int_equal(n, ENTRIES);
    assert_int_equal(portcam_inject_send(B.punt, f + n, 2, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(B.outs, ENTRIES + 2);
}

static void stopped(void **state)
{
    static const uint8_t byte[60];
    struct portcam_injected f[ENTRIES];
    struct portcam_punted got;
    unsigned n;

    (void)state;
    for (unsigned i = 0; i < ENTRIES; i++)
        f[i] = (struct portcam_injected){byte, sizeof(byte), 1};
    assert_int_equal(portcam_reg_write32(B.dev, PORTCAM_REG_INJECT_DOORBELL, 100), 0);
    assert_int_equal(portcam_inject_send(B.punt, f, ENTRIES, &n), 0);
    assert_err(portcam_inject_send(B.punt, f, ENTRIES, &n), EIO);
    assert_says("the card stopped its inject ring: the doorbell is too far ahead");
    assert_err(portcam_inject_send(B.punt, f, 1, &n), EIO);
    assert_int_equal(portcam_reg_write32(B.dev, PORTCAM_REG_PUNT_CONTROL, 0), 0);
    assert_err(portcam_punt_wait(B.punt, 1000), EIO);
    assert_int_equal(portcam_punt_restart(B.punt), 0);
    assert_int_equal(portcam_inject_send(B.punt, f, 1, &n), 0);
    punt_one(1);
    assert_int_equal(portcam_punt_poll(B.punt, &got, 1, &n), 0);
    assert_int_equal(n, 1);
    /* A reset of the card stops both too. */
    assert_int_equal(portcam_dev_reset(B.dev), 0);
    assert_err(portcam_punt_wait(B.punt, 1000), EIO);
    assert_int_equal(portcam_punt_restart(B.punt), 0);
    assert_err(portcam_punt_wait(B.punt, 0), ETIMEDOUT);
}

static void options(void **state)
{
    struct portcam_punt_opts opts = {.sz = sizeof(opts), .log2_punt = 13};
    struct portcam_punt *other = NULL;

    (void)state;
    assert_err(portcam_punt_open(B.dev, &opts, &other), EINVAL);
    opts.log2_punt = 1;
    assert_err(portcam_punt_open(B.dev, &opts, &other), EINVAL);
    opts.sz = 0;
    assert_err(portcam_punt_open(B.dev, &opts, &other), EINVAL);
    portcam_punt_close(NULL);
    assert_null(other);
}

/* As a process that was killed leaves it: nothing else may write to memory that the next one maps. */
static void left_running(void **state)
{
    static const uint32_t status[] = {PORTCAM_REG_PUNT_STATUS, PORTCAM_REG_INJECT_STATUS,
                                      PORTCAM_REG_TRACE_STATUS, PORTCAM_REG_MIRROR_STATUS};
    const struct pc_samples_filter all = {.reasons = UINT64_MAX, .rate = 9, .burst = 9};
    struct pc_samples *samples = NULL;
    struct portcam_ring *ring = NULL;
    uint32_t value;

    (void)state;
    assert_int_equal(pc_samples_open(B.dev, 4, &all, &samples), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(portcam_reg_read32(B.dev, status[i], &value), 0);
        assert_int_equal(value, PORTCAM_PUNT_STATUS_RUNNING);
    }
    assert_int_equal(portcam_ring_open(B.dev, NULL, &ring), 0);
    for (size_t i = 0; i < sizeof(status) / sizeof(*status); i++) {
        assert_int_equal(portcam_reg_read32(B.dev, status[i], &value), 0);
        assert_int_equal(value & PORTCAM_PUNT_STATUS_RUNNING, 0);
    }
    portcam_ring_close(ring);
    pc_samples_close(samples);
}

#undef TEST
#define TEST(sentence, function) TEST_WITH(sentence, function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("punt: packets come in order, around the ring", received),
        TEST("punt: packets that are held are not seen twice", held),
        TEST("punt: wait and arm without an interrupt", waited),
        TEST_WITH("punt: wait and arm with an interrupt", waited, setup_irq, teardown),
        TEST("punt: a card that lies is found out", lies),
        TEST("inject: frames leave, and what the card would refuse is not sent", sent),
        TEST("inject: more than the ring holds", many),
        TEST("punt, inject: rings that stopped, restart, reset", stopped),
        TEST("punt, inject: options", options),
        TEST("punt, inject, trace: what a process left running ends with the next", left_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
