// SPDX-License-Identifier: Apache-2.0
/*
 * A kernel with one VFIO card, behind struct pc_sys: it behaves as measured kernels do (refuses
 * calls in the wrong order), writes down every call, can fail the N-th one, and counts what is
 * still open.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sys.h"

enum { FK_CALLS = 512, FK_FDS = 64, FK_MAPS = 32 };

enum fk_kind {
    FK_CLOSED,
    FK_CONTAINER,
    FK_GROUP,
    FK_DEVICE,
    FK_IOMMUFD,
    FK_EVENTFD,
    FK_MEMFD,
};

struct fk {
    /* what happened */
    char calls[FK_CALLS][72];
    unsigned n_calls;
    unsigned steps; /* calls that could have failed */
    bool failed;    /* the wanted failure came */

    /* how to behave */
    unsigned fail_at; /* this step fails; 0: none */
    int fail_errno;
    const char *fail_call; /* every call whose line begins so fails with fail_errno */
    bool no_hugetlb;
    bool no_mmap;          /* BAR0 without VFIO_REGION_INFO_FLAG_MMAP */
    bool no_msix_mappable; /* an old kernel; with msix_in_bar0 the table is in the way */
    bool msix_in_bar0;
    bool sparse;
    bool not_viable;
    bool no_ranges;
    bool many_ranges; /* iommufd: more than the first question has room for */
    bool no_req_err;
    unsigned vectors_available; /* SET_IRQS answers this when more are wanted; 0: enough */
    uint64_t memlock;           /* bytes that may be mapped */
    unsigned map_limit;
    uint32_t bar0_size;
    bool garbage_caps;

    /* the card */
    unsigned char config[256];
    unsigned char *bar0;

    /* state */
    enum fk_kind fds[FK_FDS];
    bool fired[FK_FDS]; /* eventfds with something to read */
    int irq_fds[5][16]; /* by index and vector; 0: none */
    struct {
        void *at;
        size_t len;
    } mmaps[FK_MAPS];
    struct {
        uint64_t iova;
        uint64_t size;
    } dma[FK_MAPS];
    bool in_container;
    bool iommu_set;
    bool bound;
    bool attached;
};

extern struct fk fk;
extern const struct pc_sys fk_sys;

/* A card as it should be. */
void fk_reset(void);
void fk_free(void);

/* What is still open, mapped or pinned; 0 is right after a close. */
unsigned fk_leaks(void);

/* The interrupt of an index and vector comes. */
void fk_fire(unsigned index, unsigned vector);

/* Fails the test unless the calls are these, a NULL at the end. */
void fk_expect(const char *const *calls);

#endif /* FAKE_KERNEL_H */
