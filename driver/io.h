// SPDX-License-Identifier: Apache-2.0
/*
 * Memory ordering between this processor and a card.
 *
 * C11 fences order processors with each other (inner shareable on arm64), which is not enough for a
 * device, so each architecture says it itself; others fall back to a sequentially consistent fence.
 * Words that the card writes are read once, with the accessors at the end, and are little endian.
 */
#ifndef PC_IO_H
#define PC_IO_H

#include <endian.h>
#include <stdatomic.h>
#include <stdint.h>

/* Loads from DMA memory before it (the valid word) are done before loads after it (the body). */
static inline void portcam_dma_rmb(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dmb oshld" ::: "memory");
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/*
 * Stores to DMA memory before it (the body) are seen by the card before stores after it (the valid
 * word).
 */
static inline void portcam_dma_wmb(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dmb oshst" ::: "memory");
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/*
 * A store to DMA memory before it is done before a load after it: the "arm, check once more, sleep"
 * step.
 */
static inline void portcam_dma_mb(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("mfence" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dmb osh" ::: "memory");
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Stores to memory before it are seen by the card before it sees a register write after it. */
static inline void portcam_io_wmb(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("" ::: "memory"); /* VFIO maps BARs uncached */
#elif defined(__aarch64__)
    __asm__ volatile("dsb st" ::: "memory");
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* A register read before it is done before loads and stores after it. */
static inline void portcam_io_rmb(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dsb ld" ::: "memory");
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* One naturally aligned access, never torn, merged or repeated by the compiler. */
static inline uint32_t pc_read_once32(const void *p)
{
    return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
}

static inline void pc_write_once32(void *p, uint32_t value)
{
    __atomic_store_n((uint32_t *)p, value, __ATOMIC_RELAXED);
}

static inline uint32_t pc_mmio_read32(const volatile void *p)
{
    uint32_t v = *(const volatile uint32_t *)p;

    portcam_io_rmb();
    return le32toh(v);
}

static inline void pc_mmio_write32(volatile void *p, uint32_t value)
{
    portcam_io_wmb();
    *(volatile uint32_t *)p = htole32(value);
}

#endif /* PC_IO_H */
