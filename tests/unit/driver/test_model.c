// SPDX-License-Identifier: Apache-2.0
/*
 * The public device over the card model: names, options, rings, interrupts, reset, threads.
 */
#include "driver_test.h"

#include <pthread.h>
#include <unistd.h>

#include <portcam/ring.h>

#include "card.h"
#include "dev_ops.h"
#include "model.h"

static struct portcam_dev *open_model(void)
{
    struct portcam_dev *dev = NULL;

    assert_int_equal(portcam_dev_open("model:", NULL, &dev), 0);
    return dev;
}

static void names(void **state)
{
    static const char *const bad[] = {"",      "model",  "pci",     "0000:03:00.0",
                                      "tcp:1", "Model:", "x:model:"};
    struct portcam_dev *dev = (void *)&state;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_err(portcam_dev_open(bad[i], NULL, &dev), EINVAL);
        assert_says("use pci:0000:03:00.0, vfio-user:/path/to/socket or model:");
    }
    assert_err(portcam_dev_open("model:x", NULL, &dev), EINVAL);
    assert_err(portcam_dev_open(NULL, NULL, &dev), EINVAL);
    assert_ptr_equal(dev, &state);
    portcam_dev_close(NULL);
}

static void options(void **state)
{
    struct {
        struct portcam_dev_opts known;
        char tail[16];
    } big = {.known = {.sz = sizeof(big)}};
    struct portcam_dev_opts opts = {0};
    struct portcam_dev *dev = NULL;
    char err[80] = "x";

    (void)state;
    opts.err = err;
    opts.err_len = sizeof(err);
    assert_err(portcam_dev_open("model:", &opts, &dev), EINVAL); /* no size */
    opts.sz = offsetof(struct portcam_dev_opts, timeout_ms);     /* an older program */
    opts.dma_bits = 1;
    assert_int_equal(portcam_dev_open("model:", &opts, &dev), 0);
    portcam_dev_close(dev);
    opts.sz = sizeof(opts);
    assert_err(portcam_dev_open("model:", &opts, &dev), EINVAL);
    assert_string_equal(err, "dma_bits is 1: use 32 to 64");
    opts.dma_bits = 0;
    opts.flags = 0x100;
    assert_err(portcam_dev_open("model:", &opts, &dev), EINVAL);
    assert_int_equal(portcam_dev_open("model:", &big.known, &dev), 0); /* a newer program */
    portcam_dev_close(dev);
    big.tail[3] = 1;
    assert_err(portcam_dev_open("model:", &big.known, &dev), E2BIG);
}

static void log_line(void *ctx, enum portcam_log_level level, const char *line)
{
    snprintf(ctx, 200, "%d %s", (int)level, line);
}

static void facts(void **state)
{
    char line[200] = "";
    struct portcam_dev_opts opts = {.sz = sizeof(opts), .log = log_line, .log_ctx = line};
    struct portcam_dev *dev = NULL;
    uint32_t value;

    (void)state;
    assert_int_equal(portcam_dev_open("model:", &opts, &dev), 0);
    assert_string_equal(line, "2 model: is open through model");
    assert_string_equal(portcam_dev_info(dev)->transport, "model");
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_MAGIC, &value), 0);
    assert_int_equal(value, PORTCAM_MAGIC);
    assert_int_equal(portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, 0xffffffff), 0);
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    assert_int_equal(value, 0xffffffff);
    assert_err(portcam_reg_read32(dev, PC_BAR0_SIZE, &value), EINVAL);
    assert_int_equal(portcam_dev_alive(dev), 0);
    assert_non_null(pc_dev_model_card(dev));
    assert_int_equal(portcam_dev_reset(dev), 0);
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    assert_int_equal(value, 0);
    portcam_dev_close(dev);
}

static struct portcam_command self_test(uint64_t from, uint64_t to)
{
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_SELF_TEST};

    memcpy(c.data, &from, 8);
    memcpy(c.data + 8, &to, 8);
    return c;
}

static void ring_self_test(void **state)
{
    struct portcam_dev *dev = open_model();
    struct portcam_ring *ring = NULL;
    struct portcam_command c;
    struct portcam_completion failed;
    unsigned char *memory;
    void *p;
    uint64_t iova;

    (void)state;
    assert_int_equal(portcam_ring_open(dev, NULL, &ring), 0);
    assert_int_equal(portcam_dma_alloc(dev, 128, 64, &p, &iova), 0);
    memory = p;
    for (unsigned i = 0; i < 64; i++)
        memory[i] = (unsigned char)(i * 7 + 1);
    c = self_test(iova, iova + 64);
    assert_int_equal(portcam_ring_run(ring, &c, 1, 1000, NULL), 0);
    assert_memory_equal(memory, memory + 64, 64);
    c = self_test(0, iova); /* no mapping is ever at 0 */
    assert_err(portcam_ring_run(ring, &c, 1, 1000, &failed), EREMOTEIO);
    assert_int_equal(failed.status, PORTCAM_STATUS_DMA_READ_ERROR);
    assert_says("command 1 of 1: host memory could not be read");
    c = self_test(iova, iova + 64);
    assert_int_equal(portcam_ring_run(ring, &c, 1, 1000, NULL), 0); /* the ring goes on */
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

static void ring_many(void **state)
{
    enum { N = 5000 };
    struct portcam_command *c = calloc(N, sizeof(*c));
    struct portcam_dev *dev = open_model();
    struct portcam_completion failed;

    (void)state;
    assert_non_null(c);
    for (unsigned log2_size = 6; log2_size <= 16; log2_size += 5) {
        struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = log2_size};
        struct portcam_ring *ring = NULL;

        assert_int_equal(portcam_ring_open(dev, &opts, &ring), 0);
        memset(c, 0, N * sizeof(*c));
        for (unsigned i = 0; i < N; i += 3)
            c[i].flags = PORTCAM_COMMAND_COMPLETE;
        for (unsigned round = 0; round < 3; round++)
            assert_int_equal(portcam_ring_run(ring, c, N, 1000, NULL), 0);
        c[1234].opcode = 0xee;
        c[1300].opcode = 0xee;
        assert_err(portcam_ring_run(ring, c, N, 1000, &failed), EREMOTEIO);
        assert_int_equal(failed.cookie, 1234);
        assert_int_equal(failed.status, PORTCAM_STATUS_UNKNOWN_OPCODE);
        assert_int_equal(portcam_ring_outstanding(ring), 0);
        portcam_ring_close(ring);
    }
    portcam_dev_close(dev);
    free(c);
}

static void ring_postpones(void **state)
{
    struct portcam_ring_opts opts = {.sz = sizeof(opts), .log2_size = 6};
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_NOP, .flags = PORTCAM_COMMAND_COMPLETE};
    struct portcam_completion got[64];
    struct portcam_dev *dev = open_model();
    struct portcam_ring *ring = NULL;
    unsigned n = 99;

    (void)state;
    assert_int_equal(portcam_ring_open(dev, &opts, &ring), 0);
    for (c.cookie = 100; c.cookie < 164; c.cookie++)
        assert_int_equal(portcam_ring_enqueue(ring, &c), 0);
    assert_int_equal(portcam_ring_space(ring), 0);
    assert_err(portcam_ring_enqueue(ring, &c), EAGAIN);
    assert_int_equal(portcam_ring_pull(ring, got, 64, &n), 0);
    assert_int_equal(n, 0); /* nothing happens before the doorbell */
    assert_err(portcam_ring_wait(ring, 5), ETIMEDOUT);
    assert_int_equal(portcam_ring_push(ring), 0);
    assert_int_equal(portcam_ring_wait(ring, 1000), 0);
    assert_int_equal(portcam_ring_pull(ring, got, 10, &n), 0);
    assert_int_equal(n, 10);
    assert_int_equal(got[9].cookie, 109);
    assert_int_equal(portcam_ring_space(ring), 10);
    assert_int_equal(portcam_ring_pull(ring, got, 64, &n), 0);
    assert_int_equal(n, 54);
    assert_int_equal(got[53].cookie, 163);
    assert_int_equal(portcam_ring_outstanding(ring), 0);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

static void ring_sleeps(void **state)
{
    struct portcam_ring_opts opts = {.sz = sizeof(opts), .use_irq = true};
    struct portcam_command c[70] = {{0}};
    struct portcam_dev *dev = open_model();
    struct portcam_ring *ring = NULL;
    int fd = -1;

    (void)state;
    assert_int_equal(portcam_irq_open(&fd), 0);
    assert_int_equal(portcam_dev_set_irqs(dev, PORTCAM_VECTOR_COMMANDS, 1, &fd), 0);
    opts.irq_fd = fd;
    assert_int_equal(portcam_ring_open(dev, &opts, &ring), 0);
    assert_int_equal(portcam_ring_run(ring, c, 70, 1000, NULL), 0);
    assert_err(portcam_ring_wait(ring, 20), ETIMEDOUT);
    portcam_ring_close(ring);
    assert_int_equal(portcam_dev_set_irqs(dev, 0, 0, NULL), 0);
    portcam_dev_close(dev);
    close(fd);
}

/* A doorbell whose commands are not mapped: the ring stops and says which address. */
static void ring_dma_error(void **state)
{
    struct portcam_command c[2] = {{0}};
    struct portcam_dev *dev = open_model();
    struct portcam_ring *ring = NULL;
    uint32_t base;

    (void)state;
    assert_int_equal(portcam_ring_open(dev, NULL, &ring), 0);
    assert_int_equal(portcam_reg_read32(dev, PORTCAM_REG_CMD_BASE_LO, &base), 0);
    assert_int_equal(portcam_dev_stop(dev), 0); /* bus master off: DMA fails */
    assert_err(portcam_ring_run(ring, c, 2, 1000, NULL), EIO);
    assert_says("host memory could not be read at 0x00000000");
    assert_err(portcam_ring_enqueue(ring, c), EIO);
    assert_err(portcam_ring_push(ring), EIO);
    assert_int_equal(portcam_ring_restart(ring), 0);
    assert_int_equal(portcam_ring_run(ring, c, 2, 1000, NULL), 0);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

static void ring_after_reset(void **state)
{
    struct portcam_command c[3] = {{0}};
    struct portcam_dev *dev = open_model();
    struct portcam_ring *ring = NULL;

    (void)state;
    assert_int_equal(portcam_ring_open(dev, NULL, &ring), 0);
    assert_int_equal(portcam_ring_run(ring, c, 3, 1000, NULL), 0);
    assert_int_equal(portcam_dev_reset(dev), 0);
    assert_err(portcam_ring_run(ring, c, 3, 1000, NULL), EIO);
    assert_int_equal(portcam_ring_restart(ring), 0);
    assert_int_equal(portcam_ring_run(ring, c, 3, 1000, NULL), 0);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

static void *hammer(void *arg)
{
    struct portcam_dev *dev = arg;

    for (unsigned i = 0; i < 3000; i++) {
        uint32_t value = 0;
        void *vaddr;
        uint64_t iova;

        if (portcam_reg_read32(dev, PORTCAM_REG_MAGIC, &value) != 0 || value != PORTCAM_MAGIC)
            return dev;
        if (i % 16 == 0 && (portcam_dma_alloc(dev, 5000, 0, &vaddr, &iova) != 0 ||
                            portcam_dma_free(dev, vaddr) != 0))
            return dev;
        if (portcam_reg_read32(dev, PC_BAR0_SIZE, &value) != -EINVAL ||
            !strstr(portcam_dev_error(), "register offset"))
            return dev;
    }
    return NULL;
}

static void threads(void **state)
{
    struct portcam_dev *dev = open_model();
    struct portcam_command c[64] = {{0}};
    struct portcam_ring *ring = NULL;
    pthread_t t[2];

    (void)state;
    assert_int_equal(portcam_ring_open(dev, NULL, &ring), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, hammer, dev), 0);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(portcam_ring_run(ring, c, 64, 1000, NULL), 0);
    for (unsigned i = 0; i < 2; i++) {
        void *bad;

        pthread_join(t[i], &bad);
        assert_null(bad);
    }
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

static void listing(void **state)
{
    struct portcam_dev_list_opts opts = {.sz = sizeof(opts), .all_classes = true};
    struct portcam_dev_entry *list = NULL;
    size_t count = 0;

    (void)state;
    assert_int_equal(portcam_dev_list(&opts, &list, &count), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strlen(list[i].bdf), 12);
        assert_int_equal(strncmp(list[i].open_name, "pci:", 4), 0);
        assert_true(list[i].usable || list[i].problem[0]);
        assert_int_equal(list[i].header[0] | list[i].header[1] << 8, list[i].vendor_id);
    }
    print_message("# %zu PCI functions here\n", count);
    portcam_dev_list_free(list);
    opts.sysfs_root = "/nonexistent";
    assert_int_equal(portcam_dev_list(&opts, &list, &count), 0);
    assert_int_equal(count, 0);
    portcam_dev_list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("device: names that mean nothing", names),
        TEST("device: options of other sizes, sentence of a failed open", options),
        TEST("device: registers, facts and reset of the model", facts),
        TEST("ring: DMA self-test, unmapped address is an error of the command", ring_self_test),
        TEST("ring: more commands than entries, first failure is named", ring_many),
        TEST("ring: enqueue postpones until the doorbell", ring_postpones),
        TEST("ring: sleeps on the interrupt", ring_sleeps),
        TEST("ring: DMA without bus master stops it with the address", ring_dma_error),
        TEST("ring: restart after a device reset", ring_after_reset),
        TEST("device: threads share it, sentences do not mix", threads),
        TEST("device: listing this machine", listing),
    };

    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
