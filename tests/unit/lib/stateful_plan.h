/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations with stateful services as text, and the rows of their plans. */
#ifndef PC_TEST_STATEFUL_PLAN_H
#define PC_TEST_STATEFUL_PLAN_H

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 65536, NONE = 0xffff };

/* Writes a configuration of services; to be freed. */
struct text {
    char *at;
    size_t n, room;
};

static inline void put(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void put(struct text *t, const char *format, ...)
{
    va_list args;
    if (t->room - t->n < 1024) {
        t->room = t->room ? 2 * t->room : 65536;
        t->at = realloc(t->at, t->room);
        assert_non_null(t->at);
    }
    va_start(args, format);
    t->n += (size_t)vsnprintf(t->at + t->n, t->room - t->n, format, args);
    va_end(args);
}

#define HEAD                                                                                       \
    "{'format': 1, 'domains': [{'name': 'd'}], 'addresses': [{'address': '198.51.100.1', "         \
    "'domain': 'd'}, {'address': '198.51.100.2', 'domain': 'd'}, {'address': '198.51.100.0/28', "  \
    "'domain': 'd'}], "

#define B(name, ip, more) "{'name': '" name "', 'address': '" ip "', 'function': 1" more "}"

#define S(name, port, more)                                                                        \
    "{'name': '" name                                                                              \
    "', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', 'port': " port                \
    ", 'mode': 'stateful', " more "}"

#define ABC                                                                                        \
    "'backends': [" B("a", "192.0.2.1", "") ", " B("b", "192.0.2.2", "") ", " B("c", "192.0.2.3",  \
                                                                                "") "]"

static inline struct pc_plan *plan_of(const char *text, const struct pc_plan *before)
{
    struct portcam_caps caps = test_caps_stateful();
    return test_plan(text, &caps, before);
}

static inline size_t index_of(const struct pc_plan *plan, enum pc_kind kind, const char *name)
{
    for (size_t i = 0; i < plan->numbers[kind].count; i++) {
        if (strcmp(pc_object_name(plan->config, kind, i), name) == 0)
            return i;
    }
    fail_msg("no %s", name);
    return 0;
}

static inline unsigned number_of(const struct pc_plan *plan, enum pc_kind kind, const char *name)
{
    return plan->numbers[kind].number[index_of(plan, kind, name)];
}

static inline const struct portcam_service_row *service_row(const struct pc_plan *plan,
                                                            const char *name)
{
    unsigned number = number_of(plan, PC_SERVICE, name);
    for (uint32_t i = 0; i < plan->image->rows[PORTCAM_TABLE_SERVICE]; i++) {
        const struct pc_image_row *at = &plan->image->table[PORTCAM_TABLE_SERVICE][i];
        const struct portcam_service_row *row = (const void *)at->data;
        if (at->valid && row->service == number)
            return row;
    }
    fail_msg("no row of %s", name);
    return NULL;
}

/* How many of the slots have each backend, first or second. */
static inline void count(uint16_t (*pairs)[2], uint32_t n, unsigned which, unsigned *counts)
{
    memset(counts, 0, PORTCAM_BUILD_BACKENDS * sizeof(*counts));
    for (uint32_t i = 0; i < n; i++) {
        if (pairs[i][which] != NONE)
            counts[pairs[i][which]]++;
    }
}

#endif
