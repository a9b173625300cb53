// SPDX-License-Identifier: Apache-2.0
/*
 * Packets between the card and this program: what the card punts comes in, what the program injects
 * leaves by a function of the card. Both rings are opened together. Rules: docs/pipeline.md section
 * 9; which packets are punted is decided by the row of table limits.
 *
 * Everything the card writes is checked before it is used; rings that break the rules are broken
 * until restarted, and never crash the host.
 *
 * Context: one thread at a time for the receiving functions (poll, release, arm, wait), one for
 * send; open, restart and close alone. Not to be used after the device is closed.
 */
#ifndef PORTCAM_PUNT_H
#define PORTCAM_PUNT_H

#include "dev.h"
#include "portcam_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

struct portcam_punt;

/**
 * struct portcam_punt_opts - shape of the rings; zero means the default
 * @sz: sizeof(struct portcam_punt_opts) of the caller
 * @log2_punt: entries for punted packets as a power of two, 2 to 12, default 6; 16 KiB each
 * @log2_inject: entries for injected frames as a power of two, 2 to 12, default 6; up to 16 KiB each
 * @use_irq: sleep on @irq_fd, otherwise look again in growing intervals of up to a millisecond
 * @irq_fd: eventfd connected to vector PORTCAM_VECTOR_PUNTS by portcam_dev_set_irqs()
 */
struct portcam_punt_opts {
    size_t sz;
    unsigned log2_punt;
    unsigned log2_inject;
    bool use_irq;
    int irq_fd;
};

/**
 * struct portcam_punted - a packet that the card handed over
 * @header: a copy; its len is that of @frame and at most the card's longest frame, ingress and
 * egress are functions of the card, reason is one that may be punted
 * @frame: the bytes as they came, in memory that the card can write to until the packet is
 * released: copy what must not change between a check and its use
 */
struct portcam_punted {
    struct portcam_punt_header header;
    const uint8_t *frame;
};

/**
 * struct portcam_injected - a frame to send
 * @frame: bytes without FCS; copied
 * @len: bytes, 1 to the card's longest frame
 * @egress: function it leaves by, 0 the network
 */
struct portcam_injected {
    const void *frame;
    size_t len;
    unsigned egress;
};

/**
 * portcam_punt_open() - set up and start both rings
 * @dev: device; is started (bus master) as the last step before the rings are enabled
 * @opts: options, NULL for defaults
 * @ret: receives the rings
 *
 * Return: 0; -EOPNOTSUPP the card has no such rings; -EINVAL options; -ETIMEDOUT an older ring does
 * not stop; -ENOMEM; -ENODEV gone; -EIO the card refuses the rings; or -errno of the transport.
 */
PORTCAM_API int portcam_punt_open(struct portcam_dev *dev, const struct portcam_punt_opts *opts,
                                  struct portcam_punt **ret);

/**
 * portcam_punt_close() - stop the rings and free their memory
 * @punt: rings or NULL; packets that were not polled are lost
 *
 * If the card does not confirm that it stopped, DMA of the whole device is forbidden first.
 */
PORTCAM_API void portcam_punt_close(struct portcam_punt *punt);

/**
 * portcam_punt_restart() - empty the rings and start them, after an error or a device reset
 * @punt: rings; packets that were polled and not released are gone
 *
 * Return: as portcam_punt_open().
 */
PORTCAM_API int portcam_punt_restart(struct portcam_punt *punt);

/**
 * portcam_punt_poll() - look at punted packets that are there, without waiting
 * @punt: rings
 * @packets: receives them, oldest first, from behind those that were polled before
 * @max: room in @packets
 * @ret_count: receives how many, 0 when there are none
 *
 * Return: 0, -EPROTO when the card wrote what cannot be, -EIO broken before.
 */
PORTCAM_API int portcam_punt_poll(struct portcam_punt *punt, struct portcam_punted *packets,
                                  unsigned max, unsigned *ret_count);

/**
 * portcam_punt_release() - give the oldest polled packets back to the card
 * @punt: rings
 * @count: how many
 *
 * Return: 0, -EINVAL when fewer are polled, or -errno of the transport.
 */
PORTCAM_API int portcam_punt_release(struct portcam_punt *punt, unsigned count);

/**
 * portcam_punt_arm() - ask for an interrupt when the next packet is there; for event loops
 * @punt: rings
 *
 * Return: 1 when one is there already (poll first), 0 armed, -EPROTO, -EIO, -ENODEV, or -errno.
 */
PORTCAM_API int portcam_punt_arm(struct portcam_punt *punt);

/**
 * portcam_punt_wait() - sleep until there is a packet to poll
 * @punt: rings
 * @timeout_ms: longest time, 0 looks once
 *
 * Return: 0 when there is one; -ETIMEDOUT; -EIO the card stopped a ring (the sentence says why);
 * -ENODEV gone; -EPROTO; or -errno.
 */
PORTCAM_API int portcam_punt_wait(struct portcam_punt *punt, unsigned timeout_ms);

/**
 * portcam_inject_send() - send frames, without waiting
 * @punt: rings
 * @frames: they leave in this order
 * @count: how many
 * @ret_sent: receives how many the ring had room for, from the first on; may be NULL
 *
 * Return: 0; -EAGAIN none was sent, the ring is full; -EINVAL a length or function that the card
 * does not take, and nothing was sent; -EIO the card stopped the ring; -EPROTO; -ENODEV; or -errno.
 */
PORTCAM_API int portcam_inject_send(struct portcam_punt *punt,
                                    const struct portcam_injected *frames, unsigned count,
                                    unsigned *ret_sent);

/**
 * portcam_punt_dropped() - packets that found the ring full, and descriptors the card refused
 * @punt: rings
 * @ret_full: since the start of the rings; may be NULL
 * @ret_refused: since the start of the rings; may be NULL
 *
 * Return: 0, -ENODEV, or -errno.
 */
PORTCAM_API int portcam_punt_dropped(struct portcam_punt *punt, uint32_t *ret_full,
                                     uint32_t *ret_refused);

#ifdef __cplusplus
}
#endif

#endif /* PORTCAM_PUNT_H */
