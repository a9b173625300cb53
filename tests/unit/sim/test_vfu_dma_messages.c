// SPDX-License-Identifier: Apache-2.0
/*
 * DMA by messages of the vfio-user server: for memory that came without descriptor, with clients that ask
 * before they answer, fail, leave, or never answer.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vfu/internal.h"
#include "vfu_client.h"

#define PAGE ((size_t)4096)

enum { BUS_MASTER = 6 /* MEM and BME */ };

/* ---- DMA by messages ---- */

struct peer {
    struct vc *c;
    bool nested; /* make a request and wait for its answer before answering, as QEMU's lock does */
    bool leave;  /* close instead of answering */
    bool short_count; /* QEMU 10's layout */
    uint32_t error;
    unsigned served, bad;
    uint8_t memory[4 * PAGE]; /* from address 0x10000 */
};

static bool peer_receive(struct peer *p)
{
    return vc_receive(p->c, 5000) != VC_NOTHING;
}

static void *peer_main(void *arg)
{
    struct peer *p = arg;
    struct vc *c = p->c;

    while (peer_receive(p)) {
        struct pc_vfu_header h = c->reply, r = {.id = h.id, .cmd = h.cmd, .flags = PC_VFU_F_REPLY};
        struct pc_vfu_dma_access a;
        uint8_t b[sizeof(r) + sizeof(a) + sizeof(p->memory)];
        size_t fixed = p->short_count ? 12 : 16, len;

        memcpy(&a, c->data, sizeof(a));
        if (a.iova < 0x10000 || a.iova + a.count > 0x10000 + sizeof(p->memory)) {
            p->bad++;
            break;
        }
        if (h.cmd == PC_VFU_DMA_WRITE)
            memcpy(p->memory + (a.iova - 0x10000), c->data + sizeof(a), a.count);
        if (p->leave) {
            shutdown(c->fd, SHUT_RDWR);
            break;
        }
        if (p->nested) {
            const struct pc_vfu_region_access rd = {0x40, 0, 4};
            uint16_t id = vc_send(c, PC_VFU_REGION_READ, 0, &rd, sizeof(rd), NULL, 0);

            if (!peer_receive(p) || c->reply.id != id || c->reply.cmd != PC_VFU_REGION_READ)
                p->bad++;
        }
        len = fixed + (h.cmd == PC_VFU_DMA_READ ? a.count : 0);
        if (p->error) {
            r.flags |= PC_VFU_F_ERROR;
            r.error = p->error;
            len = 0;
        }
        r.size = (uint32_t)(sizeof(r) + len);
        memcpy(b, &r, sizeof(r));
        memcpy(b + sizeof(r), &a, fixed);
        if (h.cmd == PC_VFU_DMA_READ)
            memcpy(b + sizeof(r) + fixed, p->memory + (a.iova - 0x10000), a.count);
        p->served++;
        vc_raw(c, b, sizeof(r) + len, NULL, 0);
    }
    return NULL;
}

static void end_peer(struct peer *p, pthread_t thread)
{
    shutdown(p->c->fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    assert_int_equal(p->bad, 0);
}

static struct vc *fdless_client(const char *json)
{
    struct vc *c = vc_new();

    vc_connect(c);
    assert_true(vc_version(c, 0, 0, json) > 0);
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_map(c, 0x10000, 2 * PAGE, 0, 3, -1), 0);
    assert_int_equal(vc_map(c, 0x12000, 2 * PAGE, 0, 1, -1), 0);
    return c;
}

static void dma_messages(void **state)
{
    const int options = *(const int *)*state;
    struct vc *c =
        fdless_client(options & 4 ? "{\"capabilities\":{\"max_data_xfer_size\":1000}}" : NULL);
    struct peer p = {.c = c, .nested = options & 1, .short_count = options & 2};
    uint8_t out[2 * PAGE], in[4 * PAGE];
    pthread_t thread;

    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 13 + 5);
    pthread_create(&thread, NULL, peer_main, &p);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10003, out, sizeof(out) - 7), 0);
    assert_memory_equal(p.memory + 3, out, sizeof(out) - 7);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10001, in, sizeof(in) - 1), 0);
    assert_memory_equal(in, p.memory + 1, sizeof(in) - 1);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x12000, out, 4), -EACCES);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x14000, in, 4), -EFAULT);
    assert_int_equal(p.served, options & 4 ? 9 + 18 : 1 + 2);
    end_peer(&p, thread);
    vc_free(c);
}

/* What no map allows is refused whatever the client answers, and the client is told where it asked for that. */
static void refused_is_reported(void **state)
{
    struct vc *c = fdless_client(NULL);
    struct peer p = {.c = c};
    uint8_t buf[200] = {1, 2, 3};
    pthread_t thread;

    (void)state;
    assert_int_equal(vc_unmap(c, 0x10000, 2 * PAGE), 24);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, buf, sizeof(buf)), -EFAULT);
    assert_int_equal(vc_stats(c).dma_messages, 0);
    c->server->dev.report_faults = true;
    pthread_create(&thread, NULL, peer_main, &p);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, buf, sizeof(buf)), -EFAULT);
    assert_int_equal(buf[0], 1);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x12000, buf, sizeof(buf)), -EACCES);
    p.error = ENODEV;
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, buf, 4), -EFAULT);
    assert_int_equal(p.served, 3);
    assert_int_equal(vc_stats(c).dma_refused, 4);
    end_peer(&p, thread);
    vc_free(c);
}

static void dma_message_errors(void **state)
{
    struct vc *c = fdless_client(NULL);
    struct peer p = {.c = c, .error = ENODEV};
    uint8_t in[64];
    pthread_t thread;

    (void)state;
    pthread_create(&thread, NULL, peer_main, &p);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, in, sizeof(in)), -ENODEV);
    p.error = 0xffffffff; /* no errno */
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, in, sizeof(in)), -EIO);
    p.error = 0;
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, in, sizeof(in)), 0);
    p.leave = true;
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, in, sizeof(in)), -ENODEV);
    assert_int_equal(pc_vfu_connected(c->server), 0);
    end_peer(&p, thread);
    vc_free(c);
}

static void dma_in_callback(struct vc *c, uint32_t offset, uint32_t value)
{
    uint32_t v;

    (void)value;
    if (offset == 0x80)
        c->result = pc_vfu_dma_read(c->server, 0x10000, &v, 4);
}

static void no_message_while_answering(void **state)
{
    struct vc *c = fdless_client(NULL);
    uint32_t v = 1;
    int fd = vc_memfd(PAGE);

    (void)state;
    c->on_write = dma_in_callback;
    assert_int_equal(vc_write(c, 0, 0x80, &v, 4), 0);
    assert_int_equal(c->result, -EBUSY);
    assert_int_equal(vc_stats(c).dma_messages, 0);
    assert_int_equal(vc_unmap(c, 0x10000, 2 * PAGE), 24);
    assert_int_equal(vc_map(c, 0x10000, PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_write(c, 0, 0x80, &v, 4), 0); /* with a descriptor it is allowed */
    assert_int_equal(c->result, 0);
    close(fd);
    vc_free(c);
}

/* ---- a client that never answers, without waiting for real ---- */

static ssize_t silent_recv(void *ctx, void *buf, size_t len, int *fds, unsigned *nfds, bool *lost)
{
    (void)ctx;
    (void)buf;
    (void)len;
    (void)fds;
    *nfds = 0;
    *lost = false;
    return -EAGAIN;
}

static ssize_t silent_send(void *ctx, const void *head, size_t head_len, const void *data,
                           size_t len)
{
    (void)ctx;
    (void)head;
    (void)data;
    return (ssize_t)(head_len + len);
}

static int silent_wait(void *ctx, bool want_send, int timeout_ms)
{
    (void)want_send;
    *(int *)ctx = timeout_ms;
    return -ETIMEDOUT;
}

static void dma_message_times_out(void **state)
{
    struct vc *c = vc_new();
    int waited = 0;
    const struct pc_stream io = {&waited, silent_recv, silent_send, silent_wait, NULL};
    const struct pc_vfu_dma_map map = {32, 3, 0, 0x10000, PAGE};
    const uint8_t on[2] = {BUS_MASTER, 0};
    uint32_t v;

    (void)state;
    pc_vfu_attach(c->server, &io);
    c->server->version.done = true;
    c->server->version.max_data = PAGE;
    pc_config_write(&c->server->config, 4, on, 2);
    assert_int_equal(pc_vfu_maps_add(&c->server->dma, &map, -1), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, &v, 4), -ETIMEDOUT);
    assert_in_range(waited, PC_VFU_DMA_TIMEOUT_MS - 1000, PC_VFU_DMA_TIMEOUT_MS);
    pc_vfu_detach(c->server);
    vc_free(c);
}

/* ---- a client that takes nothing from us before we have read from it ---- */

struct stubborn {
    bool read_from;
    unsigned waits;
    struct pc_vfu_header asked;
    uint8_t reply[16 + 16 + 4];
    size_t at;
};

static ssize_t stubborn_recv(void *ctx, void *buf, size_t len, int *fds, unsigned *nfds, bool *lost)
{
    struct stubborn *b = ctx;
    size_t n = sizeof(b->reply) - b->at;

    (void)fds;
    *nfds = 0;
    *lost = false;
    b->read_from = true;
    if (!b->asked.cmd || !n)
        return -EAGAIN;
    n = n < len ? n : len;
    memcpy(buf, b->reply + b->at, n);
    b->at += n;
    return (ssize_t)n;
}

static ssize_t stubborn_send(void *ctx, const void *head, size_t head_len, const void *data,
                             size_t len)
{
    struct stubborn *b = ctx;
    struct pc_vfu_header h;

    (void)data;
    if (!b->read_from)
        return -EAGAIN;
    memcpy(&b->asked, head, sizeof(b->asked));
    h = (struct pc_vfu_header){b->asked.id, b->asked.cmd, sizeof(b->reply), PC_VFU_F_REPLY, 0};
    memcpy(b->reply, &h, sizeof(h));
    return (ssize_t)(head_len + len);
}

static int stubborn_wait(void *ctx, bool want_send, int timeout_ms)
{
    struct stubborn *b = ctx;

    (void)want_send;
    (void)timeout_ms;
    return ++b->waits < 100 ? 0 : -ETIMEDOUT;
}

static void reads_while_it_cannot_send(void **state)
{
    struct vc *c = vc_new();
    struct stubborn b = {.waits = 0};
    const struct pc_stream io = {&b, stubborn_recv, stubborn_send, stubborn_wait, NULL};
    const struct pc_vfu_dma_map map = {32, 3, 0, 0x10000, PAGE};
    const uint8_t on[2] = {BUS_MASTER, 0};
    uint32_t v;

    (void)state;
    pc_vfu_attach(c->server, &io);
    c->server->version.done = true;
    c->server->version.max_data = PAGE;
    pc_config_write(&c->server->config, 4, on, 2);
    assert_int_equal(pc_vfu_maps_add(&c->server->dma, &map, -1), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, &v, 4), 0);
    pc_vfu_detach(c->server);
    vc_free(c);
}

int main(void)
{
    static int plain = 0, nested = 1, old_layout = 2, small = 4;
    const struct CMUnitTest tests[] = {
        {"DMA that is refused is reported where that is wanted", refused_is_reported, NULL, NULL,
         NULL},
        {"DMA messages", dma_messages, NULL, NULL, &plain},
        {"DMA messages to a client that first asks itself", dma_messages, NULL, NULL, &nested},
        {"DMA messages with QEMU 10's short count", dma_messages, NULL, NULL, &old_layout},
        {"DMA messages no longer than the client accepts", dma_messages, NULL, NULL, &small},
        {"DMA messages: errors, and a client that leaves", dma_message_errors, NULL, NULL, NULL},
        {"no DMA message while a request is unanswered", no_message_while_answering, NULL, NULL,
         NULL},
        {"while a DMA message cannot be sent the client is read", reads_while_it_cannot_send, NULL,
         NULL, NULL},
        {"a DMA message that is never answered times out", dma_message_times_out, NULL, NULL, NULL},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
