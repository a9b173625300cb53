// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of driver_check share: the card, how a check fails, and the checks themselves.
 */
#ifndef PC_CHECK_H
#define PC_CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/dev.h>
#include <portcam/ring.h>

#include "vfio.h"

enum { MIB = 1 << 20, RING_MS = 60000 };

extern const char *device_name;
extern uint32_t way; /* to the IOMMU: a flag of portcam_dev_open() */

static inline bool by_iommufd(void)
{
    return way == PORTCAM_DEV_NO_GROUP;
}

/* Ends the check when it is not good. */
void need(bool good, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define NEED(condition) need(condition, __LINE__, "not so: %s", #condition)
#define NEED_RC(expression, want)                                                                  \
    do {                                                                                           \
        int rc_ = (expression);                                                                    \
        need(rc_ == (want), __LINE__, "%s is %d and not %d", #expression, rc_, (want));            \
    } while (0)
#define NEED_SAYS(text)                                                                            \
    need(strstr(portcam_dev_error(), text) != NULL, __LINE__, "it does not say \"%s\"", text)

int try_open(uint32_t flags, size_t arena, struct portcam_dev **ret);
struct portcam_dev *open_card(uint32_t flags);
double seconds(void);
void set_parameter(const char *file, const char *value);
/* The card copies 64 bytes. */
struct portcam_command copy_command(uint64_t from, uint64_t to);

/* ---- the checks ---- */

void opens(void);
void ranges(void);
void registers_mapped(void);
void registers_by_calls(void);
void dma_both_ways(void);
void commands(void);
void dma_permissions(void);
void dma_unmapped(void);
void dma_stopped(void);
void map_errors(void);
void map_limit(void);
void irq_commands(void);
void irq_errors(void);
void irq_each(void);
void resets(void);
void close_resets(void);
void second_open(void);
void no_permission(void);
void without_root(void);
void memlock_before(void);
void memlock_later(void);
void big_pages(void);

#endif /* PC_CHECK_H */
