// SPDX-License-Identifier: Apache-2.0
/* A model device as the card of a slow path: for portcam-model and tests. What the device punts goes to the engine at once, and
 * what that sends comes out at `send`. */
#ifndef PC_SLOW_DEVICE_H
#define PC_SLOW_DEVICE_H

#include "device.h"
#include "slow.h"

struct pc_slow_device {
    struct pc_device *device;
    void (*send)(void *ctx, unsigned egress, const uint8_t *frame, size_t len);
    void *ctx;
    uint64_t now_ms;      /* for the engine; the device's time comes with its packets */
    struct pc_slow *slow; /* made by pc_slow_device_init() */
};

/* Connects `device`, `send` and `ctx`, which are set. 0 or -ENOMEM. */
int pc_slow_device_init(struct pc_slow_device *s, const struct pc_slow_limits *limits);
void pc_slow_device_fini(struct pc_slow_device *s);

/* What the engine calls; its ctx is a struct pc_slow_device. */
struct pc_slow_ops pc_slow_device_ops(struct pc_slow_device *s);

#endif
