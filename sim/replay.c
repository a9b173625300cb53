// SPDX-License-Identifier: Apache-2.0
/* The replay of lockstep: see replay.h. Events of the entry wait in a list that begins with a header, so what stands behind
 * no header is executed at once. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay_state.h"

static const char *const side_name[2] = {"network", "host"};

void pc_replay_push(struct pc_replay_queue *q, struct pc_replay_item *i)
{
    i->next = NULL;
    *q->tail = i;
    q->tail = &i->next;
    q->length++;
}

struct pc_replay_item *pc_replay_pop(struct pc_replay_queue *q)
{
    struct pc_replay_item *i = q->head;
    if (!i)
        return NULL;
    q->head = i->next;
    if (!q->head)
        q->tail = &q->head;
    q->length--;
    return i;
}

void pc_replay_remove(struct pc_replay_queue *q, struct pc_replay_item *i)
{
    struct pc_replay_item **at = &q->head;
    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    if (!i->next)
        q->tail = at;
    q->length--;
}

struct pc_replay_item *pc_replay_item(struct pc_replay *r, const void *bytes, size_t len)
{
    struct pc_replay_item *i = calloc(1, sizeof(*i) + len);
    if (!i) {
        pc_replay_differ(r, "no memory for a frame of %zu bytes", len);
        return NULL;
    }
    i->len = len;
    memcpy(i->bytes, bytes, len);
    return i;
}

static void empty(struct pc_replay_queue *q)
{
    for (struct pc_replay_item *i = pc_replay_pop(q); i; i = pc_replay_pop(q))
        free(i);
}

void pc_replay_differ(struct pc_replay *r, const char *fmt, ...)
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
    for (int i = 0; i < 2; i++) {
        r->in[i].tail = &r->in[i].head;
        r->expected[i][0].tail = &r->expected[i][0].head;
        r->expected[i][1].tail = &r->expected[i][1].head;
        r->answers[i].tail = &r->answers[i].head;
        r->punted[i].tail = &r->punted[i].head;
        r->injected[i].tail = &r->injected[i].head;
    }
    r->last_event = &r->event;
    r->last_wanted = &r->wanted;
    r->device = pc_device_new(sizes);
    if (!r->device || !pc_replay_records_new(r, sizes)) {
        pc_replay_free(r);
        return NULL;
    }
    pc_replay_mirror_new(r);
    pc_replay_trace_new(r);
    r->report = report;
    r->peek = peek;
    r->ctx = ctx;
    return r;
}

static struct pc_replay_event *take_event(struct pc_replay *r)
{
    struct pc_replay_event *e = r->event;
    r->event = e->next;
    if (!r->event)
        r->last_event = &r->event;
    return e;
}

void pc_replay_free(struct pc_replay *r)
{
    if (!r)
        return;
    pc_replay_punt_free(r);
    for (int i = 0; i < 2; i++) {
        empty(&r->in[i]);
        empty(&r->expected[i][0]);
        empty(&r->expected[i][1]);
        empty(&r->answers[i]);
        empty(&r->punted[i]);
        empty(&r->injected[i]);
    }
    while (r->event)
        free(take_event(r));
    pc_replay_records_free(r);
    pc_replay_mirror_free(r);
    free(r->trace.samples.bytes);
    pc_device_free(r->device);
    free(r);
}

void pc_replay_frame_in(struct pc_replay *r, enum pc_side side, unsigned function,
                        const uint8_t *frame, size_t len)
{
    struct pc_replay_item *i = pc_replay_item(r, frame, len);
    if (!i)
        return;
    unsigned functions = pc_tables_sizes(pc_device_tables(r->device))->functions;
    i->number = r->numbers++;
    r->settled = false;
    /* The host side carries functions 1 and up; others count as 1. */
    i->function = side == PC_SIDE_NET ? 0 : function >= 1 && function < functions ? function : 1;
    pc_replay_push(&r->in[side], i);
}

/* ---- events ---- */

static void commit(struct pc_replay *r)
{
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_CHANGE_COMMIT};
    pc_replay_before_commit(r);
    pc_device_command(r->device, &c, &r->result);
    if (r->result.status != PORTCAM_STATUS_OK)
        pc_replay_differ(r, "the RTL switched banks where the model answers status %u",
                         r->result.status);
}

static void command(struct pc_replay *r, const struct pc_replay_event *e);

/* Everything up to the next header. */
static void run_events(struct pc_replay *r)
{
    while (r->event && r->event->kind != PC_EVENT_HEADER) {
        struct pc_replay_event *e = take_event(r);
        if (e->kind == PC_EVENT_COMMIT) {
            commit(r);
        } else if (e->kind == PC_EVENT_CLEAR) {
            pc_device_reset(r->device);
            pc_replay_records_clear(r);
        } else {
            command(r, e);
        }
        free(e);
    }
}

bool pc_replay_commit_waits(const struct pc_replay *r)
{
    for (const struct pc_replay_event *e = r->event; e; e = e->next)
        if (e->kind == PC_EVENT_COMMIT)
            return true;
    return false;
}

static struct pc_replay_event *new_event(struct pc_replay *r, enum pc_event_kind kind)
{
    struct pc_replay_event *e = calloc(1, sizeof(*e));
    if (!e) {
        pc_replay_differ(r, "no memory for an event");
        return NULL;
    }
    e->kind = (uint8_t)kind;
    *r->last_event = e;
    r->last_event = &e->next;
    return e;
}

void pc_replay_admitted(struct pc_replay *r, enum pc_side side)
{
    if (r->admitted[side] == r->in[side].length) {
        pc_replay_differ(r, "a frame of the %s side was admitted that never came in",
                         side_name[side]);
        return;
    }
    struct pc_replay_event *e = new_event(r, PC_EVENT_HEADER);
    if (!e)
        return;
    e->side = (uint8_t)side;
    r->admitted[side]++;
}

void pc_replay_committed(struct pc_replay *r)
{
    new_event(r, PC_EVENT_COMMIT);
    run_events(r);
}

void pc_replay_cleared(struct pc_replay *r)
{
    new_event(r, PC_EVENT_CLEAR);
    run_events(r);
}

static void expect_answer(struct pc_replay *r, const struct pc_replay_item *of,
                          const struct pc_answer *answer)
{
    struct pc_replay_item *i = pc_replay_item(r, answer->bytes, answer->len);
    if (!i)
        return;
    i->number = of->number;
    i->decision = of->decision;
    i->decision.egress = answer->egress;
    pc_replay_push(&r->answers[answer->egress != 0], i);
}

void pc_replay_execute(struct pc_replay *r, const struct pc_record_trace *trace)
{
    if (!r->event) {
        pc_replay_differ(r, "a packet at the record stage that was never admitted");
        return;
    }
    struct pc_replay_event *e = take_event(r);
    struct pc_replay_item *i = pc_replay_pop(&r->in[e->side]);
    struct pc_parsed parsed;
    struct pc_answer answer;
    bool wanted;
    r->admitted[e->side]--;
    pc_replay_packet(r, i, trace, &parsed, &answer);
    wanted = trace && i->decision.punt_wanted;
    if (answer.len)
        expect_answer(r, i, &answer);
    if (wanted)
        pc_replay_punt_wanted(r, i, e->side, &parsed, trace->time);
    else if (i->decision.drop) {
        r->drops++;
        free(i);
    } else {
        pc_replay_push(&r->expected[e->side][i->decision.egress != 0], i);
    }
    free(e);
    run_events(r);
}

void pc_replay_seed(struct pc_replay *r, uint32_t seed)
{
    pc_tables_set_seed(pc_device_tables_rw(r->device), seed);
}

static size_t not_out(const struct pc_replay *r)
{
    return r->expected[0][0].length + r->expected[0][1].length + r->expected[1][0].length +
           r->expected[1][1].length + r->answers[0].length + r->answers[1].length +
           r->punted[0].length + r->punted[1].length + r->injected[0].length +
           r->injected[1].length;
}

static bool in_flight(const struct pc_replay *r)
{
    return r->in[0].head || r->in[1].head || r->event || r->wanted || not_out(r);
}

void pc_replay_settled(struct pc_replay *r)
{
    r->settled = !in_flight(r);
}

/* ---- commands ---- */

static void compare_bytes(struct pc_replay *r, const struct portcam_command *c, const uint8_t *seen,
                          const uint8_t *want, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (seen[i] != want[i]) {
            pc_replay_differ(
                r, "command opcode %u table %u row %u: byte %zu of the answer is %02x, model %02x",
                c->opcode, c->table_id, c->row, i, seen[i], want[i]);
            return;
        }
}

static bool read_back(struct pc_replay *r, const struct portcam_command *c, void *dst, size_t len)
{
    uint64_t address;
    memcpy(&address, c->data, sizeof(address));
    if (r->peek(r->ctx, address, dst, len) == 0)
        return true;
    pc_replay_differ(r, "command opcode %u: its answer at %#llx cannot be read back", c->opcode,
                     (unsigned long long)address);
    return false;
}

void pc_replay_compare(struct pc_replay *r, const struct portcam_command *c, const void *want,
                       size_t len)
{
    if (len && read_back(r, c, r->seen, len))
        compare_bytes(r, c, r->seen, want, len);
}

/* Counters move while frames fly and records age, so they are compared only at rest; then no event waits either. */
static void command(struct pc_replay *r, const struct pc_replay_event *e)
{
    const struct portcam_command *c = &e->command;
    pc_device_command(r->device, c, &r->result);
    if (r->result.status != e->status)
        pc_replay_differ(r, "command opcode %u table %u row %u: status %u, model %u", c->opcode,
                         c->table_id, c->row, e->status, r->result.status);
    else if (e->status != PORTCAM_STATUS_OK)
        return;
    else if (c->opcode == PORTCAM_OPCODE_ROW_READ && e->seen)
        compare_bytes(r, c, e->image, r->result.answer, r->result.answer_len);
    else if (r->settled &&
             (c->opcode == PORTCAM_OPCODE_COUNTER_READ || c->opcode == PORTCAM_OPCODE_BACKEND_READ))
        pc_replay_compare(r, c, r->result.answer, r->result.answer_len);
}

/* Did it come as far as the records, or images? */
static bool met_a_record(unsigned status)
{
    return status == PORTCAM_STATUS_OK || status == PORTCAM_STATUS_NOT_FOUND ||
           status == PORTCAM_STATUS_CHANGED;
}

static bool met_an_image(unsigned status)
{
    return status == PORTCAM_STATUS_OK || status == PORTCAM_STATUS_BAD_ROW ||
           status == PORTCAM_STATUS_EXISTS || status == PORTCAM_STATUS_AMBIGUOUS ||
           status == PORTCAM_STATUS_FULL;
}

void pc_replay_commanded(struct pc_replay *r, const void *bytes, unsigned status)
{
    struct portcam_command c;
    bool records = pc_device_connections(r->device);
    memcpy(&c, bytes, sizeof(c));
    if (c.opcode == PORTCAM_OPCODE_CHANGE_COMMIT && status == PORTCAM_STATUS_OK)
        return; /* the model committed when the bank switched */
    if (status == PORTCAM_STATUS_DMA_READ_ERROR || status == PORTCAM_STATUS_DMA_WRITE_ERROR) {
        r->images = 0; /* the host's memory failed, not the device */
        r->deletion.looked = false;
        r->insertion.images = 0;
        return;
    }
    if (c.opcode == PORTCAM_OPCODE_CONNECTION_READ && records && status == PORTCAM_STATUS_OK) {
        pc_replay_read_done(r, &c, status);
        return;
    }
    if (c.opcode == PORTCAM_OPCODE_CONNECTION_DELETE && records && met_a_record(status)) {
        pc_replay_delete_done(r, &c, status);
        return;
    }
    if (c.opcode == PORTCAM_OPCODE_CONNECTION_INSERT && records && met_an_image(status)) {
        pc_replay_insert_done(r, &c, status);
        return;
    }
    if ((c.opcode == PORTCAM_OPCODE_MIRROR_COPY || c.opcode == PORTCAM_OPCODE_MIRROR_SUM) &&
        records && (status == PORTCAM_STATUS_OK || status == PORTCAM_STATUS_NO_MIRROR)) {
        pc_replay_mirror_done(r, &c, status);
        return;
    }
    struct pc_replay_event *e = new_event(r, PC_EVENT_COMMAND);
    if (!e)
        return;
    e->command = c;
    e->status = status;
    if (c.opcode == PORTCAM_OPCODE_ROW_READ && status == PORTCAM_STATUS_OK)
        e->seen = read_back(r, &c, e->image, sizeof(e->image));
    run_events(r);
}

/* ---- what comes out ---- */

/* What left against what should have; `what` is it, in words. */
void pc_replay_compare_frame(struct pc_replay *r, enum pc_side side, unsigned function,
                             const struct pc_replay_item *i, const char *what, const uint8_t *frame,
                             size_t len)
{
    unsigned long long number = i->number;
    unsigned reason = i->decision.reason;
    size_t at = 0;
    while (at < len && at < i->len && frame[at] == i->bytes[at])
        at++;
    if (side == PC_SIDE_HOST && function != i->decision.egress)
        pc_replay_differ(r, "%s %llu: left by function %u, model %u (reason %u)", what, number,
                         function, i->decision.egress, reason);
    else if (len != i->len)
        pc_replay_differ(r, "%s %llu: left with %zu bytes, model %zu (reason %u)", what, number,
                         len, i->len, reason);
    else if (at < len)
        pc_replay_differ(r, "%s %llu (%zu bytes): byte %zu is %02x, model %02x (reason %u)", what,
                         number, len, at, frame[at], i->bytes[at], reason);
}

void pc_replay_frame_out(struct pc_replay *r, enum pc_side side, unsigned function,
                         enum pc_side from, bool made, const uint8_t *frame, size_t len)
{
    static const char *const what[2] = {"network frame", "host frame"};
    struct pc_replay_item *i = pc_replay_pop(made ? &r->answers[side] : &r->expected[from][side]);
    r->frames++;
    r->made += made;
    if (!i) {
        pc_replay_differ(r, "%s of %zu bytes left to the %s side; the model expects none",
                         made                  ? "an answer"
                         : from == PC_SIDE_NET ? "a network frame"
                                               : "a host frame",
                         len, side_name[side]);
        return;
    }
    pc_replay_compare_frame(r, side, function, i, made ? "answer to frame" : what[from], frame,
                            len);
    free(i);
}

bool pc_replay_drained(struct pc_replay *r)
{
    if (!in_flight(r))
        return true;
    pc_replay_differ(r,
                     "frames are stuck: before the record stage %zu from the network, %zu from the "
                     "host, admitted %zu; not out %zu",
                     r->in[0].length, r->in[1].length, r->admitted[0] + r->admitted[1], not_out(r));
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

uint64_t pc_replay_answers(const struct pc_replay *r)
{
    return r->made;
}

uint64_t pc_replay_began(const struct pc_replay *r)
{
    return r->began;
}

uint64_t pc_replay_drops(const struct pc_replay *r)
{
    return r->drops;
}

const struct pc_decision *pc_replay_last(const struct pc_replay *r)
{
    return &r->last;
}

struct pc_device *pc_replay_device(struct pc_replay *r)
{
    return r->device;
}
