// SPDX-License-Identifier: Apache-2.0
/*
 * A kernel with one VFIO card, see fake_kernel.h. Its ioctls are in fake_ioctl.c.
 */
#include "fake_kernel_priv.h"

#include <sys/mman.h>

#include "portcam_defs.h"

enum { HUGETLB = 4 };

struct fk fk;

void fk_reset(void)
{
    static const unsigned char header[64] = {
        [0] = 0x34, [1] = 0x12, [2] = 0xa0, [3] = 0x9c,
        [4] = 0x03, [5] = 0x01, [6] = 0x10, [0x34] = 0x40,
    };
    static const unsigned char capabilities[] = {
        0x01, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x40: power management */
        0x11, 0x00, 7, 0, 2, 0, 0, 0, 2, 8, 0, 0,             /* 0x50: MSI-X, 8 vectors, BAR 2 */
    };
    const uint32_t id[2] = {PORTCAM_MAGIC, PORTCAM_INTERFACE_MAJOR << PORTCAM_VERSION_MAJOR_SHIFT};

    fk_free();
    memset(&fk, 0, sizeof(fk));
    memcpy(fk.config, header, sizeof(header));
    memcpy(fk.config + 0x40, capabilities, sizeof(capabilities));
    fk.bar0_size = 0x10000;
    fk.memlock = UINT64_MAX;
    fk.map_limit = FK_MAPS;
    fk.no_hugetlb = true;
    fk.bar0 = mmap(NULL, fk.bar0_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(fk.bar0, MAP_FAILED);
    memcpy(fk.bar0, id, sizeof(id));
}

void fk_free(void)
{
    if (fk.bar0)
        munmap(fk.bar0, 0x10000);
    fk.bar0 = NULL;
}

unsigned fk_leaks(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FK_FDS; i++)
        n += fk.fds[i] != FK_CLOSED;
    for (unsigned i = 0; i < FK_MAPS; i++)
        n += (fk.mmaps[i].at != NULL) + (fk.dma[i].size != 0);
    return n;
}

void fk_fire(unsigned index, unsigned vector)
{
    assert_int_not_equal(fk.irq_fds[index][vector], 0);
    fk.fired[fk.irq_fds[index][vector] - FIRST_FD] = true;
}

void fk_expect(const char *const *calls)
{
    unsigned i;

    for (i = 0; calls[i]; i++) {
        if (i >= fk.n_calls)
            fail_msg("call %u is missing: %s", i + 1, calls[i]);
        if (strcmp(fk.calls[i], calls[i]) != 0)
            fail_msg("call %u is \"%s\", expected \"%s\"", i + 1, fk.calls[i], calls[i]);
    }
    if (i < fk.n_calls)
        fail_msg("call %u is not expected: %s", i + 1, fk.calls[i]);
}

bool fk_step(bool may_fail, const char *fmt, ...)
{
    char *line = fk.calls[fk.n_calls];
    va_list ap;

    assert_in_range(fk.n_calls, 0, FK_CALLS - 1);
    va_start(ap, fmt);
    vsnprintf(line, sizeof(fk.calls[0]), fmt, ap);
    va_end(ap);
    fk.n_calls++;
    if (may_fail && ++fk.steps == fk.fail_at) {
        fk.failed = true;
        errno = fk.fail_errno;
        return false;
    }
    if (fk.fail_call && strncmp(line, fk.fail_call, strlen(fk.fail_call)) == 0) {
        fk.failed = true;
        errno = fk.fail_errno;
        return false;
    }
    return true;
}

int fk_fails(int err)
{
    errno = err;
    return -1;
}

int fk_new_fd(enum fk_kind kind)
{
    for (int i = 0; i < FK_FDS; i++) {
        if (fk.fds[i] == FK_CLOSED) {
            fk.fds[i] = kind;
            fk.fired[i] = false;
            return FIRST_FD + i;
        }
    }
    return fk_fails(EMFILE);
}

enum fk_kind fk_kind_of(int fd)
{
    assert_in_range(fd, FIRST_FD, FIRST_FD + FK_FDS - 1);
    assert_int_not_equal(fk.fds[fd - FIRST_FD], FK_CLOSED);
    return fk.fds[fd - FIRST_FD];
}

static const char *name_of(enum fk_kind kind)
{
    static const char *const names[] = {"closed",  "container", "group", "device",
                                        "iommufd", "eventfd",   "memfd"};

    return names[kind];
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);

    return n >= strlen(end) && strcmp(text + n - strlen(end), end) == 0;
}

static int fk_open(const char *path, int flags)
{
    const char *node = strstr(path, "/dev/");
    enum fk_kind kind = FK_CLOSED;

    (void)flags;
    if (!fk_step(true, "open %s", node ? node + 5 : path))
        return -1;
    if (ends_with(path, "/vfio/vfio"))
        kind = FK_CONTAINER;
    else if (ends_with(path, "/vfio/7"))
        kind = FK_GROUP;
    else if (ends_with(path, "/iommu"))
        kind = FK_IOMMUFD;
    else if (ends_with(path, "/vfio/devices/vfio3"))
        kind = FK_DEVICE;
    else
        return fk_fails(ENOENT);
    return fk_new_fd(kind);
}

static int fk_close(int fd)
{
    enum fk_kind kind = fk_kind_of(fd);

    fk_step(false, "close %s", name_of(kind));
    if (kind == FK_GROUP)
        assert_false(fk.in_container); /* leave the container first */
    if (kind == FK_DEVICE) {
        fk.bound = fk.attached = false;
        memset(fk.irq_fds, 0, sizeof(fk.irq_fds)); /* the kernel disables interrupts */
    }
    if (kind == FK_CONTAINER || kind == FK_IOMMUFD)
        memset(fk.dma, 0, sizeof(fk.dma)); /* and drops mappings */
    fk.fds[fd - FIRST_FD] = FK_CLOSED;
    return 0;
}

static void *remember(void *at, size_t len)
{
    for (int i = 0; i < FK_MAPS; i++) {
        if (!fk.mmaps[i].at) {
            fk.mmaps[i].at = at;
            fk.mmaps[i].len = len;
            return at;
        }
    }
    fail_msg("too many mappings");
    return NULL;
}

static void *fk_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    enum fk_kind kind = fk_kind_of(fd);
    void *at;

    (void)addr, (void)prot;
    if (!fk_step(true, "mmap %s %llx+%zx", name_of(kind), (unsigned long long)offset, len))
        return MAP_FAILED;
    assert_true(flags & MAP_SHARED); /* a private mapping of a BAR is refused */
    if (kind == FK_DEVICE) {
        assert_false(fk.no_mmap);
        assert_true(offset + len <= fk.bar0_size);
        return remember(fk.bar0 + offset, len);
    }
    assert_int_equal(kind, FK_MEMFD);
    at =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    return remember(at, len);
}

static int fk_munmap(void *addr, size_t len)
{
    bool bar = (unsigned char *)addr >= fk.bar0 && (unsigned char *)addr < fk.bar0 + 0x10000;

    fk_step(false, "munmap %s %zx", bar ? "device" : "memfd", len);
    for (int i = 0; i < FK_MAPS; i++) {
        if (fk.mmaps[i].at != addr)
            continue;
        assert_int_equal(fk.mmaps[i].len, len);
        fk.mmaps[i].at = NULL;
        if (!bar)
            munmap(addr, len);
        return 0;
    }
    fail_msg("munmap of what is not mapped");
    return -1;
}

static int fk_madvise(void *addr, size_t len, int advice)
{
    (void)addr, (void)len;
    return fk_step(true, "madvise %s", advice == MADV_DONTFORK ? "DONTFORK" : "HUGEPAGE") ? 0 : -1;
}

static unsigned char *config_at(off_t offset, size_t len)
{
    uint64_t at = (uint64_t)offset - REGION(7);

    assert_true(at <= sizeof(fk.config) && len <= sizeof(fk.config) - at);
    return fk.config + at;
}

static ssize_t fk_pread(int fd, void *buf, size_t len, off_t offset)
{
    assert_int_equal(fk_kind_of(fd), FK_DEVICE);
    if ((uint64_t)offset < REGION(1)) {
        if (!fk_step(true, "pread bar0 %llx+%zx", (unsigned long long)offset, len))
            return -1;
        memcpy(buf, fk.bar0 + offset, len);
        return (ssize_t)len;
    }
    if (!fk_step(true, "pread config %llx+%zx", (unsigned long long)offset - REGION(7), len))
        return -1;
    memcpy(buf, config_at(offset, len), len);
    return (ssize_t)len;
}

static ssize_t fk_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
    uint16_t value = 0;

    assert_int_equal(fk_kind_of(fd), FK_DEVICE);
    if ((uint64_t)offset < REGION(1)) {
        if (!fk_step(true, "pwrite bar0 %llx+%zx", (unsigned long long)offset, len))
            return -1;
        memcpy(fk.bar0 + offset, buf, len);
        return (ssize_t)len;
    }
    memcpy(&value, buf, sizeof(value));
    if (!fk_step(true, "pwrite config %llx+%zx = %x", (unsigned long long)offset - REGION(7), len,
                 value))
        return -1;
    memcpy(config_at(offset, len), buf, len);
    return (ssize_t)len;
}

static ssize_t fk_read(int fd, void *buf, size_t len)
{
    const uint64_t one = 1;

    assert_int_equal(fk_kind_of(fd), FK_EVENTFD);
    assert_int_equal(len, sizeof(one));
    if (!fk.fired[fd - FIRST_FD])
        return fk_fails(EAGAIN);
    fk.fired[fd - FIRST_FD] = false;
    memcpy(buf, &one, sizeof(one));
    return sizeof(one);
}

static int fk_eventfd(unsigned initial, int flags)
{
    (void)initial, (void)flags;
    return fk_step(true, "eventfd") ? fk_new_fd(FK_EVENTFD) : -1;
}

static int fk_memfd_create(const char *name, unsigned flags)
{
    (void)name;
    if (!fk_step(true, "memfd%s", flags & HUGETLB ? " hugetlb" : ""))
        return -1;
    if (flags & HUGETLB && fk.no_hugetlb)
        return fk_fails(EINVAL);
    return fk_new_fd(FK_MEMFD);
}

static int fk_ftruncate(int fd, off_t len)
{
    assert_int_equal(fk_kind_of(fd), FK_MEMFD);
    return fk_step(true, "ftruncate %llx", (unsigned long long)len) ? 0 : -1;
}

static int fk_add_seals(int fd, int seals)
{
    assert_int_equal(fk_kind_of(fd), FK_MEMFD);
    return fk_step(true, "seal %x", (unsigned)seals) ? 0 : -1;
}

static int fk_access(const char *path, int mode)
{
    return pc_sys_libc.access(path, mode);
}

static int fk_getrlimit(int resource, struct rlimit *limit)
{
    (void)resource;
    limit->rlim_cur = limit->rlim_max = RLIM_INFINITY;
    return 0;
}

static int fk_has_ipc_lock(void)
{
    return 0;
}

const struct pc_sys fk_sys = {
    .open = fk_open,
    .close = fk_close,
    .ioctl = fk_ioctl,
    .mmap = fk_mmap,
    .munmap = fk_munmap,
    .madvise = fk_madvise,
    .pread = fk_pread,
    .pwrite = fk_pwrite,
    .read = fk_read,
    .eventfd = fk_eventfd,
    .memfd_create = fk_memfd_create,
    .ftruncate = fk_ftruncate,
    .add_seals = fk_add_seals,
    .access = fk_access,
    .getrlimit = fk_getrlimit,
    .has_ipc_lock = fk_has_ipc_lock,
};
