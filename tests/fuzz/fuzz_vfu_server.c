// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: the framing and the commands of the vfio-user server, without a socket.
 *
 * The first bytes of the input choose how the rest arrives: as a raw stream, or as short records that are
 * given correct headers so that the commands are reached; in pieces of which size; with which descriptors.
 * Between messages the card does DMA and raises interrupts, and the doorbell register does DMA from inside
 * its callback. Checked besides what the sanitizers see: every message sent has a length that is its own,
 * error replies are a header alone, nothing is sent out of turn, no descriptor is left behind, and a
 * message that waits is never sent while a request is being answered.
 *
 * With MESSAGES=N in the environment it ends after so many messages, of all inputs together, and tells how long
 * that took.
 */
#include <errno.h>
#include <fcntl.h>
#include <sanitizer/lsan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vfu/internal.h"

enum { FILE_BYTES = 65536, RAW = 1, AGREED = 2, MAPPED = 4, ENABLED = 8, DMA_FIRST = 16 };

struct feed {
    struct pc_vfu *s;
    const uint8_t *in;
    size_t left;
    uint8_t message[16 + 256]; /* made of a record */
    size_t at, len;
    unsigned how, piece, fd_every, calls;
};

static int memory = -1, event = -1;

static void require(int ok)
{
    if (!ok)
        abort();
}

static uint8_t next(struct feed *f)
{
    if (!f->left)
        return 0;
    f->left--;
    return *f->in++;
}

/* A record is command, flags, length, payload; the server sees a well-formed message. */
static void next_message(struct feed *f)
{
    struct pc_vfu_header h = {.id = 7};
    size_t n;

    if (f->how & RAW) {
        n = f->left < sizeof(f->message) ? f->left : sizeof(f->message);
        memcpy(f->message, f->in, n);
        f->len = n;
    } else {
        h.cmd = next(f) % 20;
        h.flags = next(f);
        n = next(f);
        n = n < f->left ? n : f->left;
        if ((h.flags & 15) == 1) { /* a reply to what is out now */
            h.id = f->s->dma_id;
            h.cmd = f->s->dma_cmd;
        } else {
            h.flags &= 0x30;
        }
        h.size = (uint32_t)(sizeof(h) + n);
        memcpy(f->message, &h, sizeof(h));
        memcpy(f->message + sizeof(h), f->in, n);
        f->len = sizeof(h) + n;
    }
    f->in += n;
    f->left -= n;
    f->at = 0;
}

static ssize_t feed_recv(void *ctx, void *buf, size_t len, int *fds, unsigned *nfds, bool *lost)
{
    struct feed *f = ctx;
    size_t n;

    *nfds = 0;
    *lost = false;
    f->calls++;
    if (f->piece && f->calls % 5 == 0)
        return -EAGAIN;
    if (f->at == f->len) {
        if (!f->left)
            return 0;
        next_message(f);
        if (f->fd_every && f->calls % f->fd_every == 0) {
            fds[(*nfds)++] = dup(f->calls & 1 ? memory : event);
            if (f->fd_every > 3)
                fds[(*nfds)++] = dup(event);
        }
        *lost = f->fd_every == 3;
    }
    n = f->len - f->at;
    n = n < len ? n : len;
    if (f->piece && n > f->piece)
        n = f->piece;
    memcpy(buf, f->message + f->at, n);
    f->at += n;
    return (ssize_t)n;
}

static ssize_t feed_send(void *ctx, const void *head, size_t head_len, const void *data, size_t len)
{
    struct feed *f = ctx;
    struct pc_vfu_header h;

    (void)data;
    require(head_len >= sizeof(h));
    memcpy(&h, head, sizeof(h));
    require(h.size == head_len + len);
    require(!(h.flags & PC_VFU_F_ERROR) || (h.size == sizeof(h) && h.error));
    require((h.flags & PC_VFU_F_REPLY) || !f->s->answering);
    return (ssize_t)(head_len + len);
}

static int feed_wait(void *ctx, bool want_send, int timeout_ms)
{
    struct feed *f = ctx;

    require(!want_send && timeout_ms > 0);
    return f->left || f->at < f->len ? 0 : -ETIMEDOUT;
}

static uint32_t reg_read(void *ctx, uint32_t offset)
{
    (void)ctx;
    require(offset < PC_VFU_BAR0_BYTES && !(offset & 3));
    return offset;
}

static void reg_write(void *ctx, uint32_t offset, uint32_t value)
{
    struct feed *f = ctx;
    uint8_t b[100] = {1};

    require(offset < PC_VFU_BAR0_BYTES && !(offset & 3));
    if (offset & 4)
        pc_vfu_dma_write(f->s, value, b, sizeof(b));
    else
        pc_vfu_irq(f->s, value);
}

static void reset(void *ctx)
{
    struct feed *f = ctx;

    pc_vfu_irq(f->s, 0);
}

static void work_of_the_card(struct feed *f, unsigned round)
{
    uint8_t b[300];

    pc_vfu_dma_write(f->s, 0x1000ull * (round & 7), "abc", 3);
    pc_vfu_dma_read(f->s, 0x1000ull * (round & 7) + 0xff0, b, sizeof(b));
    pc_vfu_irq(f->s, round & 7);
}

/* What the server took as messages, good or bad. The process ends at the wanted number. */
static void count_messages(const struct pc_vfu_stats *stats)
{
    static unsigned long long count, inputs, wanted;
    static time_t start;

    if (!start) {
        const char *text = getenv("MESSAGES");

        start = time(NULL);
        wanted = text ? strtoull(text, NULL, 10) : 0;
    }
    inputs++;
    count += stats->requests + stats->framing_errors + stats->stray_replies;
    if (!wanted || count < wanted)
        return;
    require(!__lsan_do_recoverable_leak_check());
    fprintf(stderr, "%llu messages of %llu inputs in %lld s: no crash, leak or hang\n", count,
            inputs, (long long)(time(NULL) - start));
    _exit(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    struct feed f = {.in = in, .left = len};
    const struct pc_vfu_device dev = {&f, reg_read, reg_write, reset, NULL, 1, 2, 8, false};
    const struct pc_stream io = {&f, feed_recv, feed_send, feed_wait, NULL};
    const struct pc_vfu_dma_map shared = {32, 3, 0, 0x1000, 0x1000},
                                far = {32, 3, 0, 0x2000, 0x1000};
    const uint8_t on[2] = {6, 0};
    struct pc_vfu_stats stats;
    char err[128];
    int probe;

    if (memory < 0) {
        memory = memfd_create("fuzz", MFD_CLOEXEC);
        event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        require(memory >= 0 && event >= 0 && !ftruncate(memory, FILE_BYTES));
    }
    probe = dup(memory);
    close(probe);
    f.how = next(&f);
    f.piece = next(&f) & 31;
    f.fd_every = next(&f) & 7;
    f.s = pc_vfu_new_bare(&dev, err, sizeof(err));
    require(f.s != NULL);
    pc_vfu_attach(f.s, &io);
    if (f.how & AGREED) {
        f.s->version.done = true;
        f.s->version.max_data = 1 + f.piece * 100;
    }
    if (f.how & ENABLED)
        pc_config_write(&f.s->config, 4, on, 2);
    if (f.how & MAPPED) {
        require(!pc_vfu_maps_add(&f.s->dma, &shared, dup(memory)));
        require(!pc_vfu_maps_add(&f.s->dma, &far, -1));
    }
    if (f.how & DMA_FIRST)
        work_of_the_card(&f, 1);
    for (unsigned round = 0; f.s->connected && round < 10000; round++) {
        pc_vfu_serve(f.s, 3);
        require(!f.s->answering && !f.s->dma_waiting && !f.s->dma_answered);
        if (round % 3 == 0)
            work_of_the_card(&f, round);
    }
    require(!f.s->connected);
    require(!f.s->dma.maps && !f.s->dma.files && !f.s->dma.count && !f.s->dma.fdless);
    stats = f.s->stats;
    pc_vfu_free(f.s);
    require(dup(memory) == probe); /* no descriptor was left behind */
    close(probe);
    count_messages(&stats);
    return 0;
}
