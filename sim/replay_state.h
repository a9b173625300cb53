/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the replay, for the files that implement replay.h: replay.c has queues, frames and commands,
 * replay_records.c the operations at the record stage, replay_insert.c those of connection_insert, replay_mirror.c the mirror,
 * replay_trace.c samples of packets. */
#ifndef PC_SIM_REPLAY_STATE_H
#define PC_SIM_REPLAY_STATE_H

#include "mirror.h"
#include "replay.h"

/* Things of one size, first in first out. */
struct pc_replay_list {
    uint8_t *bytes;
    size_t size, head, count, room;
};

/* False: no memory; there is none. */
bool pc_replay_list_push(struct pc_replay_list *l, const void *src);
bool pc_replay_list_first(const struct pc_replay_list *l, void *dst);
bool pc_replay_list_pop(struct pc_replay_list *l, void *dst);

/* A packet that the RTL may come to test for the trace. */
#define PC_REPLAY_TRACED 128u
struct pc_replay_traced {
    uint64_t operation; /* packet at the record stage, from 1 */
    struct pc_parsed parsed;
    struct pc_decision decision;
    struct pc_trace_window window;
    uint32_t time;
};

/* The trace that follows: replay_trace.c. */
struct pc_replay_trace {
    struct { /* as the host wrote them; the filter is in the model */
        uint64_t base;
        uint32_t log2, head, head_before;
        bool enable;
    } registers;
    bool watches; /* the ring was enabled: packets are kept */
    struct pc_replay_traced recent[PC_REPLAY_TRACED];
    /* of the start that is followed */
    struct pc_trace model;
    uint64_t base, next; /* next: operation that is tested next */
    uint32_t log2, taken, tail, lost;
    struct pc_replay_list samples;
    unsigned beat; /* of the sample in work, that is written next */
    bool begun;    /* a packet was tested since ENABLE rose */
    bool live;     /* what is written in the ring's memory are samples */
    bool failed;   /* host memory refused, or a reset; what is written counts for nothing */
    struct pc_trace_counts counts;
};

/* The mirror that follows: replay_mirror.c. */
struct pc_replay_mirror {
    struct pc_mirror registers;         /* as the host wrote them */
    struct pc_mirror model;             /* does what the RTL took */
    struct pc_mirror_rings next, taken; /* of the newest ENABLE; of the start that is followed */
    struct pc_replay_list entries, events;
    uint8_t started;          /* number of the start that is followed, modulo 16 */
    bool taking, aging, told; /* the operation in work is taken; is of ageing; changed a record */
    bool failed;              /* host memory refused; what comes behind counts for nothing */
    bool sure;                /* it runs: it has taken or lost something since ENABLE */
    uint32_t tail, dropped;
    struct pc_mirror_counts counts;
};

/* A frame on its way; queues are singly linked, first in first out. */
struct pc_replay_item {
    struct pc_replay_item *next;
    uint64_t number; /* of the frame, counted at its entry */
    unsigned function;
    struct pc_decision decision;
    size_t len;
    uint8_t bytes[];
};

/* A packet that is executed, and wanted at the host. */
struct pc_replay_wanted {
    struct pc_replay_wanted *next;
    struct pc_replay_item *item; /* unless it is dropped it stands in its queue of `expected` */
    uint64_t operation;
    uint8_t side;
    struct pc_parsed parsed;
    struct pc_punt_limits limits;
    struct portcam_punt_header header;
    uint32_t time;
};

struct pc_replay_queue {
    struct pc_replay_item *head, **tail;
    size_t length;
};

/* What happened at the entry, in order; it waits for the headers before it. */
enum pc_event_kind { PC_EVENT_HEADER, PC_EVENT_COMMIT, PC_EVENT_CLEAR, PC_EVENT_COMMAND };

struct pc_replay_event {
    struct pc_replay_event *next;
    uint8_t kind; /* enum pc_event_kind */
    uint8_t side; /* of a header */
    struct portcam_command command;
    unsigned status;
    bool seen; /* image was read back when the command ended */
    uint8_t image[sizeof(struct portcam_row_image)];
};

struct pc_replay {
    struct pc_device *device;
    pc_replay_report report;
    pc_replay_peek peek;
    void *ctx;
    struct pc_replay_queue in[2]; /* by the side they came from: not yet executed */
    struct pc_replay_queue expected[2]
                                   [2]; /* by the side they came from and the side they leave to */
    struct pc_replay_queue answers[2];  /* by the side they leave to */
    struct pc_replay_event *event, **last_event; /* the first is a header, or there is none */
    struct pc_replay_wanted *wanted, **last_wanted;
    struct pc_replay_queue punted[2];   /* by the side they came from; header, then frame */
    struct pc_replay_queue injected[2]; /* by the side they leave to */
    struct {                            /* the punt ring */
        unsigned log2;
        bool starts; /* since nothing was punted into it */
        bool stops;  /* perhaps: what finds no room may have found no ring */
        uint32_t taken, head, head_before;
    } punt;
    uint64_t punts, injects;
    size_t admitted[2]; /* headers among the events, by side */
    uint64_t numbers, differences, frames, made, drops, began;
    bool settled; /* no frame came in and no record changed since the RTL was at rest */
    struct pc_command_result result;
    uint8_t seen[PC_ANSWER_BYTES]; /* the RTL's answer in host memory */

    /* records */
    struct pc_replay_mirror mirror;
    struct pc_replay_trace trace;
    uint64_t operations;                     /* packets at the record stage */
    struct pc_decision last;                 /* the one executed last */
    uint64_t *born;                          /* by slot: the operation that its record began with */
    struct portcam_timeout_row *old_timeout; /* rows before the last commit */
    struct portcam_domain_row *old_domain;
    bool *old_timeout_valid, *old_domain_valid;
    struct pc_replay_ended { /* the newest ends of records, round and round */
        struct pc_client_key key;
        uint64_t operation;
    } ended[64];
    uint64_t ends;
    unsigned images; /* what connection_read has seen */
    struct portcam_connection_image image[PORTCAM_BUILD_MAX_COUNT];
    struct { /* what connection_delete has met */
        bool looked, found, ended;
        uint32_t slot;
        struct portcam_connection_image image;
    } deletion;
    struct {                     /* what connection_insert has made, and the one that was refused */
        unsigned images, status; /* status of the last */
        struct portcam_connection_image image[PORTCAM_BUILD_MAX_COUNT];
    } insertion;
};

/* Count a difference and tell it. */
__attribute__((format(printf, 2, 3))) void pc_replay_differ(struct pc_replay *r, const char *fmt,
                                                            ...);

void pc_replay_push(struct pc_replay_queue *q, struct pc_replay_item *i);
struct pc_replay_item *pc_replay_pop(struct pc_replay_queue *q);
void pc_replay_remove(struct pc_replay_queue *q, struct pc_replay_item *i);
/* A new item of these bytes; NULL, and a difference: no memory. */
struct pc_replay_item *pc_replay_item(struct pc_replay *r, const void *bytes, size_t len);

/* An executed packet that is wanted at the host waits for the choice. */
void pc_replay_punt_wanted(struct pc_replay *r, struct pc_replay_item *i, enum pc_side side,
                           const struct pc_parsed *parsed, uint32_t time);
void pc_replay_punt_free(struct pc_replay *r);

/* The first event is a header: execute it and, behind it, all up to the next header. */
void pc_replay_execute(struct pc_replay *r, const struct pc_record_trace *trace);

/* Does a bank switch wait for headers? The records that age see its rows already. */
bool pc_replay_commit_waits(const struct pc_replay *r);

/* A packet at the record stage: executed with the choices of the trace, which are checked. */
void pc_replay_packet(struct pc_replay *r, struct pc_replay_item *i,
                      const struct pc_record_trace *trace, struct pc_parsed *parsed,
                      struct pc_answer *answer);

/* Memory for records, and back; what was before this commit is remembered. */
bool pc_replay_records_new(struct pc_replay *r, const struct pc_sizes *sizes);
void pc_replay_records_free(struct pc_replay *r);
void pc_replay_records_clear(struct pc_replay *r);
void pc_replay_before_commit(struct pc_replay *r);

/* The RTL finished connection_read or connection_delete. */
void pc_replay_read_done(struct pc_replay *r, const struct portcam_command *c, unsigned status);
void pc_replay_delete_done(struct pc_replay *r, const struct portcam_command *c, unsigned status);

/* connection_insert: one image at the record stage, and the end of the command. */
void pc_replay_insert(struct pc_replay *r, const struct pc_record_trace *t);
void pc_replay_insert_done(struct pc_replay *r, const struct portcam_command *c, unsigned status);

/* Compare what left with what should have; `what` is it, in words. */
void pc_replay_compare_frame(struct pc_replay *r, enum pc_side side, unsigned function,
                             const struct pc_replay_item *i, const char *what, const uint8_t *frame,
                             size_t len);

/* Samples: memory; a packet as it came, executed, decided anew (punt); a write of the RTL. */
void pc_replay_trace_new(struct pc_replay *r);
void pc_replay_trace_frame(struct pc_replay *r, const uint8_t *frame, size_t len);
void pc_replay_trace_executed(struct pc_replay *r, const struct pc_parsed *parsed,
                              const struct pc_decision *v, uint32_t time);
void pc_replay_trace_decided(struct pc_replay *r, uint64_t operation, const struct pc_decision *v);
bool pc_replay_trace_wrote(struct pc_replay *r, uint64_t iova, const void *src, size_t len,
                           bool refused);

/* The mirror: memory; around each operation; the end of mirror_copy and mirror_sum. */
void pc_replay_mirror_new(struct pc_replay *r);
void pc_replay_mirror_free(struct pc_replay *r);
void pc_replay_mirror_before(struct pc_replay *r, const struct pc_record_trace *t);
void pc_replay_mirror_after(struct pc_replay *r, const struct pc_record_trace *t);
void pc_replay_mirror_done(struct pc_replay *r, const struct portcam_command *c, unsigned status);

/* Compare `len` bytes of an answer that lies in host memory. */
void pc_replay_compare(struct pc_replay *r, const struct portcam_command *c, const void *want,
                       size_t len);

#endif
