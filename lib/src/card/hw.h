// SPDX-License-Identifier: Apache-2.0
/*
 * A card as the library uses it: capabilities, batches of commands, rows and counters, over one device and its command
 * ring. Every value that the card gives is bounded here. After a failure of the ring it is restarted before the next
 * batch. Failures leave a sentence in pc_hw_error(). What uses the ring may be called by several threads, one waits for
 * the other.
 */
#ifndef PC_HW_H
#define PC_HW_H

#include "portcam_defs.h"
#include "rows/image.h"

struct pc_hw;

/* Opens without resetting: tables stay as they are. 0 or -errno, with a message. */
int pc_hw_open(const char *device, portcam_line_fn log, void *log_ctx,
               struct portcam_report *report, struct pc_hw **ret);
void pc_hw_close(struct pc_hw *hw);

const struct portcam_caps *pc_hw_caps(const struct pc_hw *hw);
const char *pc_hw_name(const struct pc_hw *hw);
const char *pc_hw_transport(const struct pc_hw *hw);

struct portcam_dev;
/* The device itself, for tests. */
struct portcam_dev *pc_hw_device(struct pc_hw *hw);

/* The sentence of the last failure. */
const char *pc_hw_error(void);

/*
 * Run commands in order. 0; -EREMOTEIO when the card refused one: *ret_index and *ret_status say which and why; or
 * -errno of the ring or device.
 */
int pc_hw_run(struct pc_hw *hw, struct portcam_command *commands, unsigned count,
              unsigned *ret_index, unsigned *ret_status);

/* All rows of all tables, as packets see them. */
int pc_hw_read_image(struct pc_hw *hw, struct pc_image *ret);

int pc_hw_counters(struct pc_hw *hw, unsigned table, uint32_t row, uint32_t count,
                   struct portcam_counter *ret);

/* ---- connection records; for cards that have them ---- */

/* Slots of both families. */
uint32_t pc_hw_slots(const struct pc_hw *hw);

/* Slots that are looked at in one go. */
#define PC_HW_CHUNK PORTCAM_BUILD_MAX_COUNT

/*
 * The records of up to PC_HW_CHUNK slots, in the order of slots; `ret` has as many elements as slots are looked at. All
 * fields are those of a record; numbers are below the card's sizes. -EPROTO when they are not.
 */
int pc_hw_connections(struct pc_hw *hw, uint32_t slot, uint32_t count,
                      struct portcam_connection_image *ret, uint32_t *ret_count);

/*
 * End records, up to PC_HW_CHUNK of them; only their slots and generations are read, and where it was still that record the
 * whole becomes the last it was. *ret_ended says how many; those stand first, in their order, the others behind them. Where it
 * fails these are those that ended before.
 */
int pc_hw_end_connections(struct pc_hw *hw, struct portcam_connection_image *images, uint32_t count,
                          uint32_t *ret_ended);

/* Make one record; slot and generation of the image are not looked at. 0: *ret_status says what the card did. */
int pc_hw_insert_connection(struct pc_hw *hw, const struct portcam_connection_image *image,
                            unsigned *ret_status);
/*
 * Make records of up to PC_HW_CHUNK images, in order, up to the first that the card refuses: *ret_made says how many were
 * made, *ret_status why it was refused (or ok). 0 or -errno.
 */
int pc_hw_insert_connections(struct pc_hw *hw, const struct portcam_connection_image *images,
                             uint32_t count, uint32_t *ret_made, unsigned *ret_status);

/* Counters of the connections of backends. */
int pc_hw_backends(struct pc_hw *hw, uint32_t first, uint32_t count,
                   struct portcam_backend_state *ret);

/* Copy 64 bytes from host memory to host memory through the card; -EILSEQ when they differ. */
int pc_hw_dma_test(struct pc_hw *hw);

/* The eventfd of a vector, owned by the card; -1: there is none. */
int pc_hw_irq_fd(const struct pc_hw *hw, unsigned vector);

int pc_hw_register(struct pc_hw *hw, uint32_t offset, uint32_t *ret);
int pc_hw_set_register(struct pc_hw *hw, uint32_t offset, uint32_t value);

/* Function level reset, and the ring started again. */
int pc_hw_reset(struct pc_hw *hw);

/* The card was reset by somebody else: the ring is started again before the next command. */
void pc_hw_was_reset(struct pc_hw *hw);

/* 0, -ENODEV gone, -EIO bus error, -ESTALE the kernel wants it back. */
int pc_hw_alive(struct pc_hw *hw);
unsigned pc_hw_poll_fds(const struct pc_hw *hw, int *fds, unsigned max);

/* -ENODEV and the like as the code of a message. */
const char *pc_hw_code(int rc);

#endif
