// SPDX-License-Identifier: Apache-2.0
/*
 * A kernel with one VFIO card, see fake_kernel.h.
 */
#include "fake_kernel.h"

#include "driver_test.h"

#include <linux/vfio.h>
#include <sys/mman.h>

#include "iommufd_uapi.h"
#include "portcam_defs.h"

enum { FIRST_FD = 1000, IOAS = 5, HUGETLB = 4 };
#define REGION(index) ((uint64_t)(index) << 40)

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

/* Writes the call down. Return: false when it is to fail. */
static bool step(bool may_fail, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool step(bool may_fail, const char *fmt, ...)
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

static int fails(int err)
{
    errno = err;
    return -1;
}

static int new_fd(enum fk_kind kind)
{
    for (int i = 0; i < FK_FDS; i++) {
        if (fk.fds[i] == FK_CLOSED) {
            fk.fds[i] = kind;
            fk.fired[i] = false;
            return FIRST_FD + i;
        }
    }
    return fails(EMFILE);
}

static enum fk_kind kind_of(int fd)
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
    if (!step(true, "open %s", node ? node + 5 : path))
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
        return fails(ENOENT);
    return new_fd(kind);
}

static int fk_close(int fd)
{
    enum fk_kind kind = kind_of(fd);

    step(false, "close %s", name_of(kind));
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

static int add_dma(uint64_t iova, uint64_t size, uint64_t vaddr)
{
    uint64_t total = size;
    unsigned count = 0;
    int at = -1;

    if ((iova | size | vaddr) & 4095 || size == 0)
        return fails(EINVAL);
    if (iova < 0xfef00000 && iova + size > 0xfee00000)
        return fails(EINVAL); /* the window of interrupt messages */
    for (int i = 0; i < FK_MAPS; i++) {
        if (!fk.dma[i].size) {
            at = i;
            continue;
        }
        if (iova < fk.dma[i].iova + fk.dma[i].size && fk.dma[i].iova < iova + size)
            return fails(EEXIST);
        total += fk.dma[i].size;
        count++;
    }
    if (count >= fk.map_limit || at < 0)
        return fails(ENOSPC);
    if (total > fk.memlock)
        return fails(ENOMEM);
    fk.dma[at].iova = iova;
    fk.dma[at].size = size;
    return 0;
}

/* Bytes unmapped, or -1 when a mapping would be cut. */
static int64_t remove_dma(uint64_t iova, uint64_t size)
{
    int64_t bytes = 0;

    for (int i = 0; i < FK_MAPS; i++) {
        uint64_t last = fk.dma[i].iova + fk.dma[i].size - 1;

        if (!fk.dma[i].size || fk.dma[i].iova > iova + (size - 1) || last < iova)
            continue;
        if (fk.dma[i].iova < iova || last > iova + (size - 1))
            return -1;
        bytes += (int64_t)fk.dma[i].size;
        fk.dma[i].size = 0;
    }
    return bytes;
}

static int iommu_info(struct vfio_iommu_type1_info *info)
{
    struct {
        struct vfio_iommu_type1_info info;
        struct vfio_iommu_type1_info_cap_iova_range ranges;
        struct vfio_iova_range range[2];
        struct vfio_iommu_type1_info_dma_avail avail;
    } full = {0};

    full.ranges.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
    full.ranges.header.next = offsetof(typeof(full), avail);
    full.ranges.nr_iovas = fk.garbage_caps ? UINT32_MAX : 2;
    full.range[0] = (struct vfio_iova_range){0, 0xfedfffff};
    full.range[1] = (struct vfio_iova_range){0xfef00000, 0xffffffffffff};
    full.avail.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
    full.avail.header.next = fk.garbage_caps ? 4 : 0;
    full.avail.avail = 65535;
    info->flags = VFIO_IOMMU_INFO_PGSIZES;
    info->iova_pgsizes = 0x40201000;
    if (fk.no_ranges) {
        info->argsz = sizeof(*info);
        return 0;
    }
    info->flags |= VFIO_IOMMU_INFO_CAPS;
    info->cap_offset = 0;
    if (info->argsz >= sizeof(full)) {
        memcpy((char *)info + sizeof(*info), &full.ranges, sizeof(full) - sizeof(*info));
        info->cap_offset = offsetof(typeof(full), ranges);
    }
    info->argsz = sizeof(full);
    return 0;
}

static int container_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case VFIO_GET_API_VERSION:
        return step(true, "container GET_API_VERSION") ? VFIO_API_VERSION : -1;
    case VFIO_CHECK_EXTENSION:
        return step(true, "container CHECK_EXTENSION %d", (int)(uintptr_t)arg) ? 1 : -1;
    case VFIO_SET_IOMMU:
        if (!step(true, "container SET_IOMMU %d", (int)(uintptr_t)arg))
            return -1;
        if (!fk.in_container || fk.iommu_set)
            return fails(EINVAL);
        fk.iommu_set = true;
        return 0;
    case VFIO_IOMMU_GET_INFO:
        if (!step(true, "container GET_INFO"))
            return -1;
        return fk.iommu_set ? iommu_info(arg) : fails(EINVAL);
    case VFIO_IOMMU_MAP_DMA: {
        const struct vfio_iommu_type1_dma_map *map = arg;

        if (!step(true, "container MAP_DMA %llx+%llx flags %x", map->iova, map->size, map->flags))
            return -1;
        return fk.iommu_set ? add_dma(map->iova, map->size, map->vaddr) : fails(EINVAL);
    }
    case VFIO_IOMMU_UNMAP_DMA: {
        struct vfio_iommu_type1_dma_unmap *unmap = arg;
        int64_t n;

        if (!step(false, "container UNMAP_DMA %llx+%llx", unmap->iova, unmap->size))
            return -1;
        n = remove_dma(unmap->iova, unmap->size);
        if (n < 0)
            return fails(EINVAL);
        unmap->size = (uint64_t)n;
        return 0;
    }
    default:
        return fails(ENOTTY);
    }
}

static int group_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case VFIO_GROUP_GET_STATUS: {
        struct vfio_group_status *status = arg;

        if (!step(true, "group GET_STATUS"))
            return -1;
        status->flags = fk.not_viable ? 0 : VFIO_GROUP_FLAGS_VIABLE;
        return 0;
    }
    case VFIO_GROUP_SET_CONTAINER:
        if (!step(true, "group SET_CONTAINER"))
            return -1;
        assert_int_equal(kind_of(*(int *)arg), FK_CONTAINER);
        fk.in_container = true;
        return 0;
    case VFIO_GROUP_UNSET_CONTAINER:
        step(false, "group UNSET_CONTAINER");
        for (int i = 0; i < FK_FDS; i++)
            assert_int_not_equal(fk.fds[i], FK_DEVICE); /* EBUSY in a real kernel */
        fk.in_container = false;
        return 0;
    case VFIO_GROUP_GET_DEVICE_FD:
        if (!step(true, "group GET_DEVICE_FD %s", (const char *)arg))
            return -1;
        if (!fk.in_container || !fk.iommu_set)
            return fails(EINVAL);
        return new_fd(FK_DEVICE);
    default:
        return fails(ENOTTY);
    }
}

static int region_info(struct vfio_region_info *info)
{
    struct {
        struct vfio_region_info info;
        struct vfio_info_cap_header cap;
        struct vfio_region_info_cap_sparse_mmap sparse;
        struct vfio_region_sparse_mmap_area areas[2];
    } full = {0};
    uint32_t need = sizeof(*info);

    if (info->index >= 9)
        return fails(EINVAL);
    info->offset = REGION(info->index);
    info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
    info->cap_offset = 0;
    info->size = info->index == 0 ? fk.bar0_size : info->index == 7 ? 256 : 0;
    if (info->index != 0 || fk.no_mmap) {
        info->argsz = need;
        return 0;
    }
    info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
    if (fk.no_msix_mappable && !fk.sparse) {
        info->argsz = need;
        return 0;
    }
    info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
    full.cap.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE;
    if (fk.garbage_caps)
        full.cap.next = 0xfffffff0;
    need = offsetof(typeof(full), sparse);
    if (fk.sparse) {
        full.cap.id = 77; /* one that the driver does not know comes first */
        full.cap.next = offsetof(typeof(full), sparse);
        full.sparse.header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
        full.sparse.nr_areas = fk.garbage_caps ? UINT32_MAX : 2;
        full.areas[0] = (struct vfio_region_sparse_mmap_area){0, 0x1000};
        full.areas[1] = (struct vfio_region_sparse_mmap_area){0x4000, 0x2000};
        need = sizeof(full);
    }
    if (info->argsz >= need) {
        info->cap_offset = offsetof(typeof(full), cap);
        memcpy((char *)info + sizeof(*info), &full.cap, need - sizeof(*info));
    }
    info->argsz = need;
    return 0;
}

static int set_irqs(const struct vfio_irq_set *set)
{
    uint32_t kind = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
    int32_t fds[16];

    if (!step(set->count > 0, "device SET_IRQS %u flags %x start %u count %u", set->index,
              set->flags, set->start, set->count))
        return -1;
    if (set->index > 4 || set->start + set->count > 16)
        return fails(EINVAL);
    if (set->count == 0) {
        memset(fk.irq_fds[set->index], 0, sizeof(fk.irq_fds[0]));
        return 0;
    }
    assert_int_equal(kind, VFIO_IRQ_SET_DATA_EVENTFD);
    assert_int_equal(set->argsz, sizeof(*set) + set->count * sizeof(int32_t));
    if (fk.vectors_available && set->count > fk.vectors_available)
        return (int)fk.vectors_available;
    memcpy(fds, set->data, set->count * sizeof(int32_t));
    for (uint32_t i = 0; i < set->count; i++)
        fk.irq_fds[set->index][set->start + i] = fds[i] < 0 ? 0 : fds[i];
    return 0;
}

static int device_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case PC_VFIO_BIND_IOMMUFD: {
        struct pc_vfio_bind_iommufd *bind = arg;

        if (!step(true, "device BIND_IOMMUFD"))
            return -1;
        assert_int_equal(kind_of(bind->iommufd), FK_IOMMUFD);
        fk.bound = true;
        return 0;
    }
    case PC_VFIO_ATTACH_IOMMUFD_PT: {
        struct pc_vfio_attach_iommufd_pt *pt = arg;

        if (!step(true, "device ATTACH_IOMMUFD_PT"))
            return -1;
        if (pt->pt_id != IOAS)
            return fails(ENOENT);
        pt->pt_id = 99;
        fk.attached = true;
        return 0;
    }
    case PC_VFIO_DETACH_IOMMUFD_PT:
        step(false, "device DETACH_IOMMUFD_PT");
        fk.attached = false;
        return 0;
    }
    if (!fk.bound && !fk.iommu_set)
        return fails(EINVAL);
    switch (request) {
    case VFIO_DEVICE_GET_INFO: {
        struct vfio_device_info *info = arg;

        if (!step(true, "device GET_INFO"))
            return -1;
        info->flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
        info->num_regions = 9;
        info->num_irqs = 5;
        return 0;
    }
    case VFIO_DEVICE_GET_REGION_INFO: {
        struct vfio_region_info *info = arg;

        if (!step(true, "device GET_REGION_INFO %u", info->index))
            return -1;
        return region_info(info);
    }
    case VFIO_DEVICE_GET_IRQ_INFO: {
        struct vfio_irq_info *info = arg;

        if (!step(true, "device GET_IRQ_INFO %u", info->index))
            return -1;
        if (info->index > 2 && fk.no_req_err)
            return fails(EINVAL);
        info->flags = VFIO_IRQ_INFO_EVENTFD;
        info->count = info->index == 2 ? 8 : 1;
        return 0;
    }
    case VFIO_DEVICE_SET_IRQS:
        return set_irqs(arg);
    case VFIO_DEVICE_RESET:
        return step(true, "device RESET") ? 0 : -1;
    default:
        return fails(ENOTTY);
    }
}

static int iommufd_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case PC_IOMMU_IOAS_ALLOC:
        if (!step(true, "iommufd IOAS_ALLOC"))
            return -1;
        ((struct pc_iommu_ioas_alloc *)arg)->out_ioas_id = IOAS;
        return 0;
    case PC_IOMMU_IOAS_IOVA_RANGES: {
        struct pc_iommu_ioas_iova_ranges *ask = arg;
        struct pc_iommu_iova_range *to = (void *)(uintptr_t)ask->allowed_iovas;
        uint32_t n = fk.many_ranges ? 50 : 2;

        if (!step(true, "iommufd IOVA_RANGES"))
            return -1;
        assert_true(fk.attached); /* ranges shrink when the device is attached */
        if (ask->num_iovas < n) {
            ask->num_iovas = n;
            return fails(EMSGSIZE);
        }
        ask->num_iovas = n;
        to[0] = (struct pc_iommu_iova_range){0, 0xfedfffff};
        to[1] = (struct pc_iommu_iova_range){0xfef00000, 0xffffffffffff};
        for (uint32_t i = 2; i < n; i++)
            to[i] = (struct pc_iommu_iova_range){(uint64_t)i << 56, ((uint64_t)i << 56) + 4095};
        return 0;
    }
    case PC_IOMMU_IOAS_MAP: {
        const struct pc_iommu_ioas_map *map = arg;

        if (!step(true, "iommufd MAP %llx+%llx flags %x", (unsigned long long)map->iova,
                  (unsigned long long)map->length, map->flags))
            return -1;
        return add_dma(map->iova, map->length, map->user_va);
    }
    case PC_IOMMU_IOAS_UNMAP: {
        const struct pc_iommu_ioas_unmap *unmap = arg;

        if (!step(false, "iommufd UNMAP %llx+%llx", (unsigned long long)unmap->iova,
                  (unsigned long long)unmap->length))
            return -1;
        if (unmap->length == UINT64_MAX)
            return remove_dma(0, UINT64_MAX) < 0 ? -1 : 0;
        return remove_dma(unmap->iova, unmap->length) <= 0 ? fails(ENOENT) : 0;
    }
    case PC_IOMMU_DESTROY:
        step(false, "iommufd DESTROY");
        return fk.attached ? fails(EBUSY) : 0;
    default:
        return fails(ENOTTY);
    }
}

static int fk_ioctl(int fd, unsigned long request, void *arg)
{
    switch (kind_of(fd)) {
    case FK_CONTAINER:
        return container_ioctl(request, arg);
    case FK_GROUP:
        return group_ioctl(request, arg);
    case FK_DEVICE:
        return device_ioctl(request, arg);
    case FK_IOMMUFD:
        return iommufd_ioctl(request, arg);
    default:
        return fails(ENOTTY);
    }
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
    enum fk_kind kind = kind_of(fd);
    void *at;

    (void)addr, (void)prot;
    if (!step(true, "mmap %s %llx+%zx", name_of(kind), (unsigned long long)offset, len))
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

    step(false, "munmap %s %zx", bar ? "device" : "memfd", len);
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
    return step(true, "madvise %s", advice == MADV_DONTFORK ? "DONTFORK" : "HUGEPAGE") ? 0 : -1;
}

static unsigned char *config_at(off_t offset, size_t len)
{
    uint64_t at = (uint64_t)offset - REGION(7);

    assert_true(at <= sizeof(fk.config) && len <= sizeof(fk.config) - at);
    return fk.config + at;
}

static ssize_t fk_pread(int fd, void *buf, size_t len, off_t offset)
{
    assert_int_equal(kind_of(fd), FK_DEVICE);
    if ((uint64_t)offset < REGION(1)) {
        if (!step(true, "pread bar0 %llx+%zx", (unsigned long long)offset, len))
            return -1;
        memcpy(buf, fk.bar0 + offset, len);
        return (ssize_t)len;
    }
    if (!step(true, "pread config %llx+%zx", (unsigned long long)offset - REGION(7), len))
        return -1;
    memcpy(buf, config_at(offset, len), len);
    return (ssize_t)len;
}

static ssize_t fk_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
    uint16_t value = 0;

    assert_int_equal(kind_of(fd), FK_DEVICE);
    if ((uint64_t)offset < REGION(1)) {
        if (!step(true, "pwrite bar0 %llx+%zx", (unsigned long long)offset, len))
            return -1;
        memcpy(fk.bar0 + offset, buf, len);
        return (ssize_t)len;
    }
    memcpy(&value, buf, sizeof(value));
    if (!step(true, "pwrite config %llx+%zx = %x", (unsigned long long)offset - REGION(7), len,
              value))
        return -1;
    memcpy(config_at(offset, len), buf, len);
    return (ssize_t)len;
}

static ssize_t fk_read(int fd, void *buf, size_t len)
{
    const uint64_t one = 1;

    assert_int_equal(kind_of(fd), FK_EVENTFD);
    assert_int_equal(len, sizeof(one));
    if (!fk.fired[fd - FIRST_FD])
        return fails(EAGAIN);
    fk.fired[fd - FIRST_FD] = false;
    memcpy(buf, &one, sizeof(one));
    return sizeof(one);
}

static int fk_eventfd(unsigned initial, int flags)
{
    (void)initial, (void)flags;
    return step(true, "eventfd") ? new_fd(FK_EVENTFD) : -1;
}

static int fk_memfd_create(const char *name, unsigned flags)
{
    (void)name;
    if (!step(true, "memfd%s", flags & HUGETLB ? " hugetlb" : ""))
        return -1;
    if (flags & HUGETLB && fk.no_hugetlb)
        return fails(EINVAL);
    return new_fd(FK_MEMFD);
}

static int fk_ftruncate(int fd, off_t len)
{
    assert_int_equal(kind_of(fd), FK_MEMFD);
    return step(true, "ftruncate %llx", (unsigned long long)len) ? 0 : -1;
}

static int fk_add_seals(int fd, int seals)
{
    assert_int_equal(kind_of(fd), FK_MEMFD);
    return step(true, "seal %x", (unsigned)seals) ? 0 : -1;
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
