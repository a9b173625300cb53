// SPDX-License-Identifier: Apache-2.0
//
// Commands for the bench: short ways to make one, good rows of every table, and random commands
// that are mostly good, with one thing wrong now and then.
#pragma once

#include "card.hpp"

inline Command command(unsigned opcode, unsigned table = 0, uint32_t row = 0, uint32_t count = 0)
{
    Command c{};
    static uint32_t cookie = 0x1000;
    c.opcode = uint8_t(opcode);
    c.table_id = uint16_t(table);
    c.row = row;
    c.count = count;
    c.cookie = cookie += 0x9E3779B1;
    return c;
}
inline Command to(Command c, uint64_t address, uint64_t address2 = 0)
{
    memcpy(c.data, &address, 8);
    memcpy(c.data + 8, &address2, 8);
    return c;
}
inline Command with_completion(Command c)
{
    c.flags |= PORTCAM_COMMAND_COMPLETE;
    return c;
}
inline void put16(uint8_t *data, unsigned at, unsigned value)
{
    data[at] = uint8_t(value);
    data[at + 1] = uint8_t(value >> 8);
}

// Makes a row of table service that is good otherwise a stateful one.
inline void stateful_row(Random &random, uint8_t *d)
{
    auto below = [&](uint64_t limit) { return unsigned(random.below(limit)); };
    d[7] |= d[7] & 1 ? 0 : 4;
    d[8] = PORTCAM_MODE_STATEFUL;
    put16(d, 12, 0);
    put16(d, 14, below(SERVICES));
    d[18] = uint8_t(below(10)); // the longest slot table fills all rows
    put16(d, 16, below(SCHEDULE_ROWS + 1 - (d[18] < 3 ? 1 : 1 << (d[18] - 3))));
    d[19] = uint8_t(below(4));
    bool hashes = d[19] == 1 || d[19] == 2;
    d[20] = uint8_t(below(hashes ? 4 : 3));
    d[21] = uint8_t(below(2));
    d[22] = uint8_t(below(3) == 0 ? PORTCAM_FULL_PUNT : below(hashes ? 2 : 1));
    memset(d + 23, 0, 25);
}

// Fills `d` with a row that the table takes.
inline void good_row(Random &random, unsigned table, uint8_t *d)
{
    auto below = [&](uint64_t limit) { return unsigned(random.below(limit)); };
    for (unsigned i = 0; i < 48; i++)
        d[i] = uint8_t(random.next());
    auto zero = [&](unsigned from) { memset(d + from, 0, 48 - from); };
    auto family = [&] { d[16] = random.below(2) ? 4 : 6; };
    switch (table) {
    case PORTCAM_TABLE_DEVICE:
        zero(6);
        break;
    case PORTCAM_TABLE_FUNCTION:
        put16(d, 6, below(DOMAINS));
        d[8] = uint8_t(below(8));
        zero(9);
        break;
    case PORTCAM_TABLE_DOMAIN:
        d[0] = uint8_t(below(4));
        d[1] = uint8_t(below(3));
        d[2] = uint8_t(below(FUNCTIONS));
        zero(3);
        break;
    case PORTCAM_TABLE_ADDRESS:
        family();
        d[17] = uint8_t(below(d[16] == 4 ? 33 : 129));
        put16(d, 18, random.below(4) ? below(4095) : 0xffff);
        put16(d, 20, below(ADDRESSES));
        put16(d, 22, below(DOMAINS));
        d[24] = uint8_t(below(FUNCTIONS));
        zero(25);
        break;
    case PORTCAM_TABLE_SERVICE:
        put16(d, 0, below(DOMAINS));
        put16(d, 2, random.below(4) ? below(ADDRESSES) : 0xffff);
        d[7] = uint8_t(below(8));
        d[8] = uint8_t(CONNECTION_ROWS ? below(3) : 2 * below(2));
        d[9] = 0;
        put16(d, 10, below(SERVICES));
        put16(d, 12, below(BACKENDS));
        if (d[8] == PORTCAM_MODE_STATEFUL) {
            stateful_row(random, d);
        } else {
            zero(14);
        }
        break;
    case PORTCAM_TABLE_BACKEND:
        family();
        d[17] = uint8_t(below(2));
        d[26] = uint8_t(below(FUNCTIONS));
        d[27] = 0;
        put16(d, 30, below(BACKENDS));
        zero(32);
        break;
    case PORTCAM_TABLE_SCHEDULE:
        for (unsigned at = 0; at < 32; at += 2)
            put16(d, at, random.below(4) ? below(BACKENDS) : 0xffff);
        zero(32);
        break;
    case PORTCAM_TABLE_TIMEOUT:
        for (unsigned at = 0; at < 32; at += 4)
            d[at] |= 1, d[at + 3] &= 0x7f;
        put16(d, 32, below(DOMAINS));
        zero(34);
        break;
    case PORTCAM_TABLE_PUBLIC:
        family();
        zero(17);
        break;
    case PORTCAM_TABLE_LIMITS:
        memset(d + 12, 0, 4);
        for (unsigned i = 0; i < 8; i++)
            d[16 + i] &= uint8_t(PORTCAM_PUNT_REASONS >> 8 * i);
        zero(24);
        break;
    default:
        family();
        put16(d, 38, below(SERVICES));
        put16(d, 40, below(BACKENDS));
        put16(d, 42, below(DOMAINS));
        put16(d, 44, below(ADDRESSES));
        d[46] = uint8_t(CONNECTION_ROWS ? below(32) : below(32) & ~4u);
        d[47] = 0;
        break;
    }
}

inline Command row_write(Random &random, unsigned table, uint32_t row)
{
    Command c = command(PORTCAM_OPCODE_ROW_WRITE, table, row);
    good_row(random, table, c.data);
    return c;
}

// An image that a card of this size takes.
inline std::vector<uint8_t> good_image(Random &random)
{
    std::vector<uint8_t> image(128);
    for (uint8_t &byte : image)
        byte = uint8_t(random.next());
    auto put16 = [&](unsigned at, unsigned value) {
        image[at] = uint8_t(value);
        image[at + 1] = uint8_t(value >> 8);
    };
    image[24] = random.below(2) ? 4 : 6;
    if (image[24] == 4)
        std::fill(image.begin() + 12, image.begin() + 24, uint8_t(0));
    image[25] = random.below(2) ? 6 : 17;
    put16(30, unsigned(random.below(ADDRESSES)));
    put16(32, unsigned(random.below(SERVICES)));
    put16(34, unsigned(random.below(BACKENDS)));
    put16(36, unsigned(random.below(BACKENDS)));
    image[38] = uint8_t(image[25] == 6 ? 1 + random.below(9) : 10 + random.below(2));
    image[39] &= 3;
    image[41] = 0;
    put16(42, unsigned(random.below(SERVICES)));
    std::fill(image.begin() + 56, image.begin() + 64, uint8_t(0));
    put16(70, 0);
    put16(86, 0);
    std::fill(image.begin() + 96, image.end(), uint8_t(0));
    return image;
}

// One that the records take too.
inline std::vector<uint8_t> welcome_image(Random &random)
{
    for (;;) {
        std::vector<uint8_t> image = good_image(random);
        if (insert_status(image) == PORTCAM_STATUS_OK)
            return image;
    }
}

// connection_insert of images of which `bad` percent have a random bit changed; where they lie.
inline Command insert_command(Card &card, unsigned count, unsigned bad)
{
    Random &random = card.random;
    uint64_t at = card.fresh_page() + 64 * random.below(200);
    card.bus.data(at, 128ull * count);
    for (unsigned i = 0; i < count; i++) {
        std::vector<uint8_t> image = good_image(random);
        if (random.percent(bad))
            image[random.below(128)] ^= uint8_t(1u << random.below(8));
        card.memory.write(at + 128 * i, image.data(), image.size());
    }
    return to(command(PORTCAM_OPCODE_CONNECTION_INSERT, unsigned(random.next()),
                      uint32_t(random.next()), count),
              at);
}

// Any command. `wild` is the percentage in which one thing is put wrong.
inline Command random_command(Card &card, unsigned wild)
{
    Random &random = card.random;
    unsigned table = unsigned(random.below(TABLES)),
             row = unsigned(random.below(table_rows(table)));
    Command c;
    switch (random.below(20)) {
    default:
        c = row_write(random, table, row);
        break;
    case 0:
    case 1:
        c = command(PORTCAM_OPCODE_ROW_DELETE, table, row);
        break;
    case 2:
    case 3:
    case 4:
        c = to(command(PORTCAM_OPCODE_ROW_READ, table, row),
               card.fresh_page() + 64 * random.below(64));
        break;
    case 5:
    case 6:
        c = command(PORTCAM_OPCODE_CHANGE_BEGIN);
        break;
    case 7:
    case 8:
        c = command(PORTCAM_OPCODE_CHANGE_COMMIT);
        break;
    case 9:
        c = command(PORTCAM_OPCODE_CHANGE_ABORT);
        break;
    case 10:
    case 11: {
        table = unsigned(random.below(7));
        unsigned rows = counter_rows(table),
                 count = 1 + unsigned(random.below(rows < 40 ? rows : 40));
        c = to(command(PORTCAM_OPCODE_COUNTER_READ, table, unsigned(random.below(rows - count + 1)),
                       count),
               card.fresh_page() + 64 * random.below(64));
        break;
    }
    case 12: {
        uint64_t from = card.fresh_page() + 64 * random.below(64);
        for (unsigned i = 0; i < 64; i++)
            card.memory.line(from)[i] = uint8_t(random.next());
        c = to(command(PORTCAM_OPCODE_SELF_TEST), from, card.fresh_page());
        break;
    }
    case 13:
        c = random.below(2) ? command(PORTCAM_OPCODE_NOP)
                            : insert_command(card, 1 + unsigned(random.below(20)), wild);
        break;
    case 14:
    case 15: {
        static const unsigned opcodes[] = {
            PORTCAM_OPCODE_CONNECTION_READ, PORTCAM_OPCODE_CONNECTION_DELETE,
            PORTCAM_OPCODE_BACKEND_READ, PORTCAM_OPCODE_MIRROR_COPY, PORTCAM_OPCODE_MIRROR_SUM};
        unsigned opcode = opcodes[random.below(5)],
                 rows = opcode == PORTCAM_OPCODE_BACKEND_READ || !SLOTS ? +BACKENDS : +SLOTS;
        uint32_t first = uint32_t(random.below(rows)), most = rows - first < 20 ? rows - first : 20;
        c = command(opcode, 0, first, uint32_t(1 + random.below(most)));
        if (opcode == PORTCAM_OPCODE_CONNECTION_DELETE && random.below(4))
            c.count = record_generation(c.row);
        if (opcode == PORTCAM_OPCODE_MIRROR_SUM && random.below(8))
            c.row = 0;
        c = to(c, card.fresh_page() + 64 * random.below(64));
        break;
    }
    }
    bool uses_memory =
        c.opcode == PORTCAM_OPCODE_ROW_READ || c.opcode == PORTCAM_OPCODE_COUNTER_READ ||
        c.opcode == PORTCAM_OPCODE_BACKEND_READ || c.opcode == PORTCAM_OPCODE_CONNECTION_READ ||
        c.opcode == PORTCAM_OPCODE_CONNECTION_DELETE || c.opcode == PORTCAM_OPCODE_MIRROR_SUM ||
        c.opcode == PORTCAM_OPCODE_CONNECTION_INSERT || c.opcode == PORTCAM_OPCODE_SELF_TEST;
    bool reads =
        c.opcode == PORTCAM_OPCODE_CONNECTION_INSERT || c.opcode == PORTCAM_OPCODE_SELF_TEST;
    if (uses_memory && random.percent(wild)) {
        uint64_t address;
        memcpy(&address, c.data, 8);
        if (c.opcode == PORTCAM_OPCODE_CONNECTION_INSERT)
            address += 64 * random.below(2 * c.count);
        (reads ? card.memory.no_read : card.memory.no_write).insert(address / 64);
    }
    if (random.percent(20))
        c = with_completion(c);
    if (random.percent(wild)) {
        switch (random.below(7)) {
        case 0:
            c.opcode = uint8_t(random.next());
            break;
        case 1:
            c.table_id = uint16_t(random.below(2) ? random.below(16) : random.next());
            break;
        case 2:
            c.row = uint32_t(random.below(2) ? random.below(1100) : random.next());
            break;
        case 3:
            c.count = uint32_t(random.below(2) ? random.below(1100) : random.next());
            break;
        case 4:
            c.opcode = PORTCAM_OPCODE_SET_TIME;
            break;
        default:
            c.data[random.below(48)] ^= uint8_t(1u << random.below(8));
            break;
        }
    }
    if (c.opcode == PORTCAM_OPCODE_CONNECTION_INSERT && c.count <= 1024) {
        uint64_t address;
        memcpy(&address, c.data, 8);
        card.bus.data(address, 128ull * c.count);
    }
    return c;
}
