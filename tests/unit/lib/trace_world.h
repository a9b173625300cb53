// SPDX-License-Identifier: Apache-2.0
/* A card with a trace for the unit tests of it, and packets that each do something else. */
#ifndef PC_TEST_TRACE_WORLD_H
#define PC_TEST_TRACE_WORLD_H

#include "fixture.h"

#include "portcam/trace.h"

#define CLIENT "203.0.113.9"
#define PUBLIC "198.51.100.1"

extern struct trace_world {
    struct portcam *pc;
    struct portcam_report *report;
    struct portcam_trace *trace;
} trace_world;

int trace_setup(void **state);
int trace_teardown(void **state);

#define FILTER(...)                                                                                \
    (struct portcam_trace_filter)                                                                  \
    {                                                                                              \
        .sz = sizeof(struct portcam_trace_filter), __VA_ARGS__                                     \
    }

/* As portcam_trace_open() and _close(). */
int trace_begin(const struct portcam_trace_filter *filter);
void trace_end(void);

enum { A_SYN, A_REPLY, A_QUERY, A_ANSWER, A_SIX, A_WRONG_PORT, A_STRANGER, A_PING, PACKETS };
void trace_packet(unsigned which);

/* A register of the card. */
uint32_t trace_reg(uint32_t offset);

/* The number of samples that are there; they are taken. */
unsigned trace_samples(void);

/* A test whose name is a sentence. */
#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, trace_setup, trace_teardown, NULL                                          \
    }

#endif
