// SPDX-License-Identifier: Apache-2.0
/* Replay: what a card may not say is told, each lie by its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "replay_card.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"section 2 lies about packets are told", lies_about_packets, NULL, NULL, NULL},
        {"section 2 lies about records are told", lies_about_records, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
