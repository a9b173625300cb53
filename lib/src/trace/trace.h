// SPDX-License-Identifier: Apache-2.0
/* What struct portcam_trace is inside: trace.c owns it, trace_filter.c chooses, trace_json.c puts samples into words. */
#ifndef PC_LIB_TRACE_H
#define PC_LIB_TRACE_H

#include "trace/trace_filter.h"

/* "None" in a header. */
#define PC_TRACE_NONE 0xffffu
#define PC_TRACE_NO_EGRESS 0xffu
#define PC_TRACE_NO_CONNECTION 0xffffffffu

struct portcam_trace {
    struct portcam *pc;
    char *who;
    struct pc_trace_plan plan;
    struct pc_samples *ring;
    struct portcam_trace_counts known; /* what is counted here */
    struct portcam_trace_counts told;  /* what the card counted until now */
    struct pc_samples_counts card;     /* its registers, as last read */
    uint64_t known_ms;                 /* when that was read */
    double day_ms;                     /* time of the day then */
    uint32_t day_card_ms;              /* and time of the card */
    /* Where the card does not apply every and rate. */
    uint64_t turn;
    double tokens;
    uint32_t filled_ms; /* time of the card */
    bool filled;
};

#endif
