// SPDX-License-Identifier: Apache-2.0
/*
 * The vfio-user server against clients that cut, lie, flood, leave and come twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vfu/internal.h"
#include "vfu_client.h"

#define PAGE ((size_t)4096)

enum { BUS_MASTER = 6 /* MEM and BME */ };

/* ---- framing ---- */

static size_t put_message(uint8_t *at, uint16_t id, uint16_t cmd, const void *payload, size_t len)
{
    struct pc_vfu_header h = {.id = id, .cmd = cmd, .size = (uint32_t)(sizeof(h) + len)};

    memcpy(at, &h, sizeof(h));
    memcpy(at + sizeof(h), payload, len);
    return sizeof(h) + len;
}

static size_t put_conversation(uint8_t *b)
{
    const struct pc_vfu_version v = {0, 0};
    const struct pc_vfu_device_info info = {.argsz = 16};
    const struct pc_vfu_region_access rd = {0, 7, 64};
    size_t n = put_message(b, 1, PC_VFU_VERSION, &v, sizeof(v));

    n += put_message(b + n, 2, PC_VFU_DEVICE_GET_INFO, &info, sizeof(info));
    return n + put_message(b + n, 3, PC_VFU_REGION_READ, &rd, sizeof(rd));
}

static void expect_conversation(struct vc *c)
{
    assert_true(vc_receive(c, 0) > 4);
    assert_int_equal(c->reply.id, 1);
    assert_int_equal(vc_receive(c, 0), 16);
    assert_int_equal(c->reply.id, 2);
    assert_int_equal(vc_receive(c, 0), 16 + 64);
    assert_int_equal(c->reply.id, 3);
    assert_int_equal(vc_receive(c, 0), VC_NOTHING);
}

static void three_in_one(void **state)
{
    struct vc *c = vc_new();
    uint8_t b[256];

    (void)state;
    vc_connect(c);
    vc_raw(c, b, put_conversation(b), NULL, 0);
    vc_pump(c);
    expect_conversation(c);
    vc_free(c);
}

static void split_everywhere(void **state)
{
    struct vc *c = vc_new();
    uint8_t b[256];
    size_t len = put_conversation(b);

    (void)state;
    for (size_t cut = 1; cut < len; cut++) {
        vc_connect(c);
        vc_raw(c, b, cut, NULL, 0);
        vc_pump(c);
        vc_raw(c, b + cut, len - cut, NULL, 0);
        vc_pump(c);
        expect_conversation(c);
        vc_disconnect(c);
    }
    vc_connect(c);
    for (size_t i = 0; i < len; i++) {
        vc_raw(c, b + i, 1, NULL, 0);
        vc_pump(c);
    }
    expect_conversation(c);
    vc_free(c);
}

static void cut_off_everywhere(void **state)
{
    struct vc *c = vc_new();
    uint8_t b[256];
    size_t len = put_conversation(b);

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        vc_connect(c);
        if (cut)
            vc_raw(c, b, cut, NULL, 0);
        vc_pump(c);
        vc_disconnect(c);
        assert_int_equal(pc_vfu_connected(c->server), 0);
    }
    assert_int_equal(vc_stats(c).clients, len);
    vc_free(c);
}

/* A descriptor belongs to the message it was sent with, also behind messages without and when cut. */
static void descriptor_stays(void **state)
{
    struct vc *c = vc_new_ready();
    const struct pc_vfu_device_info info = {.argsz = 16};
    const struct pc_vfu_dma_map map = {32, 3, 0, 0x10000, PAGE};
    uint8_t b[256];
    size_t head = put_message(b, 1, PC_VFU_DEVICE_GET_INFO, &info, sizeof(info));
    size_t len = head + put_message(b + head, 2, PC_VFU_DMA_MAP, &map, sizeof(map));
    int fd = vc_memfd(PAGE);

    (void)state;
    vc_raw(c, b, head, NULL, 0);
    vc_raw(c, b + head, len - head, &fd, 1);
    vc_pump(c);
    assert_int_equal(vc_receive(c, 0), 16);
    assert_int_equal(vc_receive(c, 0), 0);
    assert_int_equal(vc_stats(c).fdless_maps, 0);
    assert_int_equal(vc_unmap(c, 0x10000, PAGE), 24);
    vc_raw(c, b, head, NULL, 0);
    vc_raw(c, b + head, 20, &fd, 1);
    vc_raw(c, b + head + 20, len - head - 20, NULL, 0);
    vc_pump(c);
    assert_int_equal(vc_stats(c).maps, 1);
    assert_int_equal(vc_stats(c).fdless_maps, 0);
    close(fd);
    vc_free(c);
}

static void garbage(void **state)
{
    struct vc *c = vc_new();
    unsigned seed = 20240607;
    uint8_t b[512];

    (void)state;
    print_message("# seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 300; round++) {
        struct pc_vfu_device_info info = {.argsz = 16};

        vc_connect(c);
        if (round & 1)
            assert_true(vc_version(c, 0, 0, NULL) > 0);
        for (size_t i = 0; i < sizeof(b); i++)
            b[i] = (uint8_t)(rand() >> 7);
        vc_raw(c, b, sizeof(b), NULL, 0);
        vc_pump(c);
        vc_disconnect(c);
        vc_connect(c);
        assert_true(vc_version(c, 0, 0, NULL) > 0);
        assert_int_equal(vc_call(c, PC_VFU_DEVICE_GET_INFO, &info, sizeof(info)), 16);
        vc_disconnect(c);
    }
    vc_free(c);
}

static void many_impossible_sizes(void **state)
{
    struct vc *c = vc_new_ready();
    struct pc_vfu_header h = {.cmd = PC_VFU_DEVICE_RESET, .size = 3};

    (void)state;
    for (int i = 0; i < PC_FRAME_MAX_BAD; i++) {
        vc_raw(c, &h, sizeof(h), NULL, 0);
        vc_pump(c);
        assert_int_equal(vc_receive(c, 0), -EINVAL);
    }
    assert_int_equal(vc_stats(c).framing_errors, PC_FRAME_MAX_BAD);
    vc_raw(c, &h, sizeof(h), NULL, 0);
    vc_pump(c);
    assert_int_equal(pc_vfu_connected(c->server), 0);
    assert_string_equal(c->notice, "client gone: its messages have impossible sizes");
    vc_free(c);
}

static void client_that_does_not_read(void **state)
{
    enum { COUNT = 2000 };
    struct vc *c = vc_new_ready();
    const struct pc_vfu_region_access rd = {0, 7, 4096};
    uint8_t b[64];
    size_t len = put_message(b, 9, PC_VFU_REGION_READ, &rd, sizeof(rd));
    int sent = 0, got = 0;

    (void)state;
    while (sent < COUNT && send(c->fd, b, len, MSG_DONTWAIT) == (ssize_t)len) {
        sent++;
        vc_pump(c);
    }
    assert_true(sent > 10);
    while (got < sent) {
        vc_pump(c);
        assert_int_equal(vc_receive(c, 1000), 16 + 4096);
        got++;
    }
    vc_pump(c);
    assert_int_equal(vc_receive(c, 0), VC_NOTHING);
    vc_free(c);
}

/* ---- clients come and go ---- */

static void leaving_drops_maps_not_state(void **state)
{
    struct vc *c = vc_new_ready();
    unsigned before = vc_open_fds();
    int fd = vc_memfd(PAGE), ev = eventfd(0, EFD_NONBLOCK);
    uint32_t value = 0xcafe0001, got = 0;

    (void)state;
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_write(c, 0, 0x40, &value, 4), 0);
    assert_int_equal(vc_map(c, 0x10000, PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_set_irqs(c, 0x24, 2, 0, 1, &ev, 1), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, &value, 4), 0);
    vc_disconnect(c);
    close(fd);
    close(ev);
    assert_int_equal(vc_stats(c).maps, 0);
    assert_int_equal(vc_stats(c).files, 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, &value, 4), -ENODEV);
    pc_vfu_irq(c->server, 0);
    vc_connect(c);
    assert_int_equal(vc_open_fds(), before);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, &value, 4), -ENODEV);
    assert_true(vc_version(c, 0, 0, NULL) > 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, &value, 4), -EFAULT);
    assert_int_equal(vc_read(c, 0, 0x40, &got, 4), 0);
    assert_int_equal(got, value);
    assert_int_equal(c->resets, 0);
    vc_free(c);
}

static void second_client_is_told(void **state)
{
    struct vc *c = vc_new_ready();
    int first = c->fd, more[10];
    struct pc_vfu_device_info info = {.argsz = 16};

    (void)state;
    vc_connect(c); /* the server sees it before it has said anything */
    assert_int_equal(vc_version(c, 0, 0, NULL), -EBUSY);
    assert_int_equal(vc_receive(c, 0), VC_NOTHING);
    close(c->fd);
    vc_connect(c); /* leaves without a word */
    close(c->fd);
    vc_pump(c);
    for (int i = 0; i < 10; i++) { /* more than are kept waiting */
        vc_connect(c);
        more[i] = c->fd;
    }
    c->fd = first;
    assert_int_equal(vc_call(c, PC_VFU_DEVICE_GET_INFO, &info, sizeof(info)), 16);
    assert_int_equal(vc_stats(c).refused_clients, 12);
    for (int i = 0; i < 10; i++)
        close(more[i]);
    vc_free(c);
}

/* A client that comes when the process is out of descriptors waits, and does not keep the server busy. */
static void out_of_descriptors(void **state)
{
    struct vc *c = vc_new();
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct pollfd p = {.fd = pc_vfu_fd(c->server), .events = POLLIN};
    struct rlimit old, low;
    int fd;

    (void)state;
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", c->path);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    fd = dup(c->fd);
    assert_true(fd >= 0);
    low.rlim_cur = (rlim_t)fd; /* the lowest that is free: poll() may still be given those below */
    close(fd);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    setrlimit(RLIMIT_NOFILE, &low);
    for (int i = 0; i < 3; i++) {
        int ready = poll(&p, 1, -1), after;

        pc_vfu_process(c->server);
        after = poll(&p, 1, 0);
        if (ready != 1 || after != 0 || pc_vfu_connected(c->server)) {
            setrlimit(RLIMIT_NOFILE, &old);
            fail_msg("turn %d: %d before, %d after, connected %d", i, ready, after,
                     pc_vfu_connected(c->server));
        }
    }
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(poll(&p, 1, -1), 1);
    pc_vfu_process(c->server);
    assert_int_equal(pc_vfu_connected(c->server), 1);
    assert_true(vc_version(c, 0, 0, NULL) > 0);
    vc_disconnect(c);
    vc_connect(c); /* the socket is watched as before */
    assert_int_equal(vc_stats(c).clients, 2);
    vc_free(c);
}

static void socket_file(void **state)
{
    struct vc *c = vc_new();
    const struct pc_vfu_device dev = {.reg_read = NULL};
    struct pc_vfu_device good = {NULL, NULL, NULL, NULL, NULL, 1, 1, 8, false};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char err[256] = "", file[100];
    struct pc_vfu *s;
    int fd;

    (void)state;
    assert_null(pc_vfu_new(c->path, &dev, err, sizeof(err)));
    assert_non_null(strstr(err, "callbacks"));
    good.reg_read = (uint32_t(*)(void *, uint32_t))(uintptr_t)1;
    good.reg_write = (void (*)(void *, uint32_t, uint32_t))(uintptr_t)1;
    assert_null(pc_vfu_new(c->path, &good, err, sizeof(err)));
    assert_non_null(strstr(err, "in use by another process"));
    snprintf(file, sizeof(file), "%s/stale", c->dir);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", file);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    close(fd);
    s = pc_vfu_new(file, &good, err, sizeof(err));
    assert_non_null(s);
    pc_vfu_free(s);
    assert_int_equal(access(file, F_OK), -1);
    close(open(file, O_CREAT | O_WRONLY, 0600));
    assert_null(pc_vfu_new(file, &good, err, sizeof(err)));
    assert_non_null(strstr(err, "is not a socket"));
    unlink(file);
    good.vectors = 129;
    assert_null(pc_vfu_new(file, &good, err, sizeof(err)));
    assert_non_null(strstr(err, "1 to 128 vectors"));
    vc_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"three messages in one write are served in order", three_in_one, NULL, NULL, NULL},
        {"messages cut at every byte are served", split_everywhere, NULL, NULL, NULL},
        {"a client that leaves at every byte leaves nothing", cut_off_everywhere, NULL, NULL, NULL},
        {"a descriptor stays with its message", descriptor_stays, NULL, NULL, NULL},
        {"garbage never costs the next client", garbage, NULL, NULL, NULL},
        {"seventeen impossible sizes in a row end the connection", many_impossible_sizes, NULL,
         NULL, NULL},
        {"a client that does not read gets every reply later", client_that_does_not_read, NULL,
         NULL, NULL},
        {"leaving drops maps and interrupts and keeps the state", leaving_drops_maps_not_state,
         NULL, NULL, NULL},
        {"a second client is told EBUSY", second_client_is_told, NULL, NULL, NULL},
        {"without descriptors a client waits and costs nothing", out_of_descriptors, NULL, NULL,
         NULL},
        {"stale, live and foreign socket files", socket_file, NULL, NULL, NULL},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
