// SPDX-License-Identifier: Apache-2.0
/*
 * The client of vfu_client.h. It checks what every reply has to be (type, id, command, error replies are a
 * header alone); what is in it is for the tests.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vfu_client.h"

static uint32_t card_read(void *ctx, uint32_t offset)
{
    struct vc *c = ctx;

    c->reads++;
    c->last_offset = offset;
    assert_true(offset < PC_VFU_BAR0_BYTES && !(offset & 3));
    return c->regs[offset / 4];
}

static void card_write(void *ctx, uint32_t offset, uint32_t value)
{
    struct vc *c = ctx;

    c->writes++;
    c->last_offset = offset;
    assert_true(offset < PC_VFU_BAR0_BYTES && !(offset & 3));
    c->regs[offset / 4] = value;
    if (c->on_write)
        c->on_write(c, offset, value);
}

static void card_reset(void *ctx)
{
    ((struct vc *)ctx)->resets++;
}

static void card_notice(void *ctx, const char *text)
{
    struct vc *c = ctx;

    snprintf(c->notice, sizeof(c->notice), "%s", text);
}

struct vc *vc_new(void)
{
    struct vc *c = calloc(1, sizeof(*c));
    const struct pc_vfu_device dev = {.ctx = c,
                                      .reg_read = card_read,
                                      .reg_write = card_write,
                                      .reset = card_reset,
                                      .notice = card_notice,
                                      .vendor = VC_VENDOR,
                                      .device = VC_DEVICE,
                                      .vectors = VC_VECTORS};
    char err[256] = "";

    assert_non_null(c);
    snprintf(c->dir, sizeof(c->dir), "/tmp/pc-vfu-XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    snprintf(c->path, sizeof(c->path), "%s/sock", c->dir);
    c->fd = -1;
    c->server = pc_vfu_new(c->path, &dev, err, sizeof(err));
    if (!c->server)
        fail_msg("%s", err);
    return c;
}

struct vc *vc_new_ready(void)
{
    struct vc *c = vc_new();

    vc_connect(c);
    assert_true(vc_version(c, 0, 0, "{\"capabilities\":{\"max_msg_fds\":16}}") > 0);
    return c;
}

void vc_free(struct vc *c)
{
    vc_disconnect(c);
    pc_vfu_free(c->server);
    assert_int_equal(rmdir(c->dir), 0);
    free(c);
}

void vc_connect(struct vc *c)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", c->path);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    vc_pump(c);
}

void vc_disconnect(struct vc *c)
{
    if (c->fd < 0)
        return;
    close(c->fd);
    c->fd = -1;
    vc_pump(c);
}

void vc_pump(struct vc *c)
{
    struct pollfd p = {.fd = pc_vfu_fd(c->server), .events = POLLIN};

    for (int i = 0; poll(&p, 1, 0) > 0; i++) {
        assert_true(i < 100000); /* a descriptor that stays readable without work would spin */
        pc_vfu_process(c->server);
    }
}

void vc_raw(struct vc *c, const void *bytes, size_t len, const int *fds, unsigned nfds)
{
    union {
        char space[CMSG_SPACE(64 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec v = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

    if (nfds) {
        struct cmsghdr *h;

        memset(&control, 0, sizeof(control));
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(h), fds, nfds * sizeof(int));
    }
    assert_int_equal(sendmsg(c->fd, &m, MSG_NOSIGNAL), (ssize_t)len);
}

uint16_t vc_send(struct vc *c, uint16_t cmd, uint32_t flags, const void *payload, size_t len,
                 const int *fds, unsigned nfds)
{
    struct pc_vfu_header h = {.id = ++c->next_id, .cmd = cmd, .flags = flags};
    uint8_t *b = malloc(sizeof(h) + len);

    assert_non_null(b);
    h.size = (uint32_t)(sizeof(h) + len);
    memcpy(b, &h, sizeof(h));
    if (len)
        memcpy(b + sizeof(h), payload, len);
    vc_raw(c, b, sizeof(h) + len, fds, nfds);
    free(b);
    return h.id;
}

static bool receive_bytes(struct vc *c, void *dst, size_t len, int timeout_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    while (len) {
        ssize_t n;

        if (poll(&p, 1, timeout_ms) <= 0)
            return false;
        n = recv(c->fd, dst, len, 0);
        if (n <= 0)
            return false;
        dst = (uint8_t *)dst + n;
        len -= (size_t)n;
    }
    return true;
}

int vc_receive(struct vc *c, int timeout_ms)
{
    if (!receive_bytes(c, &c->reply, sizeof(c->reply), timeout_ms))
        return VC_NOTHING;
    assert_true(c->reply.size >= sizeof(c->reply) && c->reply.size <= PC_VFU_MAX_MSG);
    if (c->reply.size > sizeof(c->reply))
        assert_true(receive_bytes(c, c->data, c->reply.size - sizeof(c->reply), timeout_ms));
    if (c->reply.flags & PC_VFU_F_ERROR) {
        assert_int_equal(c->reply.size, sizeof(c->reply));
        assert_int_not_equal(c->reply.error, 0);
        return -(int)c->reply.error;
    }
    return (int)(c->reply.size - sizeof(c->reply));
}

int vc_call_fds(struct vc *c, uint16_t cmd, const void *payload, size_t len, const int *fds,
                unsigned nfds)
{
    uint16_t id = vc_send(c, cmd, PC_VFU_F_COMMAND, payload, len, fds, nfds);
    int rc;

    vc_pump(c);
    rc = vc_receive(c, 0);
    if (rc != VC_NOTHING) {
        assert_int_equal(c->reply.id, id);
        assert_int_equal(c->reply.cmd, cmd);
        assert_int_equal(c->reply.flags & PC_VFU_F_TYPE_MASK, PC_VFU_F_REPLY);
    }
    return rc;
}

int vc_call(struct vc *c, uint16_t cmd, const void *payload, size_t len)
{
    return vc_call_fds(c, cmd, payload, len, NULL, 0);
}

int vc_version(struct vc *c, uint16_t major, uint16_t minor, const char *json)
{
    uint8_t b[1024];
    struct pc_vfu_version v = {major, minor};
    size_t len = json ? strlen(json) + 1 : 0;

    assert_true(sizeof(v) + len <= sizeof(b));
    memcpy(b, &v, sizeof(v));
    if (json)
        memcpy(b + sizeof(v), json, len);
    return vc_call(c, PC_VFU_VERSION, b, sizeof(v) + len);
}

int vc_read(struct vc *c, uint32_t region, uint64_t offset, void *dst, uint32_t count)
{
    struct pc_vfu_region_access r = {offset, region, count};
    int rc = vc_call(c, PC_VFU_REGION_READ, &r, sizeof(r));

    if (rc < 0)
        return rc;
    assert_int_equal(rc, sizeof(r) + count);
    assert_memory_equal(c->data, &r, sizeof(r));
    memcpy(dst, c->data + sizeof(r), count);
    return 0;
}

int vc_write(struct vc *c, uint32_t region, uint64_t offset, const void *src, uint32_t count)
{
    uint8_t b[8192];
    struct pc_vfu_region_access r = {offset, region, count};
    int rc;

    memcpy(b, &r, sizeof(r));
    memcpy(b + sizeof(r), src, count);
    rc = vc_call(c, PC_VFU_REGION_WRITE, b, sizeof(r) + count);
    if (rc < 0)
        return rc;
    assert_int_equal(rc, sizeof(r));
    assert_memory_equal(c->data, &r, sizeof(r));
    return 0;
}

int vc_map(struct vc *c, uint64_t iova, uint64_t size, uint64_t offset, uint32_t flags, int fd)
{
    struct pc_vfu_dma_map r = {sizeof(r), flags, offset, iova, size};

    return vc_call_fds(c, PC_VFU_DMA_MAP, &r, sizeof(r), &fd, fd >= 0);
}

int vc_unmap(struct vc *c, uint64_t iova, uint64_t size)
{
    struct pc_vfu_dma_unmap r = {sizeof(r), 0, iova, size};

    return vc_call(c, PC_VFU_DMA_UNMAP, &r, sizeof(r));
}

int vc_set_irqs(struct vc *c, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
                const int *fds, unsigned nfds)
{
    struct pc_vfu_set_irqs r = {sizeof(r), flags, index, start, count};

    return vc_call_fds(c, PC_VFU_DEVICE_SET_IRQS, &r, sizeof(r), fds, nfds);
}

void vc_command(struct vc *c, uint16_t value)
{
    assert_int_equal(vc_write(c, PC_VFU_REGION_CONFIG, 4, &value, 2), 0);
}

int vc_memfd(size_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return fd;
}

unsigned vc_open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

struct pc_vfu_stats vc_stats(struct vc *c)
{
    struct pc_vfu_stats st;

    pc_vfu_get_stats(c->server, &st);
    return st;
}
