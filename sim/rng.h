/* SPDX-License-Identifier: Apache-2.0 */
/* A small deterministic random generator (splitmix64) for stimulus: every component takes its own stream from the printed
 * seed, so that a draw more in one does not move the others. Not for secrets. */
#ifndef PC_SIM_RNG_H
#define PC_SIM_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pc_rng {
    uint64_t state;
};

static inline uint64_t pc_rng_next(struct pc_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The stream of a component: another one for each name. */
static inline struct pc_rng pc_rng_stream(uint64_t seed, const char *name)
{
    struct pc_rng r = {seed};
    for (; *name; name++)
        r.state = pc_rng_next(&r) ^ (uint8_t)*name;
    return r;
}

/* A number below n; n at least 1. */
static inline uint32_t pc_rng_below(struct pc_rng *r, uint32_t n)
{
    return (uint32_t)((pc_rng_next(r) >> 32) * n >> 32);
}

/* True `percent` times in a hundred. */
static inline bool pc_rng_chance(struct pc_rng *r, unsigned percent)
{
    return pc_rng_below(r, 100) < percent;
}

static inline void pc_rng_bytes(struct pc_rng *r, void *dst, size_t len)
{
    uint8_t *p = (uint8_t *)dst;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t w = pc_rng_next(r);
        memcpy(p, &w, 8);
    }
    if (len) {
        uint64_t w = pc_rng_next(r);
        memcpy(p, &w, len);
    }
}

#endif
