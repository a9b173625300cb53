/* SPDX-License-Identifier: Apache-2.0 */
/* A card that makes choices of its own, and tells the replay what it did; or lies. */
#ifndef PC_TEST_REPLAY_CARD_H
#define PC_TEST_REPLAY_CARD_H

#include <errno.h>

#include "replay.h"
#include "rng.h"
#include "stateful_world.h"

enum { OPERATIONS = 40000, DELAY = 8, MEMORY = 1 << 17, QUIET = 1 };

struct card {
    struct pc_device *d;
    struct pc_replay *r;
    struct pc_rng rng;
    struct pc_sizes sizes;
    uint32_t now;
    bool quiet;  /* differences are expected */
    bool lowest; /* records go to the lowest free slot */
    uint64_t told;
    uint8_t memory[MEMORY];
    struct { /* admitted, not yet at the record stage */
        struct frame f;
        unsigned function;
        bool commit; /* the bank switches behind it */
    } waiting[DELAY];
    unsigned n;
    unsigned kinds[7], reasons[64];
    struct portcam_connection_image spare[16]; /* of records that were deleted */
    unsigned spares;
};

static inline void report(void *ctx, const char *text)
{
    struct card *c = ctx;
    c->told++;
    if (!c->quiet)
        print_message("# %s\n", text);
}

static inline int peek(void *ctx, uint64_t iova, void *dst, size_t len)
{
    struct card *c = ctx;
    if (iova > MEMORY || len > MEMORY - iova)
        return -EFAULT;
    memcpy(dst, c->memory + iova, len);
    return 0;
}

/* The RTL executes a command: on the card at once, and the replay hears of it. */
static inline unsigned command(struct card *c, const struct portcam_command *cmd)
{
    static struct pc_command_result result;
    pc_device_command(c->d, cmd, &result);
    memcpy(c->memory, result.answer, result.answer_len);
    pc_replay_commanded(c->r, cmd, result.status);
    return result.status;
}

/* All rows of the card, to the replay's model too. */
static inline void copy_rows(struct card *c)
{
    const struct pc_tables *from = pc_device_tables(c->d);
    struct pc_tables *to = pc_device_tables_rw(pc_replay_device(c->r));
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++)
        for (unsigned row = 0; row < pc_tables_rows(from, table); row++)
            pc_tables_set(to, table, row, pc_tables_get(from, table, row));
    pc_tables_build(to);
}

static inline void start(struct card *c, uint64_t seed, unsigned rows)
{
    memset(c, 0, sizeof(*c));
    c->rng = pc_rng_stream(seed, "replay");
    c->sizes = pc_sizes_default();
    c->sizes.connection_rows = c->sizes.connection_rows_v6 = rows;
    c->sizes.connection_stash = 4;
    c->d = pc_device_new(&c->sizes);
    c->r = pc_replay_new(&c->sizes, report, peek, c);
    assert_non_null(c->d);
    assert_non_null(c->r);
    fill_shop(c->d);
    struct portcam_service_row s = stateful_row(2, 0, TCP, 81);
    s.pick = PORTCAM_PICK_LEAST;
    put_service(c->d, 1, &s);
    s = stateful_row(3, 0, TCP, 82);
    s.pick = PORTCAM_PICK_CLIENT_IP;
    s.full = PORTCAM_FULL_HASH;
    s.no_record = PORTCAM_NO_RECORD_HASH;
    s.schedule = 1;
    put_service(c->d, 2, &s);
    put_slots(c->d, 1, 1, NONE, 1, 2);
    put_limits(c->d, 0, 2, 20);
    for (unsigned n = 1; n < 4; n++)
        put_timeouts(c->d, n, 300);
    copy_rows(c);
    c->now = 0xfffff000;
}

static inline void stop(struct card *c)
{
    pc_replay_free(c->r);
    pc_device_free(c->d);
}

static inline void admit(struct card *c, const struct frame *f, unsigned function)
{
    pc_replay_frame_in(c->r, function != 0, function, f->b, f->len);
    pc_replay_admitted(c->r, function != 0);
    c->waiting[c->n].f = *f;
    c->waiting[c->n].function = function;
    c->waiting[c->n++].commit = false;
}

static inline void commit_card(struct card *c)
{
    static struct pc_command_result result;
    struct portcam_command cmd = {.opcode = PORTCAM_OPCODE_CHANGE_COMMIT};
    pc_device_command(c->d, &cmd, &result);
    assert_int_equal(result.status, PORTCAM_STATUS_OK);
}

/* A free slot of the family, or -1. */
static inline int free_slot(struct card *c, bool stash)
{
    const struct pc_connections *t = pc_device_connections(c->d);
    unsigned slots = c->sizes.connection_rows + c->sizes.connection_stash;
    unsigned at = c->lowest ? 0 : pc_rng_below(&c->rng, slots);
    for (unsigned n = 0; n < slots; n++, at = (at + 1) % slots)
        if (!pc_connections_get(t, at) && (stash || !pc_connections_is_stash(t, at)))
            return (int)at;
    return -1;
}

/* The oldest header reaches the record stage, perhaps with a lie. */
struct lie {
    bool asked, second, room, index, slot;
    bool worse; /* no lie: pick least takes the other one */
    bool late;  /* no lie: the counter moves, or not, for an old state of things */
    bool frame, answer, function; /* changed on its way out; the answer is lost */
};

static inline bool second_is_less(struct card *c, unsigned first)
{
    const unsigned number[2] = {first, 3 - first};
    uint64_t active[2], weight[2];
    for (unsigned i = 0; i < 2; i++) {
        const struct portcam_backend_row *b =
            pc_tables_get(pc_device_tables(c->d), PORTCAM_TABLE_BACKEND, number[i]);
        active[i] = pc_device_backend_state(c->d, number[i]).active;
        weight[i] = b->weight;
    }
    return active[1] * weight[0] < active[0] * weight[1];
}

static inline unsigned arrive(struct card *c, const struct lie *lie)
{
    static const struct lie none;
    struct frame *f = &c->waiting[0].f;
    unsigned function = c->waiting[0].function;
    struct pc_decision v;
    struct pc_parsed p;
    struct pc_answer answer;
    lie = lie ? lie : &none;
    /* What this card chooses. */
    int slot = free_slot(c, true);
    struct pc_choice choice = {.index = (uint16_t)pc_rng_next(&c->rng),
                               .room = slot >= 0,
                               .slot = slot >= 0 ? (uint32_t)slot : 0};
    pc_device_explain(c->d, f->b, f->len, function, &p, &v);
    choice.asked = v.asked ^ lie->late;
    choice.second = v.second;
    if (v.free_choice) /* its random number names other candidates */
        choice.second = second_is_less(c, choice.index & 1 ? 2 : 1) ^ lie->worse;
    pc_device_packet_chosen(c->d, f->b, f->len, function, c->now, &choice, &p, &v, &answer);
    struct pc_record_trace t = {
        .kind = PC_RECORD_PACKET,
        .asked = choice.asked ^ lie->asked,
        .second = (v.began && v.second) ^ lie->second,
        .room = choice.room ^ lie->room,
        .index = (uint16_t)((v.index >= 0 ? (unsigned)v.index : 99) + lie->index),
        .slot = lie->slot ? 0 : choice.slot,
        .time = c->now};
    bool commits = c->waiting[0].commit;
    struct frame out = *f;
    memmove(&c->waiting[0], &c->waiting[1], --c->n * sizeof(c->waiting[0]));
    pc_replay_record(c->r, &t);
    if (commits)
        commit_card(c);
    c->kinds[PC_RECORD_PACKET]++;
    c->reasons[v.reason]++;
    out.b[30] ^= lie->frame;
    answer.bytes[20] ^= lie->frame;
    if (!v.drop)
        pc_replay_frame_out(c->r, v.egress != 0, v.egress + lie->function, function != 0, false,
                            out.b, out.len);
    if (answer.len && !lie->answer)
        pc_replay_frame_out(c->r, answer.egress != 0, answer.egress + lie->function, 0, true,
                            answer.bytes, answer.len);
    return v.reason;
}

/* The RTL inserts `count` images that lie at 0 of the memory; perhaps with a lie about the last. */
static inline unsigned insert_images(struct card *c, unsigned count, bool lie_ended, bool lie_room)
{
    struct portcam_connection_image image[4];
    struct portcam_command cmd = {.opcode = PORTCAM_OPCODE_CONNECTION_INSERT, .count = count};
    unsigned status = PORTCAM_STATUS_OK;
    memcpy(image, c->memory, sizeof(image));
    for (unsigned n = 0; n < count && status == PORTCAM_STATUS_OK; n++) {
        int at = free_slot(c, true);
        struct pc_choice choice = {.room = at >= 0, .slot = at >= 0 ? (uint32_t)at : 0};
        unsigned slot;
        status = pc_device_insert(c->d, &image[n], &choice, &slot);
        if (status == PORTCAM_STATUS_BAD_ROW)
            break; /* does not come to the record stage */
        bool lies = n + 1 == count;
        struct pc_record_trace t = {.kind = PC_RECORD_INSERT,
                                    .room = choice.room ^ (lies && lie_room),
                                    .slot = choice.slot,
                                    .time = c->now,
                                    .ended = (status == PORTCAM_STATUS_OK) ^ (lies && lie_ended),
                                    .image = &image[n]};
        pc_replay_record(c->r, &t);
        c->kinds[PC_RECORD_INSERT]++;
    }
    pc_replay_commanded(c->r, &cmd, status);
    return status;
}

static inline void one_packet(struct card *c, unsigned client, unsigned port, unsigned flags,
                              const struct lie *lie, unsigned reason)
{
    char ip[16];
    snprintf(ip, sizeof(ip), "192.0.2.%u", client);
    struct frame f = tcp_frame(ip, 40000, "198.51.100.1", port, flags, 1);
    admit(c, &f, 0);
    assert_int_equal(arrive(c, lie), reason);
}

#endif
