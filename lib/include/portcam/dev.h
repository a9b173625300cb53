// SPDX-License-Identifier: Apache-2.0
/*
 * The driver layer: one way to reach a portcam card, whatever carries it.
 *
 * A device is opened by name: "pci:0000:03:00.0" (kernel VFIO, iommufd or group),
 * "vfio-user:/run/portcam.sock" (a simulated card) or "model:" (the card model in this process).
 * What is offered above is the same for all: registers of BAR0, DMA memory, interrupt eventfds,
 * reset and liveness. It promises bounded accesses, -errno returns with a sentence that names the
 * cure, and output parameters untouched on failure. It does not print, exit or abort, and it does
 * not know what the registers mean beyond the identification at offset 0.
 *
 * Thread-safety: every function may be called from any thread, except that portcam_dev_close() must
 * be the last call on its device.
 */
#ifndef PORTCAM_DEV_H
#define PORTCAM_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PORTCAM_API
#define PORTCAM_API __attribute__((visibility("default")))
#endif

struct portcam_dev;
struct pc_sys; /* the system calls of the driver, replaceable in tests (driver/sys.h) */

enum portcam_log_level {
    PORTCAM_LOG_ERROR,
    PORTCAM_LOG_WARNING,
    PORTCAM_LOG_INFO,
    PORTCAM_LOG_DEBUG,
};

/*
 * Receives one line without a newline, in whichever thread calls the library. It must not call the
 * driver.
 */
typedef void (*portcam_log_fn)(void *ctx, enum portcam_log_level level, const char *line);

/* Flags of struct portcam_dev_opts. */
#define PORTCAM_DEV_NO_IOMMUFD 0x1u /* pci: use the group and container even where iommufd exists */
#define PORTCAM_DEV_NO_GROUP 0x2u   /* pci: use iommufd only */
#define PORTCAM_DEV_NO_IDENTIFY 0x4u /* do not check magic and interface version of the card */
#define PORTCAM_DEV_RESET 0x8u       /* reset the card at open, its tables are lost */
#define PORTCAM_DEV_NO_MMAP 0x10u    /* pci: registers by system calls: slow, cannot raise SIGBUS */
#define PORTCAM_DEV_ALL_FLAGS 0x1fu

/**
 * struct portcam_dev_opts - how to open a device; zero means the default everywhere
 * @sz: sizeof(struct portcam_dev_opts) of the caller; a larger tail than the library knows must be
 * zero
 * @flags: PORTCAM_DEV_*
 * @log: log callback, NULL for none
 * @log_ctx: first argument of @log
 * @err: buffer that gets the sentence when portcam_dev_open() fails
 * @err_len: bytes in @err
 * @sysfs_root: directory in place of "/sys"
 * @dev_root: directory in place of "/dev"
 * @timeout_ms: vfio-user: longest time for one request, default 5000
 * @arena_size: bytes of DMA memory taken at a time, default 16 MiB, rounded up to 2 MiB
 * @dma_bits: address bits of the card's DMA engine, 32 to 64, default 64
 * @vf_token: pci: UUID text of a VF token, NULL for none
 * @sys: system calls, NULL for the real ones
 */
struct portcam_dev_opts {
    size_t sz;
    uint32_t flags;
    portcam_log_fn log;
    void *log_ctx;
    char *err;
    size_t err_len;
    const char *sysfs_root;
    const char *dev_root;
    unsigned timeout_ms;
    size_t arena_size;
    unsigned dma_bits;
    const char *vf_token;
    const struct pc_sys *sys;
};

#define PORTCAM_DEV_MAX_RANGES 16

/* Inclusive range of IO virtual addresses. */
struct portcam_iova_range {
    uint64_t first;
    uint64_t last;
};

/**
 * struct portcam_dev_info - what is known of an open device
 * @name: the name it was opened by
 * @transport: "vfio-group", "vfio-iommufd", "vfio-user" or "model"
 * @vendor_id: of configuration space, 0 for the model
 * @device_id: of configuration space, 0 for the model
 * @reg_size: bytes of BAR0 that may be accessed
 * @vectors: MSI-X vectors there are
 * @can_reset: portcam_dev_reset() works
 * @page_sizes: bit mask of page sizes for DMA mappings
 * @dma_maps_max: DMA mappings there may be, 0 unknown
 * @n_ranges: valid entries of @ranges
 * @ranges: usable IO virtual addresses, ascending
 */
struct portcam_dev_info {
    const char *name;
    const char *transport;
    uint16_t vendor_id;
    uint16_t device_id;
    uint32_t reg_size;
    uint32_t vectors;
    bool can_reset;
    uint64_t page_sizes;
    uint32_t dma_maps_max;
    unsigned n_ranges;
    struct portcam_iova_range ranges[PORTCAM_DEV_MAX_RANGES];
};

enum portcam_dev_state {
    PORTCAM_DEV_OK,             /* in service */
    PORTCAM_DEV_RELEASE_WANTED, /* works, but the kernel asks to close it (unbind, hot unplug) */
    PORTCAM_DEV_ERROR,          /* bus error reported; reset or close */
    PORTCAM_DEV_GONE,           /* removed; close */
};

/**
 * portcam_dev_open() - open a device by name
 * @name: "pci:DDDD:BB:DD.F", "vfio-user:PATH" or "model:"
 * @opts: options, NULL for defaults
 * @ret: receives the device
 *
 * Looks at what can be known without touching the device first, and says in one sentence what is
 * wrong. The card may not do DMA until portcam_dev_start().
 *
 * Return: 0; -EINVAL for a bad name or option; -ENODEV no such card, or gone; -EBUSY in use or
 * bound elsewhere; -EACCES no permission; -ENOMEM memory or lock limit; -EPROTO the other side
 * breaks the protocol or is no portcam card; -EPROTONOSUPPORT unknown interface version; other
 * -errno from the system.
 */
PORTCAM_API int portcam_dev_open(const char *name, const struct portcam_dev_opts *opts,
                                 struct portcam_dev **ret);

/**
 * portcam_dev_close() - stop DMA and interrupts, release memory and the device
 * @dev: device, or NULL
 */
PORTCAM_API void portcam_dev_close(struct portcam_dev *dev);

/**
 * portcam_dev_error() - the sentence of the last failure in the calling thread
 *
 * Return: text that names cause and cure, valid until the next failure in this thread; "" when
 * there was none.
 */
PORTCAM_API const char *portcam_dev_error(void);

/**
 * portcam_dev_info() - facts about an open device
 * @dev: device
 *
 * Return: valid until portcam_dev_close().
 */
PORTCAM_API const struct portcam_dev_info *portcam_dev_info(const struct portcam_dev *dev);

/**
 * portcam_reg_read32() - read a register of BAR0
 * @dev: device
 * @offset: byte offset, multiple of 4, below info->reg_size
 * @ret: receives the value in host order
 *
 * A value of all-ones is checked against the identification register before it is believed.
 *
 * Return: 0, -EINVAL for the offset, -ENODEV when the card is gone, or -errno of the transport.
 */
PORTCAM_API int portcam_reg_read32(struct portcam_dev *dev, uint32_t offset, uint32_t *ret);

/**
 * portcam_reg_write32() - write a register of BAR0, after all earlier stores to DMA memory
 * @dev: device
 * @offset: byte offset, multiple of 4, below info->reg_size
 * @value: value in host order
 *
 * Return: 0, -EINVAL for the offset, -ENODEV when the card is known to be gone, or -errno of the
 * transport.
 */
PORTCAM_API int portcam_reg_write32(struct portcam_dev *dev, uint32_t offset, uint32_t value);

/* Flags of portcam_map_dma(). */
#define PORTCAM_DMA_READ 0x1u  /* the card may read */
#define PORTCAM_DMA_WRITE 0x2u /* the card may write */

/**
 * portcam_map_dma() - let the card reach memory of this process
 * @dev: device
 * @iova: address the card uses, page aligned, not zero
 * @size: bytes, multiple of the page size
 * @fd: file the memory is a shared mapping of, or -1 (a simulated card then reaches it by messages)
 * @offset: of the memory in @fd
 * @vaddr: where the memory is, page aligned; stays mapped until unmapped from the card
 * @flags: PORTCAM_DMA_READ, PORTCAM_DMA_WRITE or both
 *
 * Return: 0, -EINVAL for alignment, flags or an address outside the ranges, -EEXIST for an overlap,
 * -ENOSPC for too many mappings, -ENOMEM for the memory-lock limit, or -errno of the transport.
 */
PORTCAM_API int portcam_map_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size, int fd,
                                uint64_t offset, void *vaddr, uint32_t flags);

/**
 * portcam_unmap_dma() - take a whole mapping away from the card
 * @dev: device
 * @iova: as given to portcam_map_dma()
 * @size: as given to portcam_map_dma()
 *
 * Return: 0, -ENOENT when nothing is mapped there, -EINVAL for a part of a mapping, or -errno of
 * the transport.
 */
PORTCAM_API int portcam_unmap_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size);

/**
 * portcam_dma_alloc() - zeroed memory that the card can reach
 * @dev: device
 * @size: bytes, at least 1
 * @align: alignment of the address for the card, a power of two; 0 means 64
 * @vaddr: receives the address for this process
 * @iova: receives the address for the card, never below 16 MiB
 *
 * Memory comes from a few large shared mappings and is not inherited by fork.
 *
 * Return: 0, -EINVAL, -ENOMEM, -ENOSPC when the address ranges are full, or -errno of the
 * transport.
 */
PORTCAM_API int portcam_dma_alloc(struct portcam_dev *dev, size_t size, size_t align, void **vaddr,
                                  uint64_t *iova);

/**
 * portcam_dma_alloc_file() - zeroed memory that the card can reach, in a file of its own
 * @dev: device
 * @size: bytes, at least 1
 * @vaddr: receives the address for this process
 * @iova: receives the address for the card, a multiple of 2 MiB
 * @fd: receives the file's descriptor; it stays the device's
 *
 * For memory that other processes look at: whoever gets the descriptor can map the file for reading
 * only, and its size never changes.
 *
 * Return: as portcam_dma_alloc(); -EINVAL also where the kernel, before 5.1, cannot forbid writing.
 */
PORTCAM_API int portcam_dma_alloc_file(struct portcam_dev *dev, size_t size, void **vaddr,
                                       uint64_t *iova, int *fd);

/**
 * portcam_dma_free() - give memory back
 * @dev: device
 * @vaddr: from portcam_dma_alloc() or portcam_dma_alloc_file(), or NULL; the card must not use it any
 * more
 *
 * Return: 0, or -EINVAL when it was not allocated here.
 */
PORTCAM_API int portcam_dma_free(struct portcam_dev *dev, void *vaddr);

/**
 * portcam_dev_set_irqs() - connect MSI-X vectors to eventfds
 * @dev: device
 * @start: first vector
 * @count: number of vectors; start + count at most info->vectors
 * @fds: one eventfd for each, -1 disconnects; NULL with start 0 and count 0 disables all
 *
 * The caller keeps its descriptors. Connect all vectors in one call: old kernels drop interrupts
 * while vectors are added.
 *
 * Return: 0, -EINVAL, -ENOSPC when the system has fewer vectors, or -errno of the transport.
 */
PORTCAM_API int portcam_dev_set_irqs(struct portcam_dev *dev, unsigned start, unsigned count,
                                     const int *fds);

/**
 * portcam_dev_start() - allow the card to do DMA (bus master), the last step before enabling rings
 * @dev: device
 *
 * Return: 0 (also when already started) or -errno.
 */
PORTCAM_API int portcam_dev_start(struct portcam_dev *dev);

/**
 * portcam_dev_stop() - forbid DMA, the first step of shutting down
 * @dev: device
 *
 * Return: 0 (also when already stopped) or -errno.
 */
PORTCAM_API int portcam_dev_stop(struct portcam_dev *dev);

/**
 * portcam_dev_reset() - reset the function; DMA is stopped, mappings and eventfds stay
 * @dev: device
 *
 * Return: 0, -EOPNOTSUPP when the card cannot be reset, or -errno.
 */
PORTCAM_API int portcam_dev_reset(struct portcam_dev *dev);

/**
 * portcam_dev_alive() - is the card there and able to serve
 * @dev: device
 *
 * Reads the identification register, serves what the transport has pending and looks at the error
 * and request interrupts.
 *
 * Return: 0, -ENODEV "card is gone", -EIO after a bus error.
 */
PORTCAM_API int portcam_dev_alive(struct portcam_dev *dev);

/**
 * portcam_dev_get_state() - last known state, without touching the card
 * @dev: device
 */
PORTCAM_API enum portcam_dev_state portcam_dev_get_state(const struct portcam_dev *dev);

#define PORTCAM_DEV_POLL_FDS 3

/**
 * portcam_dev_poll_fds() - descriptors to watch beside the interrupts
 * @dev: device
 * @fds: receives up to PORTCAM_DEV_POLL_FDS descriptors, owned by the device
 *
 * When one is readable, call portcam_dev_alive() and look at portcam_dev_get_state().
 *
 * Return: number of descriptors.
 */
PORTCAM_API unsigned portcam_dev_poll_fds(const struct portcam_dev *dev,
                                          int fds[PORTCAM_DEV_POLL_FDS]);

/**
 * portcam_irq_open() - a new eventfd for an interrupt vector (non-blocking, close-on-exec)
 * @ret: receives the descriptor
 *
 * Return: 0 or -errno.
 */
PORTCAM_API int portcam_irq_open(int *ret);

/**
 * portcam_irq_drain() - take the pending interrupts of an eventfd
 * @fd: from portcam_irq_open()
 * @ret: receives how often it fired since the last call, NULL when not wanted
 *
 * Return: 0 or -errno.
 */
PORTCAM_API int portcam_irq_drain(int fd, uint64_t *ret);

/**
 * portcam_irq_wait() - sleep until an interrupt, an event of the device, or a timeout
 * @dev: device
 * @fd: eventfd of the vector
 * @timeout_ms: longest time, negative for no limit
 *
 * The interrupt is drained. A card that goes away ends the sleep.
 *
 * Return: 0 when the vector fired, -ETIMEDOUT, -ENODEV when the card is gone, -EIO, or -errno.
 */
PORTCAM_API int portcam_irq_wait(struct portcam_dev *dev, int fd, int timeout_ms);

/* One PCI function found by portcam_dev_list(). */
struct portcam_dev_entry {
    char bdf[16];       /* 0000:03:00.0 */
    char open_name[24]; /* name for portcam_dev_open() */
    char vendor_name[96];
    char device_name[96];
    char driver[32]; /* kernel driver, "" for none */
    uint16_t vendor_id;
    uint16_t device_id;
    uint16_t subvendor_id;
    uint16_t subdevice_id;
    uint32_t class_code; /* 24 bits */
    uint8_t revision;
    uint64_t bar_size[6]; /* bytes, 0 for none */
    uint8_t header[64];   /* configuration header as it is read */
    int iommu_group;      /* -1: none */
    bool usable;          /* the checks before opening found nothing */
    char problem[256];    /* the sentence when not usable */
};

/**
 * struct portcam_dev_list_opts - what to list; zero means the default
 * @sz: sizeof(struct portcam_dev_list_opts) of the caller
 * @vendor_id: only this vendor, 0 any
 * @device_id: only this device, 0 any
 * @all_classes: not only processing accelerators (class 0x1200)
 * @sysfs_root: directory in place of "/sys" for driver, group and checks
 * @dev_root: directory in place of "/dev"
 */
struct portcam_dev_list_opts {
    size_t sz;
    uint16_t vendor_id;
    uint16_t device_id;
    bool all_classes;
    const char *sysfs_root;
    const char *dev_root;
};

/**
 * portcam_dev_list() - PCI functions that may be portcam cards
 * @opts: filter, NULL for every function of class 0x1200
 * @ret: receives an array to be freed with portcam_dev_list_free(), NULL when empty
 * @ret_count: receives the number of entries
 *
 * libpciaccess keeps one snapshot for the process and locks nothing: do not use it elsewhere at the
 * same time.
 *
 * Return: 0 or -errno.
 */
PORTCAM_API int portcam_dev_list(const struct portcam_dev_list_opts *opts,
                                 struct portcam_dev_entry **ret, size_t *ret_count);

/**
 * portcam_dev_list_free() - release what portcam_dev_list() returned
 * @list: array or NULL
 */
PORTCAM_API void portcam_dev_list_free(struct portcam_dev_entry *list);

/**
 * struct portcam_dev_bind_opts - how to bind and unbind; zero means the default
 * @sz: sizeof(struct portcam_dev_bind_opts) of the caller
 * @sysfs_root: directory in place of "/sys"
 * @check_only: only tell what would be wrong
 * @sys: system calls, NULL for the real ones
 */
struct portcam_dev_bind_opts {
    size_t sz;
    const char *sysfs_root;
    bool check_only;
    const struct pc_sys *sys;
};

/**
 * portcam_dev_bind() - give a card to VFIO, whatever driver has it now
 * @name: its PCI address, with or without "pci:"
 * @opts: options, NULL for defaults
 *
 * A card that VFIO has already stays as it is. The module vfio-pci must be loaded. When it fails the card is given back
 * to the driver it had.
 *
 * Return: 0; -EINVAL bad address; -ENODEV no such card, or gone; -EPROTO it is no portcam card; -EOPNOTSUPP no IOMMU
 * group; -ENOENT vfio-pci is not loaded; -EACCES not root; -EIO vfio-pci does not take it; other -errno.
 */
PORTCAM_API int portcam_dev_bind(const char *name, const struct portcam_dev_bind_opts *opts);

/**
 * portcam_dev_unbind() - take a card back from VFIO; another driver gets it if there is one for it
 * @name: its PCI address, with or without "pci:"
 * @opts: options, NULL for defaults
 *
 * Sleeps until nobody has the card open; portcamd lets go of it when the kernel asks.
 *
 * Return: 0; -EBUSY when another driver has it; else as portcam_dev_bind().
 */
PORTCAM_API int portcam_dev_unbind(const char *name, const struct portcam_dev_bind_opts *opts);

#ifdef __cplusplus
}
#endif

#endif /* PORTCAM_DEV_H */
