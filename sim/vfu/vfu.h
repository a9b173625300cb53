// SPDX-License-Identifier: Apache-2.0
/*
 * The vfio-user server of the simulated card: a PCI function behind a UNIX socket.
 *
 * What is behind the function (RTL, model) gives a struct pc_vfu_device; this library does the rest: PCI
 * configuration space, BAR sizing, MSI-X, the map table of client memory, DMA, reset, and the protocol as
 * our own client, QEMU's vfio-user-pci, libvfio-user's client and SPDK's speak it.
 *
 * It promises: a client can neither crash the process nor block it for ever; an access in range is never
 * answered with an error; nothing is printed. It does not promise to share a function between clients: one
 * client at a time, a second one is told EBUSY.
 *
 * Threads: none. All calls for one server come from one thread. Wait until pc_vfu_fd() is readable, then
 * call pc_vfu_process(). The callbacks of the device are called from inside pc_vfu_process() and, because
 * a client may have to be served while it answers a DMA message, from inside pc_vfu_dma_read() and
 * pc_vfu_dma_write() too.
 *
 * Signals: pc_vfu_new() takes SIGBUS, for good, and nobody may take it back while the server is used. Client memory that goes away while it is
 * copied is an error of that DMA; any other SIGBUS does what it did before.
 */
#ifndef PC_VFU_H
#define PC_VFU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PC_VFU_BAR0_BYTES = 65536,
    PC_VFU_BAR2_BYTES = 4096,
    PC_VFU_BAR2_PBA = 2048,   /* pending bits start here; the vector table starts at 0 */
    PC_VFU_MAX_VECTORS = 128, /* what fits below the pending bits */
    PC_VFU_CONFIG_BYTES = 4096,
    PC_VFU_DMA_TIMEOUT_MS = 10000, /* for a client's answer to one DMA message */
};

/**
 * struct pc_vfu_device - what the card gives to the server
 * @ctx: handed back to every callback.
 * @reg_read: value of the BAR0 register at @offset (multiple of 4, below PC_VFU_BAR0_BYTES).
 * @reg_write: a write of all four bytes of a BAR0 register.
 * @reset: function reset: FLR by configuration write, or a RESET message. Configuration space has already
 *         its initial contents (bus master off) and pending interrupts are gone; maps and eventfds stay.
 * @notice: may be NULL; one line of text about a client (connected, gone, misbehaving), without newline.
 * @vendor: PCI vendor id.
 * @device: PCI device id.
 * @vectors: MSI-X vectors, 1..PC_VFU_MAX_VECTORS.
 * @report_faults: an access that no map allows is also sent to the client as a message, so that a client with an IOMMU
 *         (QEMU) refuses and reports it as on a bus. A client that does not answer costs PC_VFU_DMA_TIMEOUT_MS each.
 */
struct pc_vfu_device {
    void *ctx;
    uint32_t (*reg_read)(void *ctx, uint32_t offset);
    void (*reg_write)(void *ctx, uint32_t offset, uint32_t value);
    void (*reset)(void *ctx);
    void (*notice)(void *ctx, const char *text);
    uint16_t vendor;
    uint16_t device;
    unsigned vectors;
    bool report_faults;
};

/**
 * struct pc_vfu_stats - counters since pc_vfu_new()
 * @clients: connections accepted.
 * @refused_clients: connections refused because another client was there.
 * @requests: commands served, with or without error.
 * @errors: commands answered with an error (or dropped, with NO_REPLY).
 * @framing_errors: headers whose size cannot be.
 * @stray_replies: replies that no command of ours waited for.
 * @lost_fds: messages whose descriptors the kernel could not deliver (MSG_CTRUNC: RLIMIT_NOFILE too low).
 * @maps: DMA maps now. @fdless_maps: those of them that need DMA messages. @files: files mapped now.
 * @dma_messages: DMA_READ and DMA_WRITE messages sent.
 * @dma_refused: DMA accesses that failed for any reason.
 * @dropped_writes: BAR writes dropped: shorter than a register, or memory space disabled.
 * @irqs_sent: eventfd signals. @irqs_held: interrupts that had to become pending first.
 */
struct pc_vfu_stats {
    uint64_t clients;
    uint64_t refused_clients;
    uint64_t requests;
    uint64_t errors;
    uint64_t framing_errors;
    uint64_t stray_replies;
    uint64_t lost_fds;
    uint64_t maps;
    uint64_t fdless_maps;
    uint64_t files;
    uint64_t dma_messages;
    uint64_t dma_refused;
    uint64_t dropped_writes;
    uint64_t irqs_sent;
    uint64_t irqs_held;
};

struct pc_vfu;

/**
 * pc_vfu_new() - listen on @socket_path
 * @socket_path: a stale socket left by a dead process is replaced; a live one is not.
 * @dev: copied.
 * @err: on failure, a sentence that names what is wrong and the cure.
 * @err_len: bytes at @err.
 * Return: the server, or NULL.
 */
struct pc_vfu *pc_vfu_new(const char *socket_path, const struct pc_vfu_device *dev, char *err,
                          size_t err_len);

/** pc_vfu_free() - disconnect, remove the socket, release everything. NULL is allowed. */
void pc_vfu_free(struct pc_vfu *s);

/** pc_vfu_fd() - one descriptor, readable (level-triggered) whenever pc_vfu_process() has work. */
int pc_vfu_fd(const struct pc_vfu *s);

/**
 * pc_vfu_process() - accept, serve what has arrived (a bounded number of messages), flush; never blocks
 * Return: number of commands served.
 */
int pc_vfu_process(struct pc_vfu *s);

/** pc_vfu_connected() - 1 when a client is there, 0 when not. */
int pc_vfu_connected(const struct pc_vfu *s);

/**
 * pc_vfu_dma_read() - read client memory as the function
 * @s: server.
 * @iova: address in the client's I/O address space; may be unaligned and span several maps.
 * @dst: @len bytes; undefined after a failure.
 * @len: bytes; 0 succeeds.
 *
 * Memory that was mapped with a descriptor is reached directly, in ascending order, by 8-byte words where
 * alignment allows. For other memory one DMA_READ message after another is sent, and until each is answered
 * (at most PC_VFU_DMA_TIMEOUT_MS) further requests of the client are served.
 *
 * Return: 0; -ENODEV no client, bus master off, or power state not D0; -EFAULT not mapped (or not there any
 * more); -EACCES mapped without permission; -EBUSY needs a message but a request of the client is still
 * being answered (called from inside a callback: do it after pc_vfu_process() has returned); -ETIMEDOUT no
 * answer; -EINVAL @iova + @len beyond 2^64; or the negative errno of the client's answer.
 */
int pc_vfu_dma_read(struct pc_vfu *s, uint64_t iova, void *dst, size_t len);

/**
 * pc_vfu_dma_write() - write client memory as the function
 *
 * As pc_vfu_dma_read(). Directly reached bytes become visible in ascending order, the last word after all
 * others, and before any interrupt that is sent later. After a failure a part may have been written.
 */
int pc_vfu_dma_write(struct pc_vfu *s, uint64_t iova, const void *src, size_t len);

/**
 * pc_vfu_irq() - raise MSI-X vector @vector
 *
 * The vector's eventfd is signalled if the client has set one and nothing masks it: bus master off, function
 * mask, a mask by SET_IRQS, or the mask bit of a table row that the client has written itself (QEMU keeps
 * the table to itself and never does). A masked interrupt becomes pending, shows in the pending bits of
 * BAR2 and is sent when the last mask goes. Without eventfd it is lost. Never blocks.
 */
void pc_vfu_irq(struct pc_vfu *s, unsigned vector);

/** pc_vfu_error_irq() - signal the error interrupt (index 3): a fatal error of the card. */
void pc_vfu_error_irq(struct pc_vfu *s);

/** pc_vfu_request_irq() - signal the request interrupt (index 4): please give the device back. */
void pc_vfu_request_irq(struct pc_vfu *s);

/**
 * pc_vfu_pull() - the card is pulled out of its slot, for good
 *
 * From now on BARs and configuration space read all-ones, writes and resets do nothing, DMA fails with -ENODEV and no
 * interrupt is sent. The socket stays: it is the slot.
 */
void pc_vfu_pull(struct pc_vfu *s);

/** pc_vfu_get_stats() - copy the counters. */
void pc_vfu_get_stats(const struct pc_vfu *s, struct pc_vfu_stats *out);

#ifdef __cplusplus
}
#endif

#endif /* PC_VFU_H */
