// SPDX-License-Identifier: Apache-2.0
/*
 * The vfio-user server against clients that cut, lie, flood and leave, and its DMA: the map table, shared
 * memory and DMA messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
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

static void socket_file(void **state)
{
    struct vc *c = vc_new();
    const struct pc_vfu_device dev = {.reg_read = NULL};
    struct pc_vfu_device good = {NULL, NULL, NULL, NULL, NULL, 1, 1, 8};
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

/* ---- the map table ---- */

static void twenty_thousand_maps(void **state)
{
    enum { MAPS = 20000 };
    struct vc *c = vc_new_ready();
    unsigned before = vc_open_fds();
    int fd = vc_memfd((size_t)MAPS * PAGE);
    struct timespec t0, t1;
    uint64_t probe;

    (void)state;
    vc_command(c, BUS_MASTER);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (uint64_t i = 0; i < MAPS; i++) {
        uint64_t page = (i * 7919) % MAPS; /* not in order */
        int copy = dup(fd);

        assert_int_equal(vc_map(c, 0x100000000 + page * 2 * PAGE, PAGE, page * PAGE, 3, copy), 0);
        close(copy);
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    print_message("# %d maps: %.1f us each\n", MAPS,
                  ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) /
                      1e3 / MAPS);
    assert_int_equal(vc_stats(c).maps, MAPS);
    assert_int_equal(vc_stats(c).fdless_maps, 0);
    assert_int_equal(vc_stats(c).files, 1);
    assert_true(vc_open_fds() <= before + 2); /* ours and the server's one */
    for (uint64_t page = 0; page < MAPS; page += 999) {
        uint64_t value = page * 0x10001 + 1;

        assert_int_equal(pc_vfu_dma_write(c->server, 0x100000000 + page * 2 * PAGE + 8, &value, 8),
                         0);
        assert_int_equal(pread(fd, &probe, 8, (off_t)(page * PAGE + 8)), 8);
        assert_int_equal(probe, value);
        assert_int_equal(pc_vfu_dma_read(c->server, 0x100000000 + (page * 2 + 1) * PAGE, &probe, 8),
                         -EFAULT);
    }
    assert_int_equal(vc_unmap(c, 0, 1ull << 40), 24); /* one range for all, as QEMU sends */
    assert_int_equal(vc_stats(c).maps, 0);
    assert_int_equal(vc_stats(c).files, 0);
    close(fd);
    vc_free(c);
}

static void overlaps(void **state)
{
    struct vc *c = vc_new_ready();
    int fd = vc_memfd(16 * PAGE);

    (void)state;
    assert_int_equal(vc_map(c, 0x10000, 4 * PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_map(c, 0x10000, 4 * PAGE, 0, 3, fd), -EEXIST);
    assert_int_equal(vc_map(c, 0x10000 - PAGE, 2 * PAGE, 0, 3, -1), -EEXIST);
    assert_int_equal(vc_map(c, 0x10000 + 3 * PAGE, 2 * PAGE, 0, 3, fd), -EEXIST);
    assert_int_equal(vc_map(c, 0, ~0ull, 0, 3, -1), -EEXIST);
    assert_int_equal(vc_map(c, 0x10000 + 4 * PAGE, PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_map(c, 0x10000 - PAGE, PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_stats(c).maps, 3);
    /* a range that would cut a map changes nothing */
    assert_int_equal(vc_unmap(c, 0x10000 - PAGE, 3 * PAGE), -EINVAL);
    assert_int_equal(vc_unmap(c, 0x10000 + PAGE, 64 * PAGE), -EINVAL);
    assert_int_equal(vc_unmap(c, 0x10000 + PAGE, PAGE), -EINVAL);
    assert_int_equal(vc_stats(c).maps, 3);
    assert_int_equal(vc_unmap(c, 0x10000, 4 * PAGE), 24);
    assert_int_equal(vc_unmap(c, 0x10000, 4 * PAGE), 24);
    assert_int_equal(vc_stats(c).maps, 2);
    assert_int_equal(vc_unmap(c, 0, 0x80000000), 24);
    assert_int_equal(vc_stats(c).maps, 0);
    close(fd);
    vc_free(c);
}

static void lying_descriptors(void **state)
{
    struct vc *c = vc_new_ready();
    unsigned before = vc_open_fds();
    int fd = vc_memfd(PAGE), two[2] = {fd, fd}, pipes[2], ro;
    char name[64];
    uint32_t v = 1;
    const struct pc_vfu_dma_map r = {32, 3, 0, 0x90000, PAGE};

    (void)state;
    vc_command(c, BUS_MASTER);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ro = open(name, O_RDONLY);
    assert_true(ro >= 0);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(vc_map(c, 0x10000, 2 * PAGE, 0, 3, fd), -EINVAL);
    assert_int_equal(vc_map(c, 0x10000, PAGE, PAGE, 3, fd), -EINVAL);
    assert_int_equal(vc_map(c, 0x10000, PAGE, ~0ull - 100, 3, fd), -EINVAL);
    assert_int_equal(vc_map(c, 0x10000, PAGE, 0, 3, ro), -EACCES);
    assert_int_equal(vc_call_fds(c, PC_VFU_DMA_MAP, &r, sizeof(r), two, 2), -EINVAL);
    assert_int_equal(vc_stats(c).maps, 0);
    assert_int_equal(vc_stats(c).files, 0);
    /* read-only first, then a descriptor that can write */
    assert_int_equal(vc_map(c, 0x10000, PAGE, 0, 1, ro), 0);
    assert_int_equal(vc_map(c, 0x20000, PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_stats(c).files, 1);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x20000, &v, 4), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, &v, 4), 0);
    /* a file that is cut short under us */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x20000, &v, 4), -EFAULT);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x10000, &v, 4), -EFAULT);
    /* what cannot be mapped from its beginning is reached by messages */
    assert_int_equal(vc_map(c, 0x30000, PAGE, 0, 3, pipes[0]), 0);
    assert_int_equal(vc_stats(c).fdless_maps, 1);
    /* stray descriptors go nowhere */
    assert_int_equal(vc_call_fds(c, PC_VFU_DEVICE_RESET, NULL, 0, two, 2), 0);
    assert_int_equal(vc_unmap(c, 0, 1ull << 32), 24);
    close(ro);
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(vc_open_fds(), before);
    vc_free(c);
}

static void file_that_grows(void **state)
{
    struct vc *c = vc_new_ready();
    int fd = vc_memfd(PAGE);
    uint32_t v = 0x55aa, got = 0;

    (void)state;
    vc_command(c, BUS_MASTER);
    assert_int_equal(vc_map(c, 0x10000, PAGE, 0, 3, fd), 0);
    assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
    assert_int_equal(vc_map(c, 0x20000, PAGE, 3 * PAGE, 3, fd), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x20010, &v, 4), 0);
    assert_int_equal(pread(fd, &got, 4, 3 * PAGE + 0x10), 4);
    assert_int_equal(got, v);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10010, &v, 4), 0);
    assert_int_equal(vc_stats(c).files, 1);
    close(fd);
    vc_free(c);
}

/* Does the kernel know the limit of open files? (valgrind keeps it to itself.) */
static bool limit_is_real(int proc_limits)
{
    char text[4096] = "";
    const char *line;

    assert_true(pread(proc_limits, text, sizeof(text) - 1, 0) > 0);
    line = strstr(text, "Max open files");
    return line && strtoul(line + strlen("Max open files"), NULL, 10) == 0;
}

static void kernel_drops_the_descriptor(void **state)
{
    struct vc *c = vc_new_ready();
    struct pc_vfu_dma_map r = {32, 3, 0, 0x10000, PAGE};
    struct pc_vfu_set_irqs irqs = {20, 0x24, 2, 0, 1};
    int fd = vc_memfd(PAGE), ev = eventfd(0, EFD_NONBLOCK),
        limits = open("/proc/self/limits", O_RDONLY);
    struct rlimit old, low;
    bool real;

    (void)state;
    assert_true(limits >= 0);
    vc_send(c, PC_VFU_DMA_MAP, 0, &r, sizeof(r), &fd, 1);
    vc_send(c, PC_VFU_DEVICE_SET_IRQS, 0, &irqs, sizeof(irqs), &ev, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &low);
    real = limit_is_real(limits);
    for (int i = 0; i < 4; i++)
        pc_vfu_process(c->server); /* not vc_pump(): poll() fails beyond the limit */
    setrlimit(RLIMIT_NOFILE, &old);
    assert_int_equal(vc_receive(c, 0), 0);
    assert_int_equal(vc_receive(c, 0), real ? -EMFILE : 0);
    assert_int_equal(vc_stats(c).lost_fds, real ? 2 : 0);
    assert_int_equal(vc_stats(c).fdless_maps, real ? 1 : 0);
    if (real)
        assert_non_null(strstr(c->notice, "ulimit -n"));
    close(limits);
    close(fd);
    close(ev);
    vc_free(c);
}

/* ---- DMA in shared memory ---- */

static void dma_rules(void **state)
{
    struct vc *c = vc_new_ready();
    int fd = vc_memfd(8 * PAGE);
    uint8_t out[3 * PAGE], in[3 * PAGE], *mem = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, fd, 0);

    (void)state;
    assert_ptr_not_equal(mem, MAP_FAILED);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 31 + 7);
    /* two maps side by side, one elsewhere in the file; one for each permission */
    assert_int_equal(vc_map(c, 0x10000, PAGE, 4 * PAGE, 3, fd), 0);
    assert_int_equal(vc_map(c, 0x11000, 2 * PAGE, 0, 3, fd), 0);
    assert_int_equal(vc_map(c, 0x20000, PAGE, 6 * PAGE, 1, fd), 0);
    assert_int_equal(vc_map(c, 0x30000, PAGE, 7 * PAGE, 2, fd), 0);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, out, 8), -ENODEV);
    vc_command(c, 2); /* memory space alone */
    assert_int_equal(pc_vfu_dma_write(c->server, 0x10000, out, 8), -ENODEV);
    vc_command(c, BUS_MASTER);
    for (size_t shift = 0; shift < 17; shift++) {
        size_t len = sizeof(out) - 40 - shift;

        assert_int_equal(pc_vfu_dma_write(c->server, 0x10000 + shift, out, len), 0);
        assert_memory_equal(mem + 4 * PAGE + shift, out, PAGE - shift);
        assert_memory_equal(mem, out + PAGE - shift, len - (PAGE - shift));
        memset(in, 0, sizeof(in));
        assert_int_equal(pc_vfu_dma_read(c->server, 0x10000 + shift, in, len), 0);
        assert_memory_equal(in, out, len);
    }
    assert_int_equal(pc_vfu_dma_write(c->server, 0x20000, out, 8), -EACCES);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x20000, in, 8), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x30000, in, 8), -EACCES);
    assert_int_equal(pc_vfu_dma_write(c->server, 0x30000, out, 8), 0);
    assert_int_equal(pc_vfu_dma_read(c->server, 0xf000, in, 8), -EFAULT);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x13000 - 4, in, 8), -EFAULT);
    assert_int_equal(pc_vfu_dma_read(c->server, ~0ull - 3, in, 8), -EINVAL);
    assert_int_equal(pc_vfu_dma_read(c->server, 0, in, 0), 0);
    assert_int_equal(vc_unmap(c, 0x20000, PAGE), 24);
    assert_int_equal(pc_vfu_dma_read(c->server, 0x20000, in, 8), -EFAULT);
    assert_int_equal(vc_stats(c).dma_messages, 0);
    munmap(mem, 8 * PAGE);
    close(fd);
    vc_free(c);
}

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
        {"stale, live and foreign socket files", socket_file, NULL, NULL, NULL},
        {"20,000 maps with a descriptor each need one", twenty_thousand_maps, NULL, NULL, NULL},
        {"overlapping maps are EEXIST, cutting unmaps EINVAL", overlaps, NULL, NULL, NULL},
        {"lying descriptors cost an error and not the card", lying_descriptors, NULL, NULL, NULL},
        {"a file that grows is mapped again", file_that_grows, NULL, NULL, NULL},
        {"MSG_CTRUNC: the map falls back to messages", kernel_drops_the_descriptor, NULL, NULL,
         NULL},
        {"DMA honours maps, permissions and bus master", dma_rules, NULL, NULL, NULL},
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
