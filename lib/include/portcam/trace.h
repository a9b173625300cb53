// SPDX-License-Identifier: Apache-2.0
/*
 * Samples of live packets that match a filter, each with what the card decided about it: where did
 * my packet go, and by which rule? The card takes them beside its work: no packet is changed, held
 * up or lost for it, and what does not fit the limits is left out and counted. Nothing is sampled
 * while no trace is open.
 *
 * Threads: all functions belong to the thread of the struct portcam.
 */
#ifndef PORTCAM_TRACE_H
#define PORTCAM_TRACE_H

#include "portcam.h"
#include "portcam_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

struct portcam_trace;

/* Samples a second where no filter says otherwise. */
#define PORTCAM_TRACE_RATE 1000

/**
 * struct portcam_trace_filter - which packets; zero and NULL mean any, and all that is given must fit
 * @sz: sizeof(struct portcam_trace_filter) of the caller; a tail that the library does not know must
 * be zero
 * @src: "ADDRESS" or "ADDRESS/LENGTH" that the source is in
 * @dst: the same for the destination
 * @hosts: each must be the source or the destination; where both are given, one of each
 * @src_port: source port
 * @dst_port: destination port
 * @ports: as @hosts
 * @protocol: "tcp", "udp", "sctp", "icmp", "icmpv6" or a number
 * @version: 4 or 6
 * @by_ingress: only from function @ingress
 * @ingress: 0 the network, else a host function
 * @domain: @address: @service: @backend: names of what the card chose; an address as "PREFIX" or
 * "PREFIX vlan N"
 * @reasons: names of reasons with commas between; a fate ("pass", "drop", "rewrite", "deliver",
 * "reject") stands for all reasons that have it
 * @every: only each n-th of those that fit, 1 to 65,535; 0 is 1
 * @rate: at most so many samples a second, and at once, 1 to 65,535; 0 is PORTCAM_TRACE_RATE
 */
struct portcam_trace_filter {
    size_t sz;
    const char *src;
    const char *dst;
    const char *hosts[2];
    unsigned src_port;
    unsigned dst_port;
    unsigned ports[2];
    const char *protocol;
    unsigned version;
    bool by_ingress;
    unsigned ingress;
    const char *domain;
    const char *address;
    const char *service;
    const char *backend;
    const char *reasons;
    unsigned every;
    unsigned rate;
};

/**
 * struct portcam_trace_sample - one packet
 * @header: what the card says of it: numbers are below the card's sizes or "none", its reason is
 * one that there is
 * @head: its first bytes as it came
 * @captured: bytes of @head that are there
 */
struct portcam_trace_sample {
    struct portcam_trace_header header;
    uint8_t head[PORTCAM_TRACE_WINDOW];
    unsigned captured;
};

/**
 * struct portcam_trace_counts - what became of the packets
 * @sampled: that were handed over by portcam_trace_next()
 * @matched: that fit the filter
 * @limited: that fit, but there were too many of them
 * @lost: that could not be looked at, or that found no room
 * @nonsense: entries that the card wrote and cannot be; they are skipped
 * @restarts: how often the card was reset meanwhile
 */
struct portcam_trace_counts {
    uint64_t sampled;
    uint64_t matched;
    uint64_t limited;
    uint64_t lost;
    uint64_t nonsense;
    uint64_t restarts;
};

/**
 * portcam_trace_open() - begin to sample
 * @pc: card; has at most one trace
 * @filter: which packets, NULL: all
 * @who: who asks, for the message to others that want to trace meanwhile; NULL: nobody is named
 * @report: receives what is wrong
 * @ret: receives the trace
 *
 * Names are those of the configuration that runs now.
 *
 * Return: 0; -EOPNOTSUPP the card cannot; -EBUSY it is being traced; -EINVAL the filter; -ENOENT a
 * name that there is not; -ENOMEM; or -errno of the card.
 */
PORTCAM_API int portcam_trace_open(struct portcam *pc, const struct portcam_trace_filter *filter,
                                   const char *who, struct portcam_report *report,
                                   struct portcam_trace **ret);

/**
 * portcam_trace_next() - the next sample, without waiting
 * @trace: trace
 * @ret: receives it
 *
 * A few hundred entries at most are looked at in one call. After a reset of the card the trace goes
 * on with the same filter.
 *
 * Return: 1 there is one; 0 there is none now; -ENODEV the card is gone; -EIO it stopped the trace;
 * or -errno.
 */
PORTCAM_API int portcam_trace_next(struct portcam_trace *trace, struct portcam_trace_sample *ret);

/**
 * portcam_trace_sample_json() - a sample by the names of the running configuration
 * @trace: trace that it came from
 * @sample: sample
 *
 * Return: {"time", "ingress", "verdict", "reason", "protocol", "source", ...}, a new reference, or
 * NULL without memory.
 */
PORTCAM_API struct json_t *portcam_trace_sample_json(const struct portcam_trace *trace,
                                                     const struct portcam_trace_sample *sample);

/**
 * portcam_trace_get_counts() - what became of the packets until now
 * @trace: trace
 * @ret: receives it
 *
 * Where the card cannot be asked any more it is what was known before.
 */
PORTCAM_API void portcam_trace_get_counts(struct portcam_trace *trace,
                                          struct portcam_trace_counts *ret);

/**
 * portcam_trace_error() - the sentence of the last failure of portcam_trace_next()
 *
 * Return: of the calling thread; valid until its next call.
 */
PORTCAM_API const char *portcam_trace_error(void);

/**
 * portcam_trace_close() - end it
 * @trace: trace or NULL
 *
 * portcam_close() does so too.
 */
PORTCAM_API void portcam_trace_close(struct portcam_trace *trace);

#ifdef __cplusplus
}
#endif

#endif /* PORTCAM_TRACE_H */
