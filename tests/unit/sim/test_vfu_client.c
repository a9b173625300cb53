// SPDX-License-Identifier: Apache-2.0
/*
 * Our own driver's vfio-user client against our server: opening, registers, DMA in its arena and by
 * messages, interrupts, reset, closing and opening again, and a server that goes away. The server runs in
 * a thread; a lock keeps its calls one after another.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <portcam/dev.h>

#include "portcam_defs.h"
#include "vfu_client.h"

struct world {
    struct vc *c;
    pthread_t thread;
    pthread_mutex_t lock;
    bool stop;
};

static void *serve(void *arg)
{
    struct world *w = arg;

    while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
        struct pollfd p = {.fd = pc_vfu_fd(w->c->server), .events = POLLIN};

        if (poll(&p, 1, 20) > 0) {
            pthread_mutex_lock(&w->lock);
            pc_vfu_process(w->c->server);
            pthread_mutex_unlock(&w->lock);
        }
    }
    return NULL;
}

static struct world *start(void)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    w->c = vc_new();
    w->c->regs[PORTCAM_REG_MAGIC / 4] = PORTCAM_MAGIC;
    w->c->regs[PORTCAM_REG_VERSION / 4] = PORTCAM_INTERFACE_MAJOR << 16;
    pthread_mutex_init(&w->lock, NULL);
    assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
    return w;
}

static void stop(struct world *w)
{
    __atomic_store_n(&w->stop, true, __ATOMIC_RELEASE);
    pthread_join(w->thread, NULL);
}

static void end(struct world *w)
{
    stop(w);
    vc_pump(w->c);
    vc_free(w->c);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static struct portcam_dev *open_card(struct world *w)
{
    char name[128], err[256] = "";
    struct portcam_dev_opts o = {.sz = sizeof(o), .err = err, .err_len = sizeof(err)};
    struct portcam_dev *dev = NULL;

    (void)snprintf(name, sizeof(name), "vfio-user:%s", w->c->path);
    if (portcam_dev_open(name, &o, &dev))
        fail_msg("%s", err);
    return dev;
}

static int card_dma(struct world *w, bool write, uint64_t iova, void *buf, size_t len)
{
    int rc;

    pthread_mutex_lock(&w->lock);
    rc = write ? pc_vfu_dma_write(w->c->server, iova, buf, len)
               : pc_vfu_dma_read(w->c->server, iova, buf, len);
    pthread_mutex_unlock(&w->lock);
    return rc;
}

static void whole_life(void **state)
{
    struct world *w = start();

    (void)state;
    for (int round = 0; round < 3; round++) {
        struct portcam_dev *dev = open_card(w);
        const struct portcam_dev_info *info = portcam_dev_info(dev);
        int ev[VC_VECTORS];
        uint32_t v = 0;
        uint64_t n = 0, iova = 0;
        void *mem = NULL;
        char got[16] = "";

        assert_int_equal(info->vendor_id, VC_VENDOR);
        assert_int_equal(info->device_id, VC_DEVICE);
        assert_int_equal(info->reg_size, PC_VFU_BAR0_BYTES);
        assert_int_equal(info->vectors, VC_VECTORS);
        assert_true(info->can_reset);
        assert_int_equal(portcam_reg_write32(dev, 0x2000, 0x1234 + (uint32_t)round), 0);
        assert_int_equal(portcam_reg_read32(dev, 0x2000, &v), 0);
        assert_int_equal(v, 0x1234 + round);
        assert_int_equal(portcam_dma_alloc(dev, 8192, 4096, &mem, &iova), 0);
        memcpy(mem, "from the host", 14);
        assert_int_equal(card_dma(w, false, iova, got, 14), -ENODEV); /* no bus master yet */
        for (int i = 0; i < VC_VECTORS; i++)
            assert_int_equal(portcam_irq_open(&ev[i]), 0);
        assert_int_equal(portcam_dev_set_irqs(dev, 0, VC_VECTORS, ev), 0);
        assert_int_equal(portcam_dev_start(dev), 0);
        assert_int_equal(card_dma(w, false, iova, got, 14), 0);
        assert_string_equal(got, "from the host");
        assert_int_equal(card_dma(w, true, iova + 4097, "from the card", 14), 0);
        assert_string_equal((char *)mem + 4097, "from the card");
        assert_int_equal(card_dma(w, true, 0x1000, "x", 1), -EFAULT);
        pthread_mutex_lock(&w->lock);
        pc_vfu_irq(w->c->server, 5);
        pthread_mutex_unlock(&w->lock);
        assert_int_equal(portcam_irq_wait(dev, ev[5], 2000), 0);
        assert_int_equal(portcam_irq_drain(ev[4], &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(portcam_dev_reset(dev), 0);
        assert_int_equal(w->c->resets, round + 1);
        assert_int_equal(card_dma(w, false, iova, got, 14), -ENODEV);
        assert_int_equal(portcam_dev_alive(dev), 0);
        portcam_dev_close(dev);
        for (int i = 0; i < VC_VECTORS; i++)
            close(ev[i]);
    }
    end(w);
}

struct job {
    struct world *w;
    uint64_t iova;
    uint8_t got[10000];
    int rc;
    bool done;
};

static void *copy_by_messages(void *arg)
{
    struct job *j = arg;

    j->rc = card_dma(j->w, false, j->iova, j->got, sizeof(j->got));
    if (!j->rc)
        j->rc = card_dma(j->w, true, j->iova + 12288, j->got, 4000);
    __atomic_store_n(&j->done, true, __ATOMIC_RELEASE);
    return NULL;
}

static void memory_without_descriptor(void **state)
{
    enum { BYTES = 16384 };
    struct world *w = start();
    struct portcam_dev *dev = open_card(w);
    uint64_t iova = portcam_dev_info(dev)->ranges[0].first + (1ull << 32);
    uint8_t *mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct job j = {.w = w, .iova = iova};
    pthread_t thread;

    (void)state;
    assert_ptr_not_equal(mem, MAP_FAILED);
    for (int i = 0; i < BYTES; i++)
        mem[i] = (uint8_t)(i * 7 + 1);
    assert_int_equal(
        portcam_map_dma(dev, iova, BYTES, -1, 0, mem, PORTCAM_DMA_READ | PORTCAM_DMA_WRITE), 0);
    assert_int_equal(portcam_dev_start(dev), 0);
    assert_int_equal(pthread_create(&thread, NULL, copy_by_messages, &j), 0);
    for (int i = 0; i < 5000 && !__atomic_load_n(&j.done, __ATOMIC_ACQUIRE); i++) {
        assert_int_equal(portcam_dev_alive(dev),
                         0); /* serves the messages, and is served meanwhile */
        usleep(200);
    }
    pthread_join(thread, NULL);
    assert_int_equal(j.rc, 0);
    assert_memory_equal(j.got, mem, sizeof(j.got));
    assert_memory_equal(mem + 12288, mem, 4000);
    assert_true(vc_stats(w->c).dma_messages >= 2);
    assert_int_equal(portcam_unmap_dma(dev, iova, BYTES), 0);
    portcam_dev_close(dev);
    munmap(mem, BYTES);
    end(w);
}

static void second_and_gone(void **state)
{
    struct world *w = start();
    struct portcam_dev *dev = open_card(w), *second = NULL;
    char name[128], err[256] = "";
    struct portcam_dev_opts o = {.sz = sizeof(o), .err = err, .err_len = sizeof(err)};
    uint32_t v = 0;

    (void)state;
    (void)snprintf(name, sizeof(name), "vfio-user:%s", w->c->path);
    assert_true(portcam_dev_open(name, &o, &second) < 0);
    assert_string_not_equal(err, "");
    print_message("# a second client reads: %s\n", err);
    assert_int_equal(portcam_reg_read32(dev, 0, &v), 0);
    stop(w);
    pc_vfu_free(w->c->server);
    assert_int_equal(portcam_reg_read32(dev, 0, &v), -ENODEV);
    portcam_dev_close(dev);
    assert_int_equal(rmdir(w->c->dir), 0);
    free(w->c);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"our client: a whole life, three times", whole_life, NULL, NULL, NULL},
        {"our client: memory without descriptor", memory_without_descriptor, NULL, NULL, NULL},
        {"our client: second client, server gone", second_and_gone, NULL, NULL, NULL},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
