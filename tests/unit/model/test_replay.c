// SPDX-License-Identifier: Apache-2.0
/* The replay of lockstep against a card that is a second model, with choices and delays of its own: nothing differs. Then
 * one lie after another, each of which must be told. SEED= in the environment chooses another run. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

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

static void report(void *ctx, const char *text)
{
    struct card *c = ctx;
    c->told++;
    if (!c->quiet)
        print_message("# %s\n", text);
}

static int peek(void *ctx, uint64_t iova, void *dst, size_t len)
{
    struct card *c = ctx;
    if (iova > MEMORY || len > MEMORY - iova)
        return -EFAULT;
    memcpy(dst, c->memory + iova, len);
    return 0;
}

/* The RTL executes a command: on the card at once, and the replay hears of it. */
static unsigned command(struct card *c, const struct portcam_command *cmd)
{
    static struct pc_command_result result;
    pc_device_command(c->d, cmd, &result);
    memcpy(c->memory, result.answer, result.answer_len);
    pc_replay_commanded(c->r, cmd, result.status);
    return result.status;
}

static void row_command(struct card *c, unsigned opcode, unsigned table, unsigned row,
                        const void *data)
{
    struct portcam_command cmd = {
        .opcode = (uint8_t)opcode, .table_id = (uint16_t)table, .row = row};
    if (data)
        memcpy(cmd.data, data, sizeof(cmd.data));
    assert_int_equal(command(c, &cmd), PORTCAM_STATUS_OK);
}

/* All rows of the card, to the replay's model too. */
static void copy_rows(struct card *c)
{
    const struct pc_tables *from = pc_device_tables(c->d);
    struct pc_tables *to = pc_device_tables_rw(pc_replay_device(c->r));
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++)
        for (unsigned row = 0; row < pc_tables_rows(from, table); row++)
            pc_tables_set(to, table, row, pc_tables_get(from, table, row));
    pc_tables_build(to);
}

static void start(struct card *c, uint64_t seed, unsigned rows)
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

static void stop(struct card *c)
{
    pc_replay_free(c->r);
    pc_device_free(c->d);
}

static struct frame any_frame(struct card *c, unsigned *function)
{
    static const unsigned flags[] = {SYN, SYN, SYN, ACK, ACK, FIN_ACK, RST, SYN_ACK, 0};
    struct pc_rng *g = &c->rng;
    char client[24], server[24];
    unsigned f = flags[pc_rng_below(g, 9)], seq = 1000 + pc_rng_below(g, 8);
    snprintf(client, sizeof(client), "192.0.2.%u", pc_rng_below(g, 40));
    snprintf(server, sizeof(server), "10.0.0.%u", 1 + pc_rng_below(g, 2));
    *function = pc_rng_chance(g, 35);
    if (*function)
        return tcp_frame(server, 8080, client, 40000, f, seq);
    return tcp_frame(client, 40000, "198.51.100.1", 80 + pc_rng_below(g, 4), f, seq);
}

static void admit(struct card *c, const struct frame *f, unsigned function)
{
    pc_replay_frame_in(c->r, function != 0, function, f->b, f->len);
    pc_replay_admitted(c->r, function != 0);
    c->waiting[c->n].f = *f;
    c->waiting[c->n].function = function;
    c->waiting[c->n++].commit = false;
}

static void commit_card(struct card *c)
{
    static struct pc_command_result result;
    struct portcam_command cmd = {.opcode = PORTCAM_OPCODE_CHANGE_COMMIT};
    pc_device_command(c->d, &cmd, &result);
    assert_int_equal(result.status, PORTCAM_STATUS_OK);
}

/* A free slot of the family, or -1. */
static int free_slot(struct card *c, bool stash)
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

static bool second_is_less(struct card *c, unsigned first)
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

static unsigned arrive(struct card *c, const struct lie *lie)
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

static void age_one(struct card *c)
{
    const struct pc_connections *t = pc_device_connections(c->d);
    unsigned slot = pc_rng_below(&c->rng, pc_connections_capacity(t));
    enum pc_ageing what = pc_device_age_slot(c->d, c->now, slot);
    struct pc_record_trace trace = {.kind =
                                        what == PC_AGEING_ENDED ? PC_RECORD_AGE : PC_RECORD_KEEP,
                                    .slot = slot,
                                    .time = c->now,
                                    .ended = true};
    if (what == PC_AGEING_NOTHING)
        return;
    pc_replay_record(c->r, &trace);
    c->kinds[trace.kind]++;
}

static void move_one(struct card *c)
{
    unsigned from = c->sizes.connection_rows + pc_rng_below(&c->rng, c->sizes.connection_stash);
    int to = free_slot(c, false);
    if (to < 0 || !pc_connections_get(pc_device_connections(c->d), from))
        return;
    struct pc_record_trace t = {.kind = PC_RECORD_MOVE, .slot = from, .to = (uint32_t)to};
    assert_int_equal(pc_connections_move(pc_device_connections_rw(c->d), from, (unsigned)to),
                     PC_RESULT_OK);
    pc_replay_record(c->r, &t);
    c->kinds[PC_RECORD_MOVE]++;
}

static void read_some(struct card *c)
{
    const struct pc_connections *t = pc_device_connections(c->d);
    struct portcam_command cmd = {.opcode = PORTCAM_OPCODE_CONNECTION_READ,
                                  .row = pc_rng_below(&c->rng, c->sizes.connection_rows - 1),
                                  .count = 1 + pc_rng_below(&c->rng, 10)};
    for (unsigned slot = cmd.row; slot < cmd.row + cmd.count; slot++) {
        struct pc_record_trace trace = {.kind = PC_RECORD_READ, .slot = slot};
        if (!pc_connections_get(t, slot))
            continue;
        pc_replay_record(c->r, &trace);
        c->kinds[PC_RECORD_READ]++;
    }
    assert_int_equal(command(c, &cmd), PORTCAM_STATUS_OK);
    cmd = (struct portcam_command){.opcode = PORTCAM_OPCODE_BACKEND_READ, .count = 5};
    assert_int_equal(command(c, &cmd), PORTCAM_STATUS_OK);
}

static void delete_one(struct card *c)
{
    const struct pc_connections *t = pc_device_connections(c->d);
    unsigned slot = pc_rng_below(&c->rng, pc_connections_capacity(t));
    const struct pc_connection *r = pc_connections_get(t, slot);
    unsigned generation = r ? r->generation + pc_rng_chance(&c->rng, 30) : 1;
    struct portcam_command cmd = {
        .opcode = PORTCAM_OPCODE_CONNECTION_DELETE, .row = slot, .count = generation};
    struct pc_record_trace trace = {
        .kind = PC_RECORD_DELETE, .slot = slot, .ended = r && r->generation == generation};
    if (r || pc_rng_chance(&c->rng, 50))
        pc_replay_record(c->r, &trace);
    if (r)
        c->spare[c->spares++ % 16] = pc_connection_image(r);
    command(c, &cmd);
    c->kinds[PC_RECORD_DELETE]++;
}

/* The RTL inserts `count` images that lie at 0 of the memory; perhaps with a lie about the last. */
static unsigned insert_images(struct card *c, unsigned count, bool lie_ended, bool lie_room)
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

static void insert_some(struct card *c)
{
    struct portcam_connection_image image[4];
    unsigned count = 1 + pc_rng_below(&c->rng, 4);
    for (unsigned n = 0; n < count; n++) {
        image[n] = c->spare[pc_rng_below(&c->rng, 16)]; /* zeros at first: bad_row */
        if (pc_rng_chance(&c->rng, 20))
            image[n].client_port++;
        if (pc_rng_chance(&c->rng, 5))
            image[n].pad = 1;
        image[n].last_used = c->now;
    }
    memcpy(c->memory, image, count * sizeof(image[0]));
    insert_images(c, count, false, false);
}

/* A change set of a few rows; the bank switches behind the headers that were admitted. */
static void change(struct card *c)
{
    struct portcam_domain_row domain = {.state = (uint8_t)pc_rng_below(&c->rng, 4),
                                        .unknown = (uint8_t)pc_rng_below(&c->rng, 3)};
    struct portcam_backend_row b = {
        .family = 4, .port = 8080, .ip = {10, 0, 0, 1}, .egress = 1, .endpoint = 1};
    b.weight = (uint16_t)pc_rng_below(&c->rng, 3);
    if (pc_rng_chance(&c->rng, 70))
        domain.state = PORTCAM_DOMAIN_STATE_RUNNING;
    while (c->n) /* the commands of this card wait for its headers */
        arrive(c, NULL);
    row_command(c, PORTCAM_OPCODE_CHANGE_BEGIN, 0, 0, NULL);
    row_command(c, PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_DOMAIN, 0, &domain);
    row_command(c, PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_BACKEND, 1, &b);
    for (unsigned n = pc_rng_below(&c->rng, DELAY); n > 0; n--) {
        unsigned function;
        struct frame f = any_frame(c, &function);
        admit(c, &f, function);
    }
    if (c->n)
        c->waiting[c->n - 1].commit = true;
    else
        commit_card(c);
    pc_replay_committed(c->r);
}

static void rest(struct card *c)
{
    const struct pc_connections *t = pc_device_connections(c->d);
    while (c->n)
        arrive(c, NULL);
    assert_true(pc_replay_drained(c->r));
    pc_replay_settled(c->r);
    pc_replay_connections(c->r, pc_connections_used(t), pc_connections_embryonic(t));
    read_some(c);
}

static void nothing_differs(void **state)
{
    (void)state;
    static struct card c;
    const char *text = getenv("SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    printf("# seed %llu\n", (unsigned long long)seed);
    start(&c, seed, 32);
    for (unsigned n = 0; n < OPERATIONS; n++) {
        unsigned what = pc_rng_below(&c.rng, 1000);
        c.now += pc_rng_below(&c.rng, 4);
        if (what < 420 && c.n < DELAY) {
            unsigned function;
            struct frame f = any_frame(&c, &function);
            admit(&c, &f, function);
        } else if (what < 840 && c.n) {
            arrive(&c, NULL);
        } else if (what < 940) {
            age_one(&c);
        } else if (what < 960) {
            move_one(&c);
        } else if (what < 970) {
            read_some(&c);
        } else if (what < 985) {
            delete_one(&c);
        } else if (what < 990) {
            insert_some(&c);
        } else if (what < 994) {
            change(&c);
        } else {
            rest(&c);
        }
        assert_int_equal(c.told, 0);
    }
    rest(&c);
    assert_int_equal(pc_replay_differences(c.r), 0);
    assert_true(pc_replay_answers(c.r) > 50);
    assert_true(pc_replay_began(c.r) > 1000);
    for (unsigned kind = 0; kind < 7; kind++)
        assert_true(c.kinds[kind] > 20);
    static const uint8_t reasons[] = {
        R(CONNECTION_FORWARD), R(CONNECTION_NEW),   R(CONNECTION_REVERSE), R(HASH_FORWARD),
        R(REPLY_PASS),         R(NO_RECORD_REJECT), R(TABLE_FULL),         R(TABLE_FULL_HASH),
        R(PAUSED_DROP),        R(REJECT_LIMITED),   R(REJECT_SILENT),      R(UNKNOWN_REJECT),
        R(STOPPED_REJECT)};
    for (unsigned i = 0; i < sizeof(reasons); i++)
        assert_true(c.reasons[reasons[i]] > 0);
    stop(&c);
}

/* ---- lies ---- */

static void one_packet(struct card *c, unsigned client, unsigned port, unsigned flags,
                       const struct lie *lie, unsigned reason)
{
    char ip[16];
    snprintf(ip, sizeof(ip), "192.0.2.%u", client);
    struct frame f = tcp_frame(ip, 40000, "198.51.100.1", port, flags, 1);
    admit(c, &f, 0);
    assert_int_equal(arrive(c, lie), reason);
}

static void lies_about_packets(void **state)
{
    (void)state;
    static struct card c;
    static const struct {
        unsigned port, flags, reason;
        struct lie lie;
    } lies[] = {
        {80, SYN, R(CONNECTION_NEW), {.asked = true}},
        {80, SYN, R(CONNECTION_NEW), {.index = true}},
        {80, SYN, R(CONNECTION_NEW), {.second = true}},
        {80, SYN, R(CONNECTION_NEW), {.slot = true}}, /* taken */
        {80, SYN, R(CONNECTION_NEW), {.room = true}}, /* most rows are free */
        {81, SYN, R(CONNECTION_NEW), {.second = true}},
        {81, SYN, R(CONNECTION_NEW), {.worse = true}}, /* by three, for long */
        {82, SYN, R(CONNECTION_NEW), {.index = true}},
        {82, ACK, R(HASH_FORWARD), {.index = true}},
        {82, ACK, R(HASH_FORWARD), {.asked = true}},
        {80, ACK, R(NO_RECORD_REJECT), {.asked = true}},
        {80, ACK, R(NO_RECORD_REJECT), {.frame = true}},
        {80, SYN, R(CONNECTION_NEW), {.frame = true}},
        {80, SYN, R(CONNECTION_NEW), {.function = true}},
        {83, ACK, R(UNKNOWN_PASS), {.asked = true}},
        {83, ACK, R(UNKNOWN_PASS), {.frame = true}},
    };
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        start(&c, i, 64);
        c.quiet = true;
        c.lowest = true; /* slot 0 is taken, and backend 1 has 6 records more */
        for (unsigned n = 0; n < 6; n++)
            one_packet(&c, n, 82, SYN, NULL, R(CONNECTION_NEW));
        for (unsigned n = 0; n < 80; n++) /* old news */
            one_packet(&c, 99, 83, ACK, NULL, R(UNKNOWN_PASS));
        assert_int_equal(c.told, 0);
        one_packet(&c, 250, lies[i].port, lies[i].flags, &lies[i].lie, lies[i].reason);
        if (c.told == 0)
            print_message("# lie %u was not told\n", i);
        assert_true(c.told > 0);
        stop(&c);
    }
}

static void lies_about_records(void **state)
{
    (void)state;
    static struct card c;
    for (unsigned i = 0; i < 23; i++) {
        start(&c, 1, 64);
        one_packet(&c, 1, 80, SYN, NULL, R(CONNECTION_NEW));
        unsigned slot = 0;
        while (!pc_connections_get(pc_device_connections(c.d), slot))
            slot++;
        pc_replay_settled(c.r);
        c.quiet = true;
        struct pc_record_trace t = {.slot = slot, .time = c.now + 299, .ended = true};
        struct portcam_command cmd = {.row = slot, .count = 1};
        struct portcam_connection_image image =
            pc_connection_image(pc_connections_get(pc_device_connections(c.d), slot));
        image.client_port++;
        memcpy(c.memory, &image, sizeof(image));
        switch (i) {
        case 0: /* too young */
            t.kind = PC_RECORD_AGE;
            pc_replay_record(c.r, &t);
            break;
        case 1: /* nobody there */
            t.kind = PC_RECORD_AGE;
            t.slot = slot + 1;
            pc_replay_record(c.r, &t);
            break;
        case 2: /* not paused */
            t.kind = PC_RECORD_KEEP;
            pc_replay_record(c.r, &t);
            break;
        case 3: /* not from the stash */
            t.kind = PC_RECORD_MOVE;
            t.to = slot == 64 ? 65 : 64; /* nor to the table */
            pc_replay_record(c.r, &t);
            break;
        case 4: /* to nowhere */
            t.kind = PC_RECORD_MOVE;
            t.to = UINT32_MAX;
            pc_replay_record(c.r, &t);
            break;
        case 5: /* nobody there */
            t.kind = PC_RECORD_READ;
            t.slot = UINT32_MAX;
            pc_replay_record(c.r, &t);
            break;
        case 6: /* one record is left out */
            cmd.opcode = PORTCAM_OPCODE_CONNECTION_READ;
            command(&c, &cmd);
            break;
        case 7: /* another image */
            t.kind = PC_RECORD_READ;
            pc_replay_record(c.r, &t);
            cmd.opcode = PORTCAM_OPCODE_CONNECTION_READ;
            c.memory[1] = 1;
            pc_replay_commanded(c.r, &cmd, PORTCAM_STATUS_OK);
            break;
        case 8: /* deleted, but the record was another one */
            t.kind = PC_RECORD_DELETE;
            pc_replay_record(c.r, &t);
            cmd.opcode = PORTCAM_OPCODE_CONNECTION_DELETE;
            cmd.count = 77;
            pc_replay_commanded(c.r, &cmd, PORTCAM_STATUS_OK);
            break;
        case 9: /* not deleted, but it was the one */
            cmd.opcode = PORTCAM_OPCODE_CONNECTION_DELETE;
            pc_replay_commanded(c.r, &cmd, PORTCAM_STATUS_NOT_FOUND);
            break;
        case 10: /* a second one that is not there */
            t.kind = PC_RECORD_PACKET;
            pc_replay_record(c.r, &t);
            break;
        case 11:
            pc_replay_connections(c.r, 1, 0);
            break;
        case 12:
            pc_replay_connections(c.r, 2, 1);
            break;
        case 13: { /* an answer is lost */
            struct lie lie = {.answer = true};
            one_packet(&c, 1, 81, ACK, &lie, R(NO_RECORD_REJECT));
            assert_false(pc_replay_drained(c.r));
            break;
        }
        case 14: /* an image that was refused without a reason */
            insert_images(&c, 1, true, false);
            break;
        case 15: /* one that was inserted twice */
            memcpy(c.memory + sizeof(image), &image, sizeof(image));
            insert_images(&c, 2, true, false);
            break;
        case 16: /* there was room */
            insert_images(&c, 1, true, true);
            break;
        case 17: /* another image than the host's */
            t = (struct pc_record_trace){
                .kind = PC_RECORD_INSERT, .room = true, .slot = 9, .ended = true, .image = &image};
            image.client_next++;
            pc_replay_record(c.r, &t);
            cmd.opcode = PORTCAM_OPCODE_CONNECTION_INSERT;
            pc_replay_commanded(c.r, &cmd, PORTCAM_STATUS_OK);
            break;
        case 18: /* one that was left out */
            cmd.opcode = PORTCAM_OPCODE_CONNECTION_INSERT;
            pc_replay_commanded(c.r, &cmd, PORTCAM_STATUS_OK);
            break;
        case 19: /* a good image that was called bad */
            cmd.opcode = PORTCAM_OPCODE_CONNECTION_INSERT;
            pc_replay_commanded(c.r, &cmd, PORTCAM_STATUS_BAD_ROW);
            break;
        case 20: /* a status that is not that of the image */
            t = (struct pc_record_trace){
                .kind = PC_RECORD_INSERT, .room = true, .slot = 9, .ended = true, .image = &image};
            pc_replay_record(c.r, &t);
            cmd.opcode = PORTCAM_OPCODE_CONNECTION_INSERT;
            pc_replay_commanded(c.r, &cmd, PORTCAM_STATUS_EXISTS);
            break;
        case 21: /* a place that is taken */
            t = (struct pc_record_trace){.kind = PC_RECORD_INSERT,
                                         .room = true,
                                         .slot = slot,
                                         .ended = true,
                                         .image = &image};
            pc_replay_record(c.r, &t);
            break;
        default: /* a header that never comes to the record stage */
            pc_replay_frame_in(c.r, PC_SIDE_NET, 0, c.memory, 60);
            pc_replay_admitted(c.r, PC_SIDE_NET);
            assert_false(pc_replay_drained(c.r));
            break;
        }
        if (c.told == 0)
            print_message("# lie %u was not told\n", i);
        assert_true(c.told > 0);
        stop(&c);
    }
}

/* What the RTL may do: see an old state of things. */
static void allowed(void **state)
{
    (void)state;
    static struct card c;
    struct lie late = {.late = true}, worse = {.worse = true};
    start(&c, 1, 64);
    one_packet(&c, 1, 80, SYN, NULL, R(CONNECTION_NEW));
    one_packet(&c, 1, 80, SYN, &late, R(CONNECTION_FORWARD)); /* a young record seemed not there */
    assert_int_equal(c.told, 0);
    for (unsigned slot = 0; slot < 68; slot++) { /* one that ended seemed still there */
        struct pc_record_trace t = {
            .kind = PC_RECORD_AGE, .slot = slot, .time = c.now += 300, .ended = true};
        if (pc_device_age_slot(c.d, c.now, slot) == PC_AGEING_ENDED)
            pc_replay_record(c.r, &t);
    }
    one_packet(&c, 1, 80, SYN, &late, R(CONNECTION_NEW));
    assert_int_equal(c.told, 0);
    stop(&c);
    start(&c, 1, 64);
    for (unsigned n = 0; n < 3; n++) /* active was 0 and 0 a moment ago */
        one_packet(&c, n, 81, SYN, NULL, R(CONNECTION_NEW));
    one_packet(&c, 9, 81, SYN, &worse, R(CONNECTION_NEW));
    assert_int_equal(c.told, 0);
    stop(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"section 2 a card of other choices and delays does not differ", nothing_differs, NULL,
         NULL, NULL},
        {"section 2 a card may see what was 64 operations ago", allowed, NULL, NULL, NULL},
        {"section 2 lies about packets are told", lies_about_packets, NULL, NULL, NULL},
        {"section 2 lies about records are told", lies_about_records, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
