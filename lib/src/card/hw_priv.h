/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an open card: hw.c opens it and runs batches, hw_rows.c and hw_connections.c make the batches. */
#ifndef PC_HW_PRIV_H
#define PC_HW_PRIV_H

#include <pthread.h>

#include <portcam/dev.h>
#include <portcam/ring.h>

#include "hw.h"
#include "hw_irq.h"

struct pc_hw {
    pthread_mutex_t lock; /* the ring and the buffer: the slow path has a thread of its own */
    struct portcam_dev *dev;
    struct portcam_ring *ring;
    struct portcam_caps caps;
    portcam_line_fn log;
    void *log_ctx;
    int irq_fd[PC_VECTORS]; /* by vector; -1: not connected */
    bool restart;           /* the ring failed */
    void *buffer; /* the longest answers: 1,024 row images, PC_HW_CHUNK connection images */
    uint64_t buffer_iova;
};

/* From here to the end of the function the ring and the buffer are this thread's. */
#define HELD __attribute__((cleanup(give), unused))

static inline struct pc_hw *take(struct pc_hw *hw)
{
    pthread_mutex_lock(&hw->lock);
    return hw;
}

static inline void give(struct pc_hw **held)
{
    pthread_mutex_unlock(&(*held)->lock);
}

/* pc_hw_run() that gives the whole completion of the command that the card refused. */
int pc_hw_batch(struct pc_hw *hw, struct portcam_command *commands, unsigned count,
                struct portcam_completion *ret_failed);

#endif
