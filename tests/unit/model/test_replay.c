// SPDX-License-Identifier: Apache-2.0
/* Replay: a card that makes other choices and answers later, within the rules, does not differ from the
 * model. SEED= in the environment chooses another run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replay_card.h"

static void row_command(struct card *c, unsigned opcode, unsigned table, unsigned row,
                        const void *data)
{
    struct portcam_command cmd = {
        .opcode = (uint8_t)opcode, .table_id = (uint16_t)table, .row = row};
    if (data)
        memcpy(cmd.data, data, sizeof(cmd.data));
    assert_int_equal(command(c, &cmd), PORTCAM_STATUS_OK);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
