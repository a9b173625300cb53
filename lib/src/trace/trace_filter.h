// SPDX-License-Identifier: Apache-2.0
/*
 * A filter in two parts: what the card compares by itself, and what is compared here because the
 * card cannot.
 */
#ifndef PC_TRACE_FILTER_H
#define PC_TRACE_FILTER_H

#include "base/text.h"
#include "driver/samples.h"
#include "instance/instance.h"
#include "parse.h"
#include "portcam/trace.h"

/* An address range; family 0: any. */
struct pc_trace_prefix {
    struct pc_ip ip;
    unsigned length;
};

/* What is left for the host: PC_NONE or 0 where nothing is. */
struct pc_trace_rest {
    bool any; /* there is something to compare */
    struct pc_trace_prefix hosts[2];
    unsigned ports[2];
    int domain, address, service, backend; /* numbers */
    unsigned every, rate;                  /* then these are applied behind it */
};

struct pc_trace_plan {
    struct pc_samples_filter card;
    struct pc_trace_rest rest;
};

/* 0, -EINVAL or -ENOENT with a message. */
int pc_trace_plan_make(const struct portcam *pc, const struct portcam_trace_filter *filter,
                       struct portcam_report *report, struct pc_trace_plan *ret);

/* Does a sample that the card chose fit? */
bool pc_trace_fits(const struct pc_trace_rest *rest, const struct portcam_trace_header *header,
                   const struct pc_parsed *parsed);

/* The head of a sample parsed as the card did, fragments as the slow path does. */
void pc_trace_parse(const struct portcam_trace_sample *s, struct pc_parsed *ret);

/* Did that find addresses? */
bool pc_trace_has_addresses(const struct pc_parsed *p);

#endif
