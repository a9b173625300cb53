// SPDX-License-Identifier: Apache-2.0
/* What the host asks of the card while packets pass: rows, records, commands for the mirror. Part of cosim_run.hpp. */
#pragma once

#include "cosim_run.hpp"

inline void Run::host_step()
{
    bool full = slow_ && written() - completions_ == RingSize;
    if (full && pc_rng_below(&moment_dice_, 4) == 0) {
        moments_.count(MomentBins::CompletionsFull, done_ != tail_);
        collect();
    }
    if (done_ != tail_ || (rows_left_ == 0 && pc_rng_below(&dice_, 10) != 0))
        return;
    if (pc_rng_below(&irq_dice_, 2) == 0)
        await_interrupts();
    if (!slow_ || pc_rng_below(&moment_dice_, 200) == 0)
        collect();
    maybe_arm();
    unsigned rows = rows_left_ ? rows_left_ : 1 + pc_rng_below(&dice_, 6);
    rows_left_ = 0;
    unsigned dice = pc_rng_below(&dice_, 100);
    if (!based_)
        dice = 99;
    else if (rows < 10 && pc_rng_below(&record_dice_, 2) == 0) {
        record_commands();
        dice = 100;
    }
    if (dice == 100) {
    } else if (dice < 10 && rows < 10) {
        put(reader(PORTCAM_OPCODE_ROW_READ, pc_rng_below(&dice_, PORTCAM_TABLE_MAX + 1),
                   pc_rng_below(&dice_, 80), 0));
        put(reader(PORTCAM_OPCODE_COUNTER_READ, pc_rng_below(&dice_, PORTCAM_COUNTER_TABLE_MAX + 1),
                   pc_rng_below(&dice_, 40), pc_rng_below(&dice_, 70)));
        if (pc_rng_below(&irq_dice_, 4) == 0)
            put(reader(pc_rng_below(&irq_dice_, 2) ? PORTCAM_OPCODE_ROW_READ
                                                   : PORTCAM_OPCODE_SELF_TEST,
                       PORTCAM_TABLE_DEVICE, 0, 0, NoMemory));
    } else if (dice < 15 && rows < 10) {
        struct portcam_command c;
        pc_rng_bytes(&dice_, &c, sizeof(c));
        if (c.opcode != PORTCAM_OPCODE_CHANGE_BEGIN)
            put(c);
        put(simple(PORTCAM_OPCODE_CHANGE_ABORT));
    } else {
        put(simple(PORTCAM_OPCODE_CHANGE_BEGIN));
        world_.calm = rows > 10;
        if (!based_) {
            struct portcam_command c;
            for (unsigned i = 0; world_base_row(&world_, i, &c); i++)
                put(c);
            based_ = true;
            rows = 0;
        }
        for (unsigned i = 0; i < rows; i++) {
            struct portcam_command c;
            world_row(&world_, &c);
            put(c);
        }
        put(simple(pc_rng_chance(&dice_, 90) ? PORTCAM_OPCODE_CHANGE_COMMIT
                                             : PORTCAM_OPCODE_CHANGE_ABORT));
        put(simple(PORTCAM_OPCODE_CHANGE_ABORT)); /* in case the commit was refused */
    }
    card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_);
    maybe_arm();
}

inline struct portcam_connection_image Run::any_image()
{
    const struct pc_connections *c = pc_device_connections(pc_replay_device(replay_));
    const struct pc_connection *r = pc_connections_get(c, last_slot_);
    struct portcam_connection_image image = spare_[pc_rng_below(&insert_dice_, Spares)];
    unsigned dice = pc_rng_below(&insert_dice_, 100);
    if (dice < 25 && r)
        image = pc_connection_image(r);
    if (dice < 15)
        image.public_port++;
    else if (dice >= 90)
        image.client_port = static_cast<uint16_t>(pc_rng_next(&insert_dice_));
    if (pc_rng_below(&insert_dice_, 20) == 0) {
        unsigned bit = pc_rng_below(&insert_dice_, 8 * sizeof(image));
        reinterpret_cast<uint8_t *>(&image)[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    }
    if (pc_rng_below(&insert_dice_, 2))
        image.last_used = time_;
    return image;
}

inline void Run::put_inserts()
{
    uint64_t at = ImagesAt + 64 * pc_rng_below(&insert_dice_, 64);
    const struct pc_connections *c = pc_device_connections(pc_replay_device(replay_));
    unsigned slots = slots_of(world_.sizes), slot = last_slot_;
    /* Taken out and put back, below their packets. */
    for (unsigned i = pc_rng_below(&insert_dice_, 2) ? 4 : 0; i; i--, slot = (slot + 1) % slots) {
        const struct pc_connection *r = pc_connections_get(c, slot);
        if (!r)
            continue;
        struct portcam_connection_image image = pc_connection_image(r);
        put(reader(PORTCAM_OPCODE_CONNECTION_DELETE, 0, r->slot, r->generation));
        put(reader(PORTCAM_OPCODE_CONNECTION_INSERT, 0, 0, 1, at));
        memcpy(&memory_[at - MemoryBase], &image, sizeof(image));
        at += sizeof(image);
    }
    for (unsigned i = pc_rng_below(&insert_dice_, 3); i; i--) {
        unsigned count = 1 + pc_rng_below(&insert_dice_, pc_rng_below(&insert_dice_, 4) ? 4 : 40);
        bool none = pc_rng_below(&insert_dice_, 40) == 0;
        put(reader(PORTCAM_OPCODE_CONNECTION_INSERT, 0, 0, count, none ? NoMemory : at));
        for (unsigned n = 0; n < count; n++, at += sizeof(portcam_connection_image)) {
            struct portcam_connection_image image = any_image();
            memcpy(&memory_[at - MemoryBase], &image, sizeof(image));
        }
    }
}

inline void Run::record_commands()
{
    const struct pc_connections *c = pc_device_connections(pc_replay_device(replay_));
    unsigned slots = slots_of(world_.sizes);
    for (unsigned i = pc_rng_below(&record_dice_, 3); i; i--)
        put(reader(PORTCAM_OPCODE_CONNECTION_READ, 0, pc_rng_below(&record_dice_, slots + 1),
                   pc_rng_below(&record_dice_, 40)));
    for (unsigned i = pc_rng_below(&record_dice_, 3); i; i--)
        put(reader(PORTCAM_OPCODE_BACKEND_READ, 0, pc_rng_below(&record_dice_, 5),
                   pc_rng_below(&record_dice_, 12)));
    unsigned deletes = pc_rng_below(&record_dice_, 3);
    for (unsigned i = pc_connections_is_stash(c, last_slot_) ? 6 : deletes; i; i--) {
        unsigned slot = pc_rng_below(&record_dice_, slots);
        if (pc_connections_is_stash(c, last_slot_)) /* a place for it, so that it moves */
            slot = (last_slot_ < world_.sizes.connection_rows + world_.sizes.connection_stash
                        ? 0
                        : world_.sizes.connection_rows + world_.sizes.connection_stash) +
                   pc_rng_below(&record_dice_, world_.sizes.connection_rows);
        else if (pc_rng_below(&record_dice_, 3))
            slot = last_slot_;
        for (unsigned n = 0; n < slots && !pc_connections_get(c, slot); n++)
            slot = (slot + 1) % slots;
        const struct pc_connection *r = pc_connections_get(c, slot);
        unsigned generation = r ? r->generation : 1;
        if (pc_rng_below(&record_dice_, 5) == 0)
            generation++;
        put(reader(PORTCAM_OPCODE_CONNECTION_DELETE, 0, slot, generation));
    }
    put_inserts();
    mirror_commands();
    put(simple(PORTCAM_OPCODE_NOP));
}

inline void Run::mirror_commands()
{
    unsigned slots = slots_of(world_.sizes);
    if (mirror_.below(3) == 0)
        put(reader(PORTCAM_OPCODE_MIRROR_COPY, 0, mirror_.any_slot(), 1 + mirror_.below(40)));
    if (mirror_.below(8) == 0)
        put(reader(PORTCAM_OPCODE_MIRROR_SUM, 0, mirror_.below((slots + 4095) / 4096), 0));
}

inline void Run::whole_mirror()
{
    unsigned slots = slots_of(world_.sizes);
    auto reg = [this](uint32_t offset, uint32_t value) { mirror_write(offset, value); };
    hold_.end();
    drain(); /* also the commands, whose images would be overwritten */
    if (!mirror_.running())
        mirror_.start(reg, mirror_.log2_next());
    for (unsigned slot = 0; slot < slots; slot += 1024)
        put(reader(PORTCAM_OPCODE_MIRROR_COPY, 0, slot, std::min(1024u, slots - slot)));
    batch();
    for (unsigned i = 0; i < 400; i++) {
        feed();
        clocks(40);
    }
    check_mirror(0, slots);
}

inline void Run::check_mirror(unsigned first, unsigned count)
{
    drain();
    if (!mirror_.running())
        return;
    if (card_.reg_read(PORTCAM_REG_MIRROR_STATUS) != PORTCAM_MIRROR_STATUS_RUNNING)
        note("the mirror does not run, or is not at rest");
    pc_replay_mirror_rest(replay_, card_.reg_read(PORTCAM_REG_MIRROR_VERSION),
                          card_.reg_read(PORTCAM_REG_EVENT_TAIL),
                          card_.reg_read(PORTCAM_REG_EVENT_DROPPED));
    for (unsigned slot = first; slot < first + count; slot++)
        if (!pc_replay_mirror_holds(replay_, slot, mirror_.entry(slot))) {
            note("an entry of the mirror is not the model's record");
            break;
        }
    pc_replay_settled(replay_);
    for (unsigned block = first / 4096; block < (first + count + 4095) / 4096; block++) {
        put(reader(PORTCAM_OPCODE_MIRROR_SUM, 0, block, 0));
        batch();
    }
}
