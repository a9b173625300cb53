// SPDX-License-Identifier: Apache-2.0
/*
 * A small vfio-user server, see fake_server.h. Runs in its own thread, so it asserts nothing: what
 * goes wrong in it shows as a failure of the client.
 */
#include "fake_server.h"

#include "driver_test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "portcam_defs.h"

enum { MAX = 70000 };

static const char good_json[] = "{\"capabilities\":{\"max_msg_fds\":2,\"max_data_xfer_size\":65536,"
                                "\"pgsizes\":4096,\"max_dma_maps\":6}}";

bool fs_send(struct fs *s, const void *buf, size_t len)
{
    size_t piece = s->split ? 1 : len;

    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;

        if (send(s->conn, (const char *)buf + at, n, MSG_NOSIGNAL) != (ssize_t)n)
            return false;
    }
    return true;
}

void fs_reply(struct fs *s, const struct pc_vfu_header *to, const void *payload, size_t len)
{
    unsigned char msg[MAX + sizeof(*to)];
    struct pc_vfu_header h = *to;

    if (to->flags & PC_VFU_F_NO_REPLY)
        return;
    h.flags = PC_VFU_F_REPLY;
    h.size = (uint32_t)(sizeof(h) + len);
    h.error = 0;
    memcpy(msg, &h, sizeof(h));
    if (len)
        memcpy(msg + sizeof(h), payload, len);
    fs_send(s, msg, sizeof(h) + len);
}

void fs_reply_error(struct fs *s, const struct pc_vfu_header *to, uint32_t error)
{
    struct pc_vfu_header h = *to;

    h.flags = PC_VFU_F_REPLY | PC_VFU_F_ERROR;
    h.size = sizeof(h);
    h.error = error;
    fs_send(s, &h, sizeof(h));
}

/*
 * Reads exactly; false at the end of the connection or of the test. Descriptors go to fds, -1 after
 * the last.
 */
static bool receive(struct fs *s, void *buf, size_t len, int *fds)
{
    if (fds)
        for (unsigned i = 0; i < 16; i++)
            fds[i] = -1;
    while (len > 0) {
        char control[CMSG_SPACE(16 * sizeof(int))];
        struct iovec iov = {buf, len};
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
        struct pollfd p = {.fd = s->conn, .events = POLLIN};
        ssize_t n;

        if (atomic_load(&s->stop))
            return false;
        if (poll(&p, 1, 20) <= 0)
            continue;
        n = recvmsg(s->conn, &msg, MSG_CMSG_CLOEXEC);
        if (n <= 0)
            return false;
        for (struct cmsghdr *cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
            size_t count = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);

            if (fds && count <= 16)
                memcpy(fds, CMSG_DATA(cm), count * sizeof(int));
        }
        buf = (char *)buf + n;
        len -= (size_t)n;
    }
    return true;
}

static void close_all(int *fds)
{
    for (unsigned i = 0; i < 16; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int fs_dma(struct fs *s, bool write, uint64_t iova, void *data, uint64_t count)
{
    unsigned char msg[MAX];
    struct pc_vfu_dma_access a = {.iova = iova, .count = count};
    struct pc_vfu_header h = {
        .id = 0x7777,
        .cmd = write ? PC_VFU_DMA_WRITE : PC_VFU_DMA_READ,
        .size = (uint32_t)(sizeof(h) + sizeof(a) + (write ? count : 0)),
    };
    size_t len = h.size;

    memcpy(msg, &h, sizeof(h));
    memcpy(msg + sizeof(h), &a, sizeof(a));
    if (write && len <= sizeof(msg))
        memcpy(msg + sizeof(h) + sizeof(a), data, (size_t)count);
    fs_send(s, msg, len);
    if (!receive(s, &h, sizeof(h), NULL) || h.id != 0x7777 || h.size < sizeof(h) ||
        h.size > sizeof(msg) || !receive(s, msg, h.size - sizeof(h), NULL))
        return -1;
    if (h.flags & PC_VFU_F_ERROR)
        return (int)h.error;
    memcpy(&a, msg, sizeof(a));
    if (a.iova != iova || a.count != count)
        return -1;
    if (!write && h.size == sizeof(h) + sizeof(a) + count)
        memcpy(data, msg + sizeof(a), (size_t)count);
    return 0;
}

static void answer_version(struct fs *s, const struct pc_vfu_header *h)
{
    char reply[1024];
    struct pc_vfu_version v = {.major = s->major, .minor = s->minor};
    const char *json = s->json ? s->json : good_json;
    size_t len = *json ? strlen(json) + 1 : 0;

    memcpy(reply, &v, sizeof(v));
    memcpy(reply + sizeof(v), json, len);
    fs_reply(s, h, reply, sizeof(v) + len);
}

static void answer_region(struct fs *s, const struct pc_vfu_header *h, const void *payload)
{
    struct pc_vfu_region_info info;
    int fd;

    memcpy(&info, payload, sizeof(info));
    info.argsz = sizeof(info);
    info.flags = PC_VFU_REGION_FLAG_READ | PC_VFU_REGION_FLAG_WRITE;
    info.size = info.index == 0 ? s->bar0_size : info.index == 7 ? sizeof(s->config) : 0;
    if (s->region_fds) {
        struct pc_vfu_header r = {h->id, h->cmd, sizeof(r) + sizeof(info), PC_VFU_F_REPLY, 0};
        char control[CMSG_SPACE(sizeof(int))] = {0};
        struct iovec iov[2] = {{&r, sizeof(r)}, {&info, sizeof(info)}};
        struct msghdr msg = {.msg_iov = iov,
                             .msg_iovlen = 2,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
        struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        cm->cmsg_level = SOL_SOCKET;
        cm->cmsg_type = SCM_RIGHTS;
        cm->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
        if (sendmsg(s->conn, &msg, MSG_NOSIGNAL) < 0)
            atomic_store(&s->stop, true);
        close(fd);
        return;
    }
    fs_reply(s, h, &info, sizeof(info));
}

static void answer_access(struct fs *s, const struct pc_vfu_header *h, unsigned char *payload,
                          size_t len)
{
    struct pc_vfu_region_access a;
    unsigned char reply[sizeof(a) + 4096];
    unsigned char *at = NULL;

    memcpy(&a, payload, sizeof(a));
    if (a.region == 0 && a.offset < sizeof(s->regs) && a.count <= 4)
        at = (unsigned char *)s->regs + a.offset;
    else if (a.region == 7 && a.offset < sizeof(s->config) && a.count <= 4)
        at = s->config + a.offset;
    if (!at || (h->cmd == PC_VFU_REGION_WRITE && len != sizeof(a) + a.count)) {
        fs_reply_error(s, h, EINVAL);
        return;
    }
    memcpy(reply, &a, sizeof(a));
    if (h->cmd == PC_VFU_REGION_WRITE) {
        memcpy(at, payload + sizeof(a), a.count);
        fs_reply(s, h, reply, sizeof(a));
    } else {
        memcpy(reply + sizeof(a), at, a.count);
        fs_reply(s, h, reply, sizeof(a) + a.count);
    }
}

static void answer_map(struct fs *s, const struct pc_vfu_header *h, const void *payload, int *fds)
{
    struct pc_vfu_dma_map map;

    memcpy(&map, payload, sizeof(map));
    for (unsigned i = 0; i < 8; i++) {
        if (s->maps[i].size)
            continue;
        s->maps[i].iova = map.iova;
        s->maps[i].size = map.size;
        s->maps[i].at = NULL;
        if (fds[0] >= 0) {
            void *p =
                mmap(NULL, map.size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], (off_t)map.offset);

            s->maps[i].at = p == MAP_FAILED ? NULL : p;
            s->maps[i].seals = fcntl(fds[0], F_GET_SEALS);
        }
        fs_reply(s, h, NULL, 0);
        return;
    }
    fs_reply_error(s, h, ENOSPC);
}

static void drop_map(struct fs *s, unsigned i)
{
    if (s->maps[i].at)
        munmap(s->maps[i].at, s->maps[i].size);
    s->maps[i].size = 0;
}

static void answer_unmap(struct fs *s, const struct pc_vfu_header *h, const void *payload)
{
    struct pc_vfu_dma_unmap unmap;

    memcpy(&unmap, payload, sizeof(unmap));
    for (unsigned i = 0; i < 8; i++) {
        if (s->maps[i].size != unmap.size || s->maps[i].iova != unmap.iova)
            continue;
        drop_map(s, i);
        fs_reply(s, h, &unmap, sizeof(unmap));
        return;
    }
    fs_reply_error(s, h, ENOENT);
}

static void answer_irqs(struct fs *s, const struct pc_vfu_header *h, const void *payload, int *fds)
{
    struct pc_vfu_set_irqs set;

    memcpy(&set, payload, sizeof(set));
    if (set.index >= PC_VFU_NUM_IRQS || set.start > 8 || set.count > 8 - set.start) {
        fs_reply_error(s, h, EINVAL);
        return;
    }
    for (uint32_t i = 0; i < 8; i++) {
        int *to = &s->irq_fds[set.index][i];

        if (set.count && (i < set.start || i >= set.start + set.count))
            continue;
        if (*to > 0)
            close(*to);
        *to = set.count ? fds[i - set.start] : -1;
        if (set.count)
            fds[i - set.start] = -1;
    }
    fs_reply(s, h, NULL, 0);
}

enum fs_verdict fs_answer(struct fs *s, const struct pc_vfu_header *h, unsigned char *payload,
                          size_t len)
{
    switch (h->cmd) {
    case PC_VFU_VERSION:
        answer_version(s, h);
        break;
    case PC_VFU_DEVICE_GET_INFO: {
        struct pc_vfu_device_info info = {16, PC_VFU_DEVICE_FLAG_PCI | PC_VFU_DEVICE_FLAG_RESET, 9,
                                          5};

        fs_reply(s, h, &info, sizeof(info));
        break;
    }
    case PC_VFU_DEVICE_GET_REGION_INFO:
        answer_region(s, h, payload);
        break;
    case PC_VFU_DEVICE_GET_IRQ_INFO: {
        struct pc_vfu_irq_info info;

        memcpy(&info, payload, sizeof(info));
        info.flags = PC_VFU_IRQ_INFO_EVENTFD;
        info.count = info.index == 2 ? 8 : info.index > 2 && !s->no_err_req ? 1 : 0;
        fs_reply(s, h, &info, sizeof(info));
        break;
    }
    case PC_VFU_REGION_READ:
    case PC_VFU_REGION_WRITE:
        answer_access(s, h, payload, len);
        break;
    case PC_VFU_DMA_UNMAP:
        answer_unmap(s, h, payload);
        break;
    case PC_VFU_DEVICE_RESET:
        s->regs[PORTCAM_REG_SCRATCH / 4] = 0;
        s->config[4] = 0;
        fs_reply(s, h, NULL, 0);
        break;
    default:
        fs_reply_error(s, h, EINVAL);
    }
    return FS_DONE;
}

static bool serve_one(struct fs *s)
{
    unsigned char payload[MAX];
    struct pc_vfu_header h;
    enum fs_verdict verdict = FS_PASS;
    int fds[16];

    if (!receive(s, &h, sizeof(h), fds) || h.size < sizeof(h) ||
        h.size - sizeof(h) > sizeof(payload))
        return false;
    memset(payload, 0, 64);
    if (!receive(s, payload, h.size - sizeof(h), NULL)) {
        close_all(fds);
        return false;
    }
    if ((h.flags & PC_VFU_F_TYPE_MASK) != PC_VFU_F_COMMAND)
        return true; /* an answer that no hook waited for */
    if (h.cmd < 32)
        atomic_fetch_add(&s->commands[h.cmd], 1);
    if (s->hook)
        verdict = s->hook(s, &h, payload, h.size - sizeof(h));
    if (verdict == FS_PASS) {
        if (h.cmd == PC_VFU_DMA_MAP)
            answer_map(s, &h, payload, fds);
        else if (h.cmd == PC_VFU_DEVICE_SET_IRQS)
            answer_irqs(s, &h, payload, fds);
        else
            fs_answer(s, &h, payload, h.size - sizeof(h));
    }
    close_all(fds);
    return verdict != FS_CLOSE;
}

static void *server(void *arg)
{
    struct fs *s = arg;

    while (!atomic_load(&s->stop)) {
        struct pollfd p = {.fd = s->listener, .events = POLLIN};

        if (poll(&p, 1, 20) <= 0)
            continue;
        s->conn = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (s->conn < 0)
            continue;
        atomic_fetch_add(&s->clients, 1);
        while (serve_one(s))
            ;
        close(s->conn);
        for (unsigned i = 0; i < 8; i++)
            drop_map(s, i);
    }
    return NULL;
}

void fs_start(struct fs *s)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    if (s->bar0_size == 0)
        s->bar0_size = 0x10000;
    s->minor = s->minor ? s->minor : PC_VFU_MINOR;
    s->config[0] = 0x34;
    s->config[1] = 0x12;
    s->config[2] = 0xa0;
    s->config[3] = 0x9c;
    s->config[4] = 0x04; /* bus master left on by an earlier client */
    s->regs[PORTCAM_REG_MAGIC / 4] = PORTCAM_MAGIC;
    s->regs[PORTCAM_REG_VERSION / 4] = PORTCAM_INTERFACE_MAJOR << PORTCAM_VERSION_MAJOR_SHIFT;
    memset(s->irq_fds, 0xff, sizeof(s->irq_fds));
    snprintf(s->dir, sizeof(s->dir), "/tmp/portcam-vfu-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->name, sizeof(s->name), "vfio-user:%s/s", s->dir);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", s->dir);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->listener, 4), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, server, s), 0);
}

void fs_stop(struct fs *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    close(s->listener);
    for (unsigned i = 0; i < PC_VFU_NUM_IRQS; i++)
        for (unsigned k = 0; k < 8; k++)
            if (s->irq_fds[i][k] > 0)
                close(s->irq_fds[i][k]);
    unlink(s->name + strlen("vfio-user:"));
    rmdir(s->dir);
}

void fs_fire(struct fs *s, unsigned index, unsigned vector)
{
    const uint64_t one = 1;

    assert_int_equal(write(s->irq_fds[index][vector], &one, sizeof(one)), sizeof(one));
}
