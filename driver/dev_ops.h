// SPDX-License-Identifier: Apache-2.0
/*
 * The table of operations that every transport fills, and the device behind the public handle.
 *
 * driver/dev.c checks arguments, keeps the table of DMA mappings and the state; a transport does
 * what is asked. Nothing above this table knows which transport is used.
 */
#ifndef PC_DEV_OPS_H
#define PC_DEV_OPS_H

#include <pthread.h>
#include <stdatomic.h>

#include <portcam/dev.h>

#include "arena.h"
#include "dma_table.h"
#include "sys.h"

/* Smallest BAR0 the driver accepts: the register map of the card. */
#define PC_BAR0_SIZE 0x10000u

/*
 * Every int function returns 0 or -errno and leaves a sentence with pc_fail(). Arguments are
 * already checked.
 */
struct pc_dev_ops {
    const char *prefix; /* of device names, with the colon */

    /*
     * `rest` is the name after the prefix. On failure nothing is left behind. The card is there,
     * not yet doing DMA.
     */
    int (*open)(struct portcam_dev *dev, const char *rest, const struct portcam_dev_opts *opts);
    /* Fills everything but the name. */
    void (*info)(struct portcam_dev *dev, struct portcam_dev_info *ret);
    int (*reg_read32)(struct portcam_dev *dev, uint32_t offset, uint32_t *ret);
    int (*reg_write32)(struct portcam_dev *dev, uint32_t offset, uint32_t value);
    int (*map_dma)(struct portcam_dev *dev, uint64_t iova, uint64_t size, int fd, uint64_t offset,
                   void *vaddr, uint32_t flags);
    int (*unmap_dma)(struct portcam_dev *dev, uint64_t iova, uint64_t size);
    /* MSI-X; count 0 disables all. */
    int (*set_irqs)(struct portcam_dev *dev, unsigned start, unsigned count, const int *fds);
    int (*bus_master)(struct portcam_dev *dev, bool on);
    int (*reset)(struct portcam_dev *dev);
    /* Serve what is pending, set the state from interrupts; 0 or -ENODEV. */
    int (*liveness)(struct portcam_dev *dev);
    unsigned (*poll_fds)(const struct portcam_dev *dev, int fds[PORTCAM_DEV_POLL_FDS]);
    /* First half of closing: let the device go, so that mappings can be removed. May be NULL. */
    void (*detach)(struct portcam_dev *dev);
    /* Second half: everything that is left. */
    void (*close)(struct portcam_dev *dev);
};

struct portcam_dev {
    const struct pc_dev_ops *ops;
    void *priv; /* of the transport */
    const struct pc_sys *sys;
    char *name;
    struct portcam_dev_info info;
    portcam_log_fn log;
    void *log_ctx;
    struct pc_dma_table maps;
    struct pc_arena arena;
    pthread_mutex_t lock; /* bus master, interrupts, reset */
    bool started;
    _Atomic int state; /* enum portcam_dev_state, only ever raised, except by a reset */
};

/* Raise the state; it never falls by this. */
void pc_dev_raise(struct portcam_dev *dev, enum portcam_dev_state state);

/* Mark as gone. Return: -ENODEV with a sentence that gives the reason. */
int pc_dev_gone(struct portcam_dev *dev, const char *why);

bool pc_dev_is_gone(const struct portcam_dev *dev);

/* Return: -ENODEV with a sentence, for calls on a device that is gone. */
int pc_dev_gone_already(const struct portcam_dev *dev);

void pc_dev_log(const struct portcam_dev *dev, enum portcam_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Checks magic and interface version (identify.c). Return: 0, -ENODEV, -EPROTO, -EPROTONOSUPPORT.
 */
int pc_identify(struct portcam_dev *dev);

/* Is this the value of the identification register of a card that is there? */
bool pc_magic_ok(uint32_t magic);

extern const struct pc_dev_ops pc_dev_model_ops;
extern const struct pc_dev_ops pc_dev_vfio_user_ops;
extern const struct pc_dev_ops pc_dev_vfio_ops;

#endif /* PC_DEV_OPS_H */
