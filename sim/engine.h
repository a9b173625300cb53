/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind the simulated card's socket and ports: the RTL, the model, or both in lockstep, behind one table of
 * operations. An engine does nothing by itself: frames and register accesses go in, run() moves time on, and what comes
 * out arrives through the host callbacks from inside run(). reg_read and reg_write never touch host memory, so a vfio-user
 * request can be answered before any DMA starts. Not thread-safe. */
#ifndef PC_SIM_ENGINE_H
#define PC_SIM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called by the engine from inside run(). */
struct pc_engine_host {
    void *ctx;
    int (*dma_read)(void *ctx, uint64_t iova, void *dst, size_t len); /* 0 or -errno */
    int (*dma_write)(void *ctx, uint64_t iova, const void *src, size_t len);
    void (*irq)(void *ctx, unsigned vector);
    void (*frame)(void *ctx, unsigned function, const uint8_t *frame, size_t len); /* goes out */
    void (*difference)(void *ctx, const char *text); /* RTL and model differ */
};

struct pc_engine_stats {
    uint64_t clocks; /* of the RTL; 0 for the model */
    uint64_t frames_in, frames_out;
    uint64_t differences; /* lockstep only */
};

struct pc_engine {
    const char *name;
    void *self;
    uint32_t (*reg_read)(void *self, uint32_t offset);
    void (*reg_write)(void *self, uint32_t offset, uint32_t value);
    void (*reset)(void *self);
    void (*set_time)(void *self, uint32_t ms);
    /* Room for one more frame from this function (0 the network)? Then push takes it. */
    bool (*room)(void *self, unsigned function);
    void (*push)(void *self, unsigned function, const uint8_t *frame, size_t len);
    /* Go on for a bounded while; true if there is more to do at once, false if idle. */
    bool (*run)(void *self);
    void (*stats)(void *self, struct pc_engine_stats *ret);
    void (*free)(void *self);
};

/* Kinds of engine by name: "rtl", "model", "lockstep". false: no such kind, or no memory. */
bool pc_engine_open(struct pc_engine *e, const char *kind, const struct pc_engine_host *host,
                    uint64_t seed);

/* The kinds one by one; pc_engine_open() chooses. */
bool pc_engine_model(struct pc_engine *e, const struct pc_engine_host *host);
bool pc_engine_rtl(struct pc_engine *e, const struct pc_engine_host *host, uint64_t seed,
                   bool lockstep);

#ifdef __cplusplus
}
#endif

#endif
