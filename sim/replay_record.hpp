// SPDX-License-Identifier: Apache-2.0
/* From the record trace of the RTL to that of the replay. */
#ifndef PC_SIM_REPLAY_RECORD_HPP
#define PC_SIM_REPLAY_RECORD_HPP

#include "replay.h"
#include "rtl_card.hpp"

namespace portcam
{

/* Kinds of operations, portcam_connection_pkg::op_e. */
enum {
    OpForward = 1,
    OpReverse = 2,
    OpRead = 4,
    OpAge = 5,
    OpKeep = 6,
    OpDelete = 7,
    OpMove = 8,
    OpCopy = 10,
    OpInsert = 11
};

inline void replay_record(pc_replay *replay, const Record &r)
{
    bool of_packet = r.kind == OpForward || r.kind == OpReverse;
    if (r.packet) {
        pc_record_trace t = {};
        t.kind = PC_RECORD_PACKET;
        t.asked = r.asked;
        t.second = r.second;
        t.room = r.room;
        t.index = static_cast<uint16_t>(r.index);
        t.slot = r.slot;
        t.time = r.time;
        t.mirror =
            static_cast<uint8_t>(of_packet ? r.mirror : r.mirror & ~(PC_MIRRORED_START - 1u));
        pc_replay_record(replay, &t);
    }
    pc_record_trace t = {};
    t.slot = r.slot;
    t.to = r.to;
    t.time = r.time;
    t.ended = r.acted;
    t.mirror = static_cast<uint8_t>(r.mirror);
    switch (r.kind) {
    case OpRead:
        t.kind = PC_RECORD_READ;
        break;
    case OpAge:
        t.kind = PC_RECORD_AGE;
        break;
    case OpKeep:
        t.kind = PC_RECORD_KEEP;
        break;
    case OpDelete:
        t.kind = PC_RECORD_DELETE;
        break;
    case OpMove:
        t.kind = PC_RECORD_MOVE;
        break;
    case OpCopy:
        t.kind = PC_RECORD_COPY;
        break;
    case OpInsert:
        t.kind = PC_RECORD_INSERT;
        t.room = r.room;
        t.image = r.image;
        break;
    default:
        return;
    }
    if (r.acted || r.kind == OpDelete || r.kind == OpInsert || r.kind == OpCopy)
        pc_replay_record(replay, &t);
}

} // namespace portcam

#endif
