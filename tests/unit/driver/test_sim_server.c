// SPDX-License-Identifier: Apache-2.0
/*
 * Our vfio-user client against our vfio-user server, with the card model behind it: the same rings,
 * interrupts and errors as through "model:", over a socket and shared memory.
 */
#include "driver_test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <portcam/dev.h>
#include <portcam/ring.h>

#include "card.h"
#include "vfu/vfu.h"

static struct sim {
    char dir[64];
    char name[96];
    struct pc_vfu *server;
    struct pc_card *card;
    pthread_t thread;
    atomic_bool stop;
    atomic_int event;    /* 1: error interrupt, 2: request interrupt */
    atomic_int delay_us; /* of a read of a register */
    atomic_bool hold;    /* reads of registers are not answered */
} sim, second;

static struct portcam_dev *dev;

static int card_dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    return pc_vfu_dma_read(((struct sim *)ctx)->server, iova, dst, len);
}

static int card_dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    return pc_vfu_dma_write(((struct sim *)ctx)->server, iova, src, len);
}

static void card_irq(void *ctx, unsigned vector)
{
    pc_vfu_irq(((struct sim *)ctx)->server, vector);
}

static uint32_t reg_read(void *ctx, uint32_t offset)
{
    struct sim *m = ctx;

    while (atomic_load(&m->hold) && !atomic_load(&m->stop))
        usleep(1000);
    usleep((unsigned)atomic_load(&m->delay_us));
    return pc_card_reg_read(m->card, offset);
}

static void reg_write(void *ctx, uint32_t offset, uint32_t value)
{
    pc_card_reg_write(((struct sim *)ctx)->card, offset, value);
}

static void reset(void *ctx)
{
    pc_card_reset(((struct sim *)ctx)->card);
}

static void *serve(void *arg)
{
    struct sim *m = arg;

    while (!atomic_load(&m->stop)) {
        struct pollfd p = {.fd = pc_vfu_fd(m->server), .events = POLLIN};
        int event = atomic_exchange(&m->event, 0);

        if (event == 1)
            pc_vfu_error_irq(m->server);
        if (event == 2)
            pc_vfu_request_irq(m->server);
        if (poll(&p, 1, 10) > 0)
            pc_vfu_process(m->server);
    }
    return NULL;
}

static void start_server(struct sim *m)
{
    const struct pc_card_host host = {
        .ctx = m, .dma_read = card_dma_read, .dma_write = card_dma_write, .irq = card_irq};
    const struct pc_vfu_device device = {
        .ctx = m,
        .reg_read = reg_read,
        .reg_write = reg_write,
        .reset = reset,
        .vendor = PORTCAM_PCI_VENDOR,
        .device = PORTCAM_PCI_DEVICE,
        .vectors = PORTCAM_BUILD_VECTORS,
    };
    char err[200] = "";

    memset(m, 0, sizeof(*m));
    snprintf(m->dir, sizeof(m->dir), "/tmp/portcam-sim-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    snprintf(m->name, sizeof(m->name), "vfio-user:%s/s", m->dir);
    m->card = pc_card_new(&host);
    assert_non_null(m->card);
    m->server = pc_vfu_new(m->name + strlen("vfio-user:"), &device, err, sizeof(err));
    if (!m->server)
        fail_msg("server: %s", err);
    assert_int_equal(pthread_create(&m->thread, NULL, serve, m), 0);
}

static void stop_server(struct sim *m)
{
    atomic_store(&m->stop, true);
    pthread_join(m->thread, NULL);
    pc_vfu_free(m->server);
    pc_card_free(m->card);
    rmdir(m->dir);
}

static int open_client(void)
{
    const struct portcam_dev_opts opts = {.sz = sizeof(opts), .arena_size = 4u << 20};

    return portcam_dev_open(sim.name, &opts, &dev);
}

static int setup(void **state)
{
    (void)state;
    dev = NULL;
    start_server(&sim);
    if (open_client() != 0)
        fail_msg("open: %s", portcam_dev_error());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    portcam_dev_close(dev);
    stop_server(&sim);
    return 0;
}

static void facts(void **state)
{
    const struct portcam_dev_info *info = portcam_dev_info(dev);
    uint32_t value;

    (void)state;
    assert_int_equal(info->vendor_id, PORTCAM_PCI_VENDOR);
    assert_int_equal(info->device_id, PORTCAM_PCI_DEVICE);
    assert_int_equal(info->reg_size, PORTCAM_BAR0_BYTES);
    assert_int_equal(info->vectors, PORTCAM_BUILD_VECTORS);
    assert_true(info->can_reset);
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_MAGIC, &value), 0);
    assert_int_equal(value, PORTCAM_MAGIC);
    assert_int_equal(portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, 0xcafe), 0);
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    assert_int_equal(value, 0xcafe);
}

static void keeps_its_state(void **state)
{
    uint32_t value;

    (void)state;
    assert_int_equal(portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, 0xcafe), 0);
    portcam_dev_close(dev);
    dev = NULL;
    assert_int_equal(open_client(), 0);
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    assert_int_equal(value, 0xcafe); /* the card goes on while its program restarts */
    assert_int_equal(portcam_dev_reset(dev), 0);
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    assert_int_equal(value, 0);
}

static struct portcam_command self_test(uint64_t from, uint64_t to)
{
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_SELF_TEST};

    memcpy(c.data, &from, 8);
    memcpy(c.data + 8, &to, 8);
    return c;
}

static void ring_runs(void **state)
{
    struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = 8, .use_irq = true};
    struct portcam_ring *ring = NULL;
    struct portcam_command c;
    unsigned char *memory;
    struct portcam_command *many = calloc(3000, sizeof(*many));
    struct timespec a;
    struct timespec b;
    void *p;
    uint64_t iova;
    int fd;

    (void)state;
    assert_non_null(many);
    assert_int_equal(portcam_irq_open(&fd), 0);
    assert_int_equal(portcam_dev_set_irqs(dev, PORTCAM_VECTOR_COMMANDS, 1, &fd), 0);
    opts.irq_fd = fd;
    assert_int_equal(portcam_ring_open(dev, &opts, &ring), 0);
    assert_int_equal(portcam_dma_alloc(dev, 128, 64, &p, &iova), 0);
    memory = p;
    memset(memory, 0x77, 64);
    c = self_test(iova, iova + 64);
    assert_int_equal(portcam_ring_run(ring, &c, 1, 1000, NULL), 0);
    assert_memory_equal(memory, memory + 64, 64);
    c = self_test(0x1000, iova);
    assert_err(portcam_ring_run(ring, &c, 1, 1000, NULL), EREMOTEIO);
    clock_gettime(CLOCK_MONOTONIC, &a);
    assert_int_equal(portcam_ring_run(ring, many, 3000, 1000, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    print_message("# 3000 commands in %.1f ms\n",
                  (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
    portcam_ring_close(ring);
    close(fd);
    free(many);
}

static void ring_polls(void **state)
{
    struct portcam_command c[100] = {{0}};
    struct portcam_ring *ring = NULL;

    (void)state;
    assert_int_equal(portcam_ring_open(dev, NULL, &ring), 0);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(portcam_ring_run(ring, c, 100, 1000, NULL), 0);
    assert_int_equal(portcam_dev_reset(dev), 0);
    assert_err(portcam_ring_run(ring, c, 100, 300, NULL), EIO);
    assert_int_equal(portcam_ring_restart(ring), 0);
    assert_int_equal(portcam_ring_run(ring, c, 100, 1000, NULL), 0);
    assert_int_equal(portcam_dev_stop(dev), 0);
    assert_err(portcam_ring_run(ring, c, 100, 300, NULL), EIO);
    assert_says("host memory could not be read");
    assert_int_equal(portcam_ring_restart(ring), 0);
    assert_int_equal(portcam_ring_run(ring, c, 100, 1000, NULL), 0);
    portcam_ring_close(ring);
}

static void states(void **state)
{
    int fds[PORTCAM_DEV_POLL_FDS];
    unsigned n = portcam_dev_poll_fds(dev, fds);

    (void)state;
    assert_int_equal(n, 3);
    for (int event = 2; event >= 1; event--) {
        struct pollfd p[PORTCAM_DEV_POLL_FDS];

        for (unsigned i = 0; i < n; i++)
            p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        atomic_store(&sim.event, event);
        assert_int_equal(poll(p, n, 2000), 1);
        assert_int_equal(portcam_dev_alive(dev), event == 1 ? -EIO : 0);
        assert_int_equal(portcam_dev_get_state(dev),
                         event == 1 ? PORTCAM_DEV_ERROR : PORTCAM_DEV_RELEASE_WANTED);
    }
}

static void second_client(void **state)
{
    struct portcam_dev *other = NULL;

    (void)state;
    assert_err(portcam_dev_open(sim.name, NULL, &other), EBUSY);
    assert_null(other);
    assert_int_equal(portcam_dev_alive(dev), 0);
}

static void server_ends(void **state)
{
    uint32_t value;
    int fd;

    (void)state;
    assert_int_equal(portcam_irq_open(&fd), 0);
    stop_server(&sim);
    assert_err(portcam_irq_wait(dev, fd, 2000), ENODEV);
    assert_err(portcam_reg_read32(dev, 0, &value), ENODEV);
    assert_says("card is gone");
    portcam_dev_close(dev);
    dev = NULL;
    close(fd);
    start_server(&sim);
}

/* Both in one process: each has its own memory, interrupts and state. */
static void two_cards(void **state)
{
    const struct portcam_dev_opts opts = {.sz = sizeof(opts), .arena_size = 4u << 20};
    struct portcam_dev *devs[2] = {dev, NULL};
    struct portcam_ring *rings[2] = {NULL, NULL};
    unsigned char *memory[2];
    uint64_t iova[2];
    uint32_t value;

    (void)state;
    start_server(&second);
    if (portcam_dev_open(second.name, &opts, &devs[1]) != 0)
        fail_msg("open: %s", portcam_dev_error());
    for (unsigned i = 0; i < 2; i++) {
        void *p;

        assert_int_equal(portcam_reg_write32(devs[i], PORTCAM_REG_SCRATCH, 100 + i), 0);
        assert_int_equal(portcam_ring_open(devs[i], NULL, &rings[i]), 0);
        assert_int_equal(portcam_dma_alloc(devs[i], 128, 64, &p, &iova[i]), 0);
        memory[i] = p;
        memset(memory[i], 0x10 + (int)i, 64);
    }
    assert_int_equal(iova[0], iova[1]); /* the same address, and it is not the same memory */
    for (unsigned i = 0; i < 2; i++) {
        struct portcam_command c = self_test(iova[i], iova[i] + 64);

        assert_int_equal(portcam_ring_run(rings[i], &c, 1, 10000, NULL), 0);
        assert_memory_equal(memory[i], memory[i] + 64, 64);
        assert_int_equal(memory[i][64], 0x10 + i);
        assert_int_equal(portcam_reg_read32(devs[i], PORTCAM_REG_SCRATCH, &value), 0);
        assert_int_equal(value, 100 + i);
    }
    portcam_ring_close(rings[1]);
    portcam_dev_close(devs[1]);
    stop_server(&second);
    assert_int_equal(portcam_dev_alive(dev), 0); /* the end of one is not that of the other */
    portcam_ring_close(rings[0]);
}

/* A card that takes its time is waited for, one that never answers is not. */
static void slow_card(void **state)
{
    const struct portcam_dev_opts opts = {
        .sz = sizeof(opts), .timeout_ms = 1000, .arena_size = 4u << 20};
    uint32_t value = 0;

    (void)state;
    atomic_store(&sim.delay_us, 200000);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, i), 0);
        assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
        assert_int_equal(value, i);
    }
    atomic_store(&sim.delay_us, 0);
    portcam_dev_close(dev);
    dev = NULL;
    assert_int_equal(portcam_dev_open(sim.name, &opts, &dev), 0);
    atomic_store(&sim.hold, true);
    assert_err(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), ETIMEDOUT);
    assert_says("no answer within 1000 ms; restart the simulated card and open it again");
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_GONE);
    portcam_dev_close(dev);
    dev = NULL;
    atomic_store(&sim.hold, false);
    assert_int_equal(open_client(), 0); /* and may come back */
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    assert_int_equal(value, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH("sim server: facts and registers", facts, setup, teardown),
        TEST_WITH("sim server: state outlives the client, reset clears it", keeps_its_state, setup,
                  teardown),
        TEST_WITH("sim server: ring with interrupts, DMA self-test", ring_runs, setup, teardown),
        TEST_WITH("sim server: ring by polling, reset, bus master off", ring_polls, setup,
                  teardown),
        TEST_WITH("sim server: error and request interrupts", states, setup, teardown),
        TEST_WITH("sim server: a second client is told that it is busy", second_client, setup,
                  teardown),
        TEST_WITH("sim server: two cards at once share nothing", two_cards, setup, teardown),
        TEST_WITH("sim server: a slow card is waited for, a silent one is not", slow_card, setup,
                  teardown),
        TEST_WITH("sim server: its end is the removal of the card", server_ends, setup, teardown),
    };

    return cmocka_run_group_tests_name("sim server", tests, NULL, NULL);
}
