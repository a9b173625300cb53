// SPDX-License-Identifier: Apache-2.0
/* The replay of lockstep: see replay.h. */
#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const side_name[2] = {"network", "host"};

/* A frame on its way; queues are singly linked, first in first out. */
struct item {
    struct item *next;
    uint64_t number; /* of the frame, counted at its entry */
    unsigned function;
    struct pc_decision decision;
    size_t len;
    uint8_t bytes[];
};

struct queue {
    struct item *head, **tail;
    size_t length;
};

struct pc_replay {
    struct pc_device *device;
    pc_replay_report report;
    pc_replay_peek peek;
    void *ctx;
    struct queue in[2];          /* by the side they came from: not yet admitted */
    struct queue expected[2][2]; /* by the side they came from and the side they leave to */
    uint64_t numbers, differences, frames, drops;
    bool settled; /* no frame came in since the RTL was at rest */
    struct pc_command_result result;
    uint8_t seen[PC_ANSWER_BYTES]; /* the RTL's answer in host memory */
};

static void push(struct queue *q, struct item *i)
{
    i->next = NULL;
    *q->tail = i;
    q->tail = &i->next;
    q->length++;
}

static struct item *pop(struct queue *q)
{
    struct item *i = q->head;
    if (!i)
        return NULL;
    q->head = i->next;
    if (!q->head)
        q->tail = &q->head;
    q->length--;
    return i;
}

static void empty(struct queue *q)
{
    for (struct item *i = pop(q); i; i = pop(q))
        free(i);
}

__attribute__((format(printf, 2, 3))) static void differ(struct pc_replay *r, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    r->differences++;
    r->report(r->ctx, text);
}

struct pc_replay *pc_replay_new(const struct pc_sizes *sizes, pc_replay_report report,
                                pc_replay_peek peek, void *ctx)
{
    struct pc_replay *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->device = pc_device_new(sizes);
    if (!r->device) {
        free(r);
        return NULL;
    }
    r->report = report;
    r->peek = peek;
    r->ctx = ctx;
    for (int i = 0; i < 2; i++) {
        r->in[i].tail = &r->in[i].head;
        r->expected[i][0].tail = &r->expected[i][0].head;
        r->expected[i][1].tail = &r->expected[i][1].head;
    }
    return r;
}

void pc_replay_free(struct pc_replay *r)
{
    if (!r)
        return;
    for (int i = 0; i < 2; i++) {
        empty(&r->in[i]);
        empty(&r->expected[i][0]);
        empty(&r->expected[i][1]);
    }
    pc_device_free(r->device);
    free(r);
}

void pc_replay_frame_in(struct pc_replay *r, enum pc_side side, unsigned function,
                        const uint8_t *frame, size_t len)
{
    struct item *i = malloc(sizeof(*i) + len);
    if (!i) {
        differ(r, "no memory for a frame of %zu bytes", len);
        return;
    }
    unsigned functions = pc_tables_sizes(pc_device_tables(r->device))->functions;
    i->number = r->numbers++;
    r->settled = false;
    /* The host side carries functions 1 and up; others count as 1. */
    i->function = side == PC_SIDE_NET ? 0 : function >= 1 && function < functions ? function : 1;
    i->len = len;
    memcpy(i->bytes, frame, len);
    push(&r->in[side], i);
}

void pc_replay_admitted(struct pc_replay *r, enum pc_side side)
{
    struct item *i = pop(&r->in[side]);
    if (!i) {
        differ(r, "a frame of the %s side was admitted that never came in", side_name[side]);
        return;
    }
    pc_device_packet(r->device, i->bytes, i->len, i->function, 0, NULL, &i->decision, NULL);
    if (i->decision.drop) {
        r->drops++;
        free(i);
        return;
    }
    push(&r->expected[side][i->decision.egress != 0], i);
}

void pc_replay_committed(struct pc_replay *r)
{
    struct portcam_command commit = {.opcode = PORTCAM_OPCODE_CHANGE_COMMIT};
    pc_device_command(r->device, &commit, &r->result);
    if (r->result.status != PORTCAM_STATUS_OK)
        differ(r, "the RTL switched banks where the model answers status %u", r->result.status);
}

void pc_replay_cleared(struct pc_replay *r)
{
    pc_device_reset(r->device);
}

void pc_replay_seed(struct pc_replay *r, uint32_t seed)
{
    pc_tables_set_seed(pc_device_tables_rw(r->device), seed);
}

static bool in_flight(const struct pc_replay *r)
{
    return r->in[0].head || r->in[1].head || r->expected[0][0].head || r->expected[0][1].head ||
           r->expected[1][0].head || r->expected[1][1].head;
}

void pc_replay_settled(struct pc_replay *r)
{
    r->settled = !in_flight(r);
}

/* What the RTL wrote to host memory against the model's answer. Counters move while frames fly, so they are compared
 * only when none does. */
static void compare_answer(struct pc_replay *r, const struct portcam_command *c)
{
    uint8_t *seen = r->seen;
    if (!r->result.answer_len || (c->opcode == PORTCAM_OPCODE_COUNTER_READ && !r->settled))
        return;
    uint64_t address;
    memcpy(&address, c->data, sizeof(address));
    if (r->peek(r->ctx, address, seen, r->result.answer_len) != 0) {
        differ(r, "command opcode %u: its answer at %#llx cannot be read back", c->opcode,
               (unsigned long long)address);
        return;
    }
    for (size_t i = 0; i < r->result.answer_len; i++)
        if (seen[i] != r->result.answer[i]) {
            differ(r,
                   "command opcode %u table %u row %u: byte %zu of the answer is %02x, model %02x",
                   c->opcode, c->table_id, c->row, i, seen[i], r->result.answer[i]);
            return;
        }
}

void pc_replay_commanded(struct pc_replay *r, const void *command, unsigned status)
{
    struct portcam_command c;
    memcpy(&c, command, sizeof(c));
    if (c.opcode == PORTCAM_OPCODE_CHANGE_COMMIT && status == PORTCAM_STATUS_OK)
        return; /* the model committed when the bank switched */
    if (status == PORTCAM_STATUS_DMA_READ_ERROR || status == PORTCAM_STATUS_DMA_WRITE_ERROR)
        return; /* the host's memory failed, not the device */
    pc_device_command(r->device, &c, &r->result);
    if (r->result.status != status)
        differ(r, "command opcode %u table %u row %u: status %u, model %u", c.opcode, c.table_id,
               c.row, status, r->result.status);
    else if (status == PORTCAM_STATUS_OK)
        compare_answer(r, &c);
}

void pc_replay_frame_out(struct pc_replay *r, enum pc_side side, unsigned function,
                         enum pc_side from, const uint8_t *frame, size_t len)
{
    struct item *i = pop(&r->expected[from][side]);
    r->frames++;
    if (!i) {
        differ(r,
               "a frame of %zu bytes from the %s side left to the %s side; the model expects none",
               len, side_name[from], side_name[side]);
        return;
    }
    size_t at = 0;
    while (at < len && at < i->len && frame[at] == i->bytes[at])
        at++;
    if (side == PC_SIDE_HOST && function != i->decision.egress)
        differ(r, "frame %llu from the %s side: left by function %u, model %u (reason %u)",
               (unsigned long long)i->number, side_name[from], function, i->decision.egress,
               i->decision.reason);
    else if (len != i->len)
        differ(r, "frame %llu from the %s side: left with %zu bytes, model %zu (reason %u)",
               (unsigned long long)i->number, side_name[from], len, i->len, i->decision.reason);
    else if (at < len)
        differ(r,
               "frame %llu from the %s side (%zu bytes): byte %zu is %02x, model %02x (reason %u)",
               (unsigned long long)i->number, side_name[from], len, at, frame[at], i->bytes[at],
               i->decision.reason);
    free(i);
}

bool pc_replay_drained(struct pc_replay *r)
{
    if (!in_flight(r))
        return true;
    differ(r, "frames are stuck: not admitted %zu from the network, %zu from the host; not out %zu",
           r->in[0].length, r->in[1].length,
           r->expected[0][0].length + r->expected[0][1].length + r->expected[1][0].length +
               r->expected[1][1].length);
    return false;
}

uint64_t pc_replay_differences(const struct pc_replay *r)
{
    return r->differences;
}

uint64_t pc_replay_frames(const struct pc_replay *r)
{
    return r->frames;
}

uint64_t pc_replay_drops(const struct pc_replay *r)
{
    return r->drops;
}

struct pc_device *pc_replay_device(struct pc_replay *r)
{
    return r->device;
}
