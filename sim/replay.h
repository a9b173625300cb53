/* SPDX-License-Identifier: Apache-2.0 */
/* Lockstep: the model replays what the RTL did, in the order in which the RTL did it, and every frame, answer, command
 * result and counter is compared. There are two orders, both taken from the trace ports, never predicted: that of headers,
 * bank switches and commands at the entry of the lookup pipeline, and that of operations at the record stage, where each
 * header is executed. Where the rules leave the RTL a choice (the place of a record, a random number, which candidate has
 * fewer connections) the trace says what it chose; that is checked for plausibility and followed. A difference is counted
 * and told once in words; the caller decides what it means. Not thread-safe. */
#ifndef PC_SIM_REPLAY_H
#define PC_SIM_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum pc_side { PC_SIDE_NET = 0, PC_SIDE_HOST = 1 };

struct pc_replay;

/* Told about each difference, in words, without newline. */
typedef void (*pc_replay_report)(void *ctx, const char *text);

/* How the replay looks at what the RTL wrote to host memory, and read from there; 0 or -errno. */
typedef int (*pc_replay_peek)(void *ctx, uint64_t iova, void *dst, size_t len);

struct pc_replay *pc_replay_new(const struct pc_sizes *sizes, pc_replay_report report,
                                pc_replay_peek peek, void *ctx); /* NULL: no memory */
void pc_replay_free(struct pc_replay *r);

/* A frame went into the RTL whole, from this side. */
void pc_replay_frame_in(struct pc_replay *r, enum pc_side side, unsigned function,
                        const uint8_t *frame, size_t len);

/* ---- at the entry of the lookup pipeline ---- */

/* The lookup pipeline took the next frame of this side. It is executed when its record trace comes. */
void pc_replay_admitted(struct pc_replay *r, enum pc_side side);
/* The RTL switched banks: the model commits, behind the headers that were admitted before. */
void pc_replay_committed(struct pc_replay *r);
/* The RTL cleared its tables, counters and records after a reset. */
void pc_replay_cleared(struct pc_replay *r);
/* The RTL finished this command with this status. */
void pc_replay_commanded(struct pc_replay *r, const void *command, unsigned status);
/* The host wrote register HASH_SEED. */
void pc_replay_seed(struct pc_replay *r, uint32_t seed);

/* ---- at the record stage ---- */

enum pc_record_kind {
    PC_RECORD_PACKET, /* the next admitted header; each gives one, also those that have nothing to do with records */
    PC_RECORD_AGE,    /* the record of `slot` was over age, and ended */
    PC_RECORD_KEEP,   /* the record of `slot` belongs to a paused domain: its last use is `time` */
    PC_RECORD_MOVE,   /* the record of stash slot `slot` went to the free slot `to` of the table */
    PC_RECORD_READ,   /* the record of `slot` was read for connection_read */
    PC_RECORD_DELETE, /* connection_delete looked at `slot`; `ended` says whether the record did */
    PC_RECORD_INSERT, /* connection_insert of `image`; `ended` says whether there is a record now */
    PC_RECORD_COPY    /* `slot` was looked at for the mirror */
};

/* What the mirror made of an operation. */
enum pc_mirrored {
    PC_MIRRORED_TAKEN = 1, /* it will be written */
    PC_MIRRORED_LOST = 2,  /* there was no room; its slots are copied later */
    PC_MIRRORED_AGAIN = 4, /* copy: of a slot whose operation was lost */
    PC_MIRRORED_START =
        8 /* and the three bits above: how often the mirror was started, modulo 16 */
};

struct pc_record_trace {
    uint8_t kind;   /* enum pc_record_kind */
    bool asked;     /* packet: the service's counter was moved on */
    bool second;    /* packet: the second candidate was taken */
    bool room;      /* packet, insert: there was a place for a record, and `slot` is it */
    uint16_t index; /* packet: of the slot table, before modulo */
    uint32_t slot, to;
    uint32_t time; /* ms */
    bool ended;
    uint8_t mirror;    /* enum pc_mirrored */
    const void *image; /* insert: what the RTL read, a portcam_connection_image */
};

/* One operation, in order. NULL: a packet of a card without this trace; the model chooses by itself. */
void pc_replay_record(struct pc_replay *r, const struct pc_record_trace *trace);

/* ---- the mirror ---- */

/* The host is about to write a register of page 0x2000; a reset of the function writes 0 to MIRROR_CONTROL. */
void pc_replay_mirror_reg(struct pc_replay *r, uint32_t offset, uint32_t value);

/* The RTL wrote to host memory, or tried to. True: it was an entry or an event, or a sample, and was compared. */
bool pc_replay_wrote(struct pc_replay *r, uint64_t iova, const void *src, size_t len, bool refused);

/* Registers of a mirror that runs while the RTL is at rest. */
void pc_replay_mirror_rest(struct pc_replay *r, uint32_t version, uint32_t tail, uint32_t dropped);

/* Does this entry of the host's array, of a mirror that knows every slot, tell the state of the model's slot? */
bool pc_replay_mirror_holds(const struct pc_replay *r, uint32_t slot, const void *entry);

struct pc_mirror_counts {
    uint64_t starts, entries, events, copies, sums;
    uint64_t lost, again, again_free; /* operations; copies of records and of free slots for them */
    uint64_t full;                    /* events dropped, at the ends of runs */
};
const struct pc_mirror_counts *pc_replay_mirror_counts(const struct pc_replay *r);

/* ---- at the exit ---- */

/* A frame left the RTL; `made` if the card made it (an answer to a refused packet, for which `from` means nothing). */
void pc_replay_frame_out(struct pc_replay *r, enum pc_side side, unsigned function,
                         enum pc_side from, bool made, const uint8_t *frame, size_t len);

/* ---- packets to and from the host: replay_punt.c ---- */

/* The RTL came to a packet that the limits want at the host (the oldest that waits for this): did the ring run, and was there
 * room? Without such a trace none is wanted. */
void pc_replay_punt_choice(struct pc_replay *r, bool runs, bool room);
/* The next punted packet that came from this side is in the entry at `iova`, or was lost. */
void pc_replay_punt_end(struct pc_replay *r, enum pc_side side, bool lost, uint64_t iova);
/* The host enabled the punt ring, with 2^log2 entries; it may stop from now on; the host set PUNT_HEAD. */
void pc_replay_punt_enable(struct pc_replay *r, unsigned log2);
void pc_replay_punt_stops(struct pc_replay *r);
void pc_replay_punt_head(struct pc_replay *r, uint32_t head);
/* The RTL read a frame that the host injected; it left. */
void pc_replay_injected(struct pc_replay *r, unsigned function, const uint8_t *frame, size_t len);
void pc_replay_injected_out(struct pc_replay *r, enum pc_side side, unsigned function,
                            const uint8_t *frame, size_t len);
/* Packets that were punted, and written; frames that were injected, and left. */
uint64_t pc_replay_punts(const struct pc_replay *r);
uint64_t pc_replay_injects(const struct pc_replay *r);

/* ---- samples of packets: replay_trace.c ---- */

/* The host is about to write a register of page 0x5000; a reset of the function is about to come. */
void pc_replay_trace_reg(struct pc_replay *r, uint32_t offset, uint32_t value);
void pc_replay_trace_reset(struct pc_replay *r);
/* The RTL tested a packet (its number at the record stage, from 0, modulo 128), the first since the start or the next; was
 * there room for a sample? */
void pc_replay_traced(struct pc_replay *r, unsigned number, bool first, bool room);
/* Registers of a ring that has stopped, or is at rest. */
void pc_replay_trace_rest(struct pc_replay *r, uint32_t tail, uint32_t matched, uint32_t limited,
                          uint32_t lost);

struct pc_trace_counts {
    uint64_t starts, tested, samples;
};
const struct pc_trace_counts *pc_replay_trace_counts(const struct pc_replay *r);

/* The RTL is at rest: until the next frame comes in or a record ages, counters that are read are compared too. */
void pc_replay_settled(struct pc_replay *r);

/* Registers CONNECTIONS_USED and CONNECTIONS_EMBRYONIC, read while the RTL is at rest. */
void pc_replay_connections(struct pc_replay *r, uint32_t used, uint32_t embryonic);

/* Nothing may be left in any queue; true if so, a difference otherwise. */
bool pc_replay_drained(struct pc_replay *r);

/* Differences so far; frames compared so far, answers included; answers; drops agreed so far; records that began. */
uint64_t pc_replay_differences(const struct pc_replay *r);
uint64_t pc_replay_frames(const struct pc_replay *r);
uint64_t pc_replay_answers(const struct pc_replay *r);
uint64_t pc_replay_drops(const struct pc_replay *r);
uint64_t pc_replay_began(const struct pc_replay *r);

/* The decision about the packet that passed the record stage last. */
const struct pc_decision *pc_replay_last(const struct pc_replay *r);

/* The model that follows. */
struct pc_device *pc_replay_device(struct pc_replay *r);

#ifdef __cplusplus
}
#endif

#endif
