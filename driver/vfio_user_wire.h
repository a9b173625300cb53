// SPDX-License-Identifier: Apache-2.0
/*
 * The vfio-user wire format, shared by the client in driver/ and the server in sim/.
 *
 * AF_UNIX SOCK_STREAM, host byte order, one 16-byte header before every message; `size` of the
 * header (which counts itself) is the only framing. File descriptors travel as SCM_RIGHTS with
 * their message. Every structure here is what is on the wire, checked by static asserts; sizes and
 * indices found in a message are claims of the other side and have to be bounded by whoever reads
 * them.
 *
 * Constants carry the prefix PC_VFU_ so that the file can be used beside <linux/vfio.h>; the values
 * of region, IRQ and capability constants are the kernel's.
 */
#ifndef PC_VFIO_USER_WIRE_H
#define PC_VFIO_USER_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define PC_VFU_ASSERT(cond, msg) static_assert(cond, msg)
#else
#define PC_VFU_ASSERT(cond, msg) _Static_assert(cond, msg)
#endif

/*
 * Protocol version spoken by both sides: same major, a reply's minor is not above the proposed one.
 */
enum {
    PC_VFU_MAJOR = 0,
    PC_VFU_MINOR = 1,
};

enum pc_vfu_cmd {
    PC_VFU_VERSION = 1,
    PC_VFU_DMA_MAP = 2,
    PC_VFU_DMA_UNMAP = 3,
    PC_VFU_DEVICE_GET_INFO = 4,
    PC_VFU_DEVICE_GET_REGION_INFO = 5,
    PC_VFU_DEVICE_GET_REGION_IO_FDS = 6,
    PC_VFU_DEVICE_GET_IRQ_INFO = 7,
    PC_VFU_DEVICE_SET_IRQS = 8,
    PC_VFU_REGION_READ = 9,
    PC_VFU_REGION_WRITE = 10,
    PC_VFU_DMA_READ = 11,  /* server to client */
    PC_VFU_DMA_WRITE = 12, /* server to client */
    PC_VFU_DEVICE_RESET = 13,
    /* 14 is not used */
    PC_VFU_REGION_WRITE_MULTI = 15,
    PC_VFU_DEVICE_FEATURE = 16,
    PC_VFU_MIG_DATA_READ = 17,
    PC_VFU_MIG_DATA_WRITE = 18,
};

/* Flags of the message header. */
enum {
    PC_VFU_F_TYPE_MASK = 0xf,
    PC_VFU_F_COMMAND = 0x0,
    PC_VFU_F_REPLY = 0x1,
    PC_VFU_F_NO_REPLY = 0x10, /* command: the sender wants no reply */
    PC_VFU_F_ERROR = 0x20,    /* reply: `error` holds an errno and no payload follows */
};

struct pc_vfu_header {
    uint16_t id;    /* chosen by the sender of the command, echoed in the reply */
    uint16_t cmd;   /* enum pc_vfu_cmd, echoed in the reply */
    uint32_t size;  /* of the whole message, this header included */
    uint32_t flags; /* PC_VFU_F_* */
    uint32_t error; /* errno, valid with PC_VFU_F_ERROR */
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_header) == 16, "vfio-user header is 16 bytes");
PC_VFU_ASSERT(offsetof(struct pc_vfu_header, flags) == 8, "vfio-user header flags at 8");

/* VERSION, both ways: followed by JSON text ended by a NUL byte (a request may have none). */
struct pc_vfu_version {
    uint16_t major;
    uint16_t minor;
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_version) == 4, "vfio-user version is 4 bytes");

/* What a missing capability in the JSON of VERSION means. */
enum {
    PC_VFU_DEFAULT_MAX_MSG_FDS = 1,
    PC_VFU_DEFAULT_MAX_DATA_XFER = 1 << 20,
    PC_VFU_DEFAULT_MAX_DMA_MAPS = 65535,
    PC_VFU_DEFAULT_PGSIZES = 4096,
};

/* Bounds both sides keep. */
enum {
    PC_VFU_MAX_FDS = 16,            /* in one message */
    PC_VFU_MAX_REQUEST_HEAD = 4096, /* message without its data */
    PC_VFU_MAX_MSG = PC_VFU_DEFAULT_MAX_DATA_XFER + PC_VFU_MAX_REQUEST_HEAD + 16,
};

/* DMA_MAP request, with zero or one file descriptor; the reply has no payload. */
struct pc_vfu_dma_map {
    uint32_t argsz;  /* 32 */
    uint32_t flags;  /* PC_VFU_DMA_* */
    uint64_t offset; /* in the file */
    uint64_t iova;
    uint64_t size;
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_dma_map) == 32, "vfio-user dma map is 32 bytes");

enum {
    PC_VFU_DMA_FLAG_READ = 1,  /* the device may read */
    PC_VFU_DMA_FLAG_WRITE = 2, /* the device may write */
};

/* DMA_UNMAP request and reply. */
struct pc_vfu_dma_unmap {
    uint32_t argsz; /* 24 */
    uint32_t flags;
    uint64_t iova;
    uint64_t size;
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_dma_unmap) == 24, "vfio-user dma unmap is 24 bytes");

enum { PC_VFU_UNMAP_FLAG_ALL = 2 };

/* DEVICE_GET_INFO request and reply. */
struct pc_vfu_device_info {
    uint32_t argsz;
    uint32_t flags; /* PC_VFU_DEVICE_* */
    uint32_t num_regions;
    uint32_t num_irqs;
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_device_info) == 16, "vfio-user device info is 16 bytes");

enum {
    PC_VFU_DEVICE_FLAG_RESET = 1,
    PC_VFU_DEVICE_FLAG_PCI = 2,
};

/* Region indices of a PCI device (the kernel's VFIO_PCI_*_REGION_INDEX). */
enum pc_vfu_region {
    PC_VFU_REGION_BAR0 = 0,
    PC_VFU_REGION_BAR1 = 1,
    PC_VFU_REGION_BAR2 = 2,
    PC_VFU_REGION_BAR3 = 3,
    PC_VFU_REGION_BAR4 = 4,
    PC_VFU_REGION_BAR5 = 5,
    PC_VFU_REGION_ROM = 6,
    PC_VFU_REGION_CONFIG = 7,
    PC_VFU_REGION_VGA = 8,
    PC_VFU_NUM_REGIONS = 9,
};

/* DEVICE_GET_REGION_INFO request (32 bytes) and reply (32 bytes and capabilities). */
struct pc_vfu_region_info {
    uint32_t argsz; /* request: most reply payload accepted; reply: what is needed */
    uint32_t flags; /* PC_VFU_REGION_FLAG_* */
    uint32_t index;
    uint32_t cap_offset; /* of the first capability, from the start of this structure; 0: none */
    uint64_t size;
    uint64_t offset; /* for mmap of the file descriptor passed along */
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_region_info) == 32, "vfio-user region info is 32 bytes");
PC_VFU_ASSERT(offsetof(struct pc_vfu_region_info, size) == 16, "vfio-user region size at 16");

enum {
    PC_VFU_REGION_FLAG_READ = 1,
    PC_VFU_REGION_FLAG_WRITE = 2,
    PC_VFU_REGION_FLAG_MMAP = 4,
    PC_VFU_REGION_FLAG_CAPS = 8,
};

struct pc_vfu_cap_header {
    uint16_t id; /* PC_VFU_CAP_* */
    uint16_t version;
    uint32_t next; /* from the start of the region info; 0: last */
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_cap_header) == 8, "vfio-user capability header is 8 bytes");

enum {
    PC_VFU_CAP_SPARSE_MMAP = 1,
    PC_VFU_CAP_TYPE = 2,
    PC_VFU_CAP_MSIX_MAPPABLE = 3,
};

/* DEVICE_GET_IRQ_INFO request and reply. */
struct pc_vfu_irq_info {
    uint32_t argsz;
    uint32_t flags; /* PC_VFU_IRQ_INFO_* */
    uint32_t index; /* enum pc_vfu_irq */
    uint32_t count;
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_irq_info) == 16, "vfio-user irq info is 16 bytes");

enum pc_vfu_irq {
    PC_VFU_IRQ_INTX = 0,
    PC_VFU_IRQ_MSI = 1,
    PC_VFU_IRQ_MSIX = 2,
    PC_VFU_IRQ_ERR = 3,
    PC_VFU_IRQ_REQ = 4,
    PC_VFU_NUM_IRQS = 5,
};

enum {
    PC_VFU_IRQ_INFO_EVENTFD = 1,
    PC_VFU_IRQ_INFO_MASKABLE = 2,
    PC_VFU_IRQ_INFO_AUTOMASKED = 4,
    PC_VFU_IRQ_INFO_NORESIZE = 8,
};

/*
 * DEVICE_SET_IRQS request: with DATA_BOOL followed by `count` bytes, with DATA_EVENTFD accompanied
 * by `count` file descriptors or by none (de-assign). DATA_NONE with TRIGGER and count 0 disables
 * the index.
 */
struct pc_vfu_set_irqs {
    uint32_t argsz; /* 20 and the data */
    uint32_t flags; /* one PC_VFU_IRQ_DATA_* and one PC_VFU_IRQ_ACTION_* */
    uint32_t index;
    uint32_t start;
    uint32_t count;
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_set_irqs) == 20, "vfio-user set irqs is 20 bytes");

enum {
    PC_VFU_IRQ_DATA_NONE = 1,
    PC_VFU_IRQ_DATA_BOOL = 2,
    PC_VFU_IRQ_DATA_EVENTFD = 4,
    PC_VFU_IRQ_DATA_MASK = 7,
    PC_VFU_IRQ_ACTION_MASK = 8,
    PC_VFU_IRQ_ACTION_UNMASK = 16,
    PC_VFU_IRQ_ACTION_TRIGGER = 32,
    PC_VFU_IRQ_ACTION_TYPE_MASK = 56,
};

/*
 * REGION_READ and REGION_WRITE, request and reply; data follows in a read reply and a write
 * request.
 */
struct pc_vfu_region_access {
    uint64_t offset;
    uint32_t region;
    uint32_t count;
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_region_access) == 16, "vfio-user region access is 16 bytes");

/* REGION_WRITE_MULTI request: this, then `count` of pc_vfu_write_multi; reply: this alone. */
struct pc_vfu_write_multi_head {
    uint64_t count;
};
struct pc_vfu_write_multi {
    uint64_t offset;
    uint32_t region;
    uint32_t count; /* 1 to 8 */
    uint8_t data[8];
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_write_multi) == 24, "vfio-user write multi entry is 24 bytes");

/*
 * DMA_READ and DMA_WRITE, request and reply; data follows in a write request and a read reply. A
 * DMA_WRITE reply may be 12 bytes long (the specification's table has a 4-byte count) or 16.
 */
struct pc_vfu_dma_access {
    uint64_t iova;
    uint64_t count;
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_dma_access) == 16, "vfio-user dma access is 16 bytes");

/* DEVICE_FEATURE, request and reply; data follows. */
struct pc_vfu_feature {
    uint32_t argsz;
    uint32_t flags; /* feature in bits 0-15, GET 1 << 16, SET 1 << 17, PROBE 1 << 18 */
};
PC_VFU_ASSERT(sizeof(struct pc_vfu_feature) == 8, "vfio-user feature is 8 bytes");

#ifdef __cplusplus
}
#endif

#endif /* PC_VFIO_USER_WIRE_H */
