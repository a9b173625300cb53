// SPDX-License-Identifier: Apache-2.0
/*
 * The command ring of a card: commands go in by the batch, completions come back in order.
 *
 * Enqueue postpones, push rings the doorbell once, pull takes completions; wait sleeps. A
 * completion means that the command's effect is visible to packets. The card writes one for a
 * failure, for a command with PORTCAM_COMMAND_COMPLETE, and for the last command before the
 * doorbell. Everything the card writes is checked before it is used; a ring that breaks the rules
 * is broken until restarted, and never crashes the host.
 *
 * Context: one thread at a time for a ring; the ring must not be used after its device is closed.
 */
#ifndef PORTCAM_RING_H
#define PORTCAM_RING_H

#include "dev.h"
#include "portcam_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

struct portcam_ring;

/**
 * struct portcam_ring_opts - shape of the ring; zero means the default
 * @sz: sizeof(struct portcam_ring_opts) of the caller
 * @log2_size: entries as a power of two, 6 to 16, default 10
 * @use_irq: sleep on @irq_fd, otherwise look again in growing intervals of up to a millisecond
 * @irq_fd: eventfd connected to vector PORTCAM_VECTOR_COMMANDS by portcam_dev_set_irqs()
 * @ready_ms: how long the card may take to become ready after a reset, default 10000
 */
struct portcam_ring_opts {
    size_t sz;
    unsigned log2_size;
    bool use_irq;
    int irq_fd;
    unsigned ready_ms;
};

/**
 * portcam_ring_open() - set up and start the command ring
 * @dev: device; is started (bus master) as the last step before the ring is enabled
 * @opts: options, NULL for defaults
 * @ret: receives the ring
 *
 * Return: 0; -EINVAL options; -ETIMEDOUT the card does not become ready; -ENOMEM; -ENODEV gone;
 * -EIO the card refuses the ring; or -errno of the transport.
 */
PORTCAM_API int portcam_ring_open(struct portcam_dev *dev, const struct portcam_ring_opts *opts,
                                  struct portcam_ring **ret);

/**
 * portcam_ring_close() - stop the ring and free its memory
 * @ring: ring or NULL; commands that are not completed are forgotten
 *
 * If the card does not confirm that it stopped, DMA of the whole device is forbidden first.
 */
PORTCAM_API void portcam_ring_close(struct portcam_ring *ring);

/**
 * portcam_ring_restart() - empty the ring and start it at index 0, after an error or a device reset
 * @ring: ring
 *
 * Commands that are not completed are forgotten; each is idempotent and may be sent again.
 *
 * Return: as portcam_ring_open().
 */
PORTCAM_API int portcam_ring_restart(struct portcam_ring *ring);

/**
 * portcam_ring_space() - commands that fit before -EAGAIN
 * @ring: ring
 */
PORTCAM_API unsigned portcam_ring_space(const struct portcam_ring *ring);

/**
 * portcam_ring_enqueue() - put a command into the ring without telling the card
 * @ring: ring
 * @command: copied; its cookie is chosen by the caller and comes back in the completion
 *
 * Return: 0, -EAGAIN when full (push, and pull completions), -EIO when the ring is broken.
 */
PORTCAM_API int portcam_ring_enqueue(struct portcam_ring *ring,
                                     const struct portcam_command *command);

/**
 * portcam_ring_push() - tell the card of everything enqueued, with one doorbell
 * @ring: ring
 *
 * Return: 0 (also when there is nothing new), -EIO broken, -ENODEV gone, or -errno of the
 * transport.
 */
PORTCAM_API int portcam_ring_push(struct portcam_ring *ring);

/**
 * portcam_ring_pull() - take completions that are there, without waiting
 * @ring: ring
 * @completions: receives them, in order of the commands
 * @max: room in @completions
 * @ret_count: receives how many, 0 when there are none
 *
 * Return: 0, -EPROTO when the card wrote what cannot be, -EIO broken before, -ENODEV gone.
 */
PORTCAM_API int portcam_ring_pull(struct portcam_ring *ring, struct portcam_completion *completions,
                                  unsigned max, unsigned *ret_count);

/**
 * portcam_ring_wait() - sleep until there is a completion to pull
 * @ring: ring
 * @timeout_ms: longest time, 0 looks once
 *
 * Return: 0 when there is one; -ETIMEDOUT; -EIO the card stopped the ring (the sentence says why);
 * -ENODEV gone; -EPROTO; or -errno.
 */
PORTCAM_API int portcam_ring_wait(struct portcam_ring *ring, unsigned timeout_ms);

/**
 * portcam_ring_outstanding() - commands pushed or enqueued whose end is not known yet
 * @ring: ring
 */
PORTCAM_API unsigned portcam_ring_outstanding(const struct portcam_ring *ring);

/**
 * portcam_ring_run() - send commands and wait for the end of all of them
 * @ring: ring without outstanding commands
 * @commands: commands; their cookies are replaced by their index
 * @count: number, may exceed the ring's size
 * @timeout_ms: longest time without any progress
 * @ret_failed: receives the completion with the lowest index that failed when the result is
 * -EREMOTEIO; may be NULL
 *
 * All commands are sent even when some fail.
 *
 * Return: 0 when all succeeded; -EREMOTEIO when the card refused some (the sentence names the
 * first); -EBUSY when commands are outstanding; otherwise as portcam_ring_wait().
 */
PORTCAM_API int portcam_ring_run(struct portcam_ring *ring, struct portcam_command *commands,
                                 unsigned count, unsigned timeout_ms,
                                 struct portcam_completion *ret_failed);

/**
 * portcam_status_text() - what a status of a completion means
 * @status: enum portcam_status, or anything
 *
 * Return: a short English text, never NULL.
 */
PORTCAM_API const char *portcam_status_text(unsigned status);

#ifdef __cplusplus
}
#endif

#endif /* PORTCAM_RING_H */
