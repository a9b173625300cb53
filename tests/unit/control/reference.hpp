// SPDX-License-Identifier: Apache-2.0
//
// What each command must answer and do, written from docs/pipeline.md section 8 and
// docs/registers.md, by byte offsets, without looking at the RTL. It knows which lines of host
// memory refuse, so DMA errors are predicted too. The counters' values are a function of table and
// row that the bench's fake counters share.
#pragma once

#include <utility>
#include <vector>

#include "host_memory.hpp"
#include "portcam_defs.h"

// Sizes of the build under test; the makefile gives the same numbers to Verilator.
enum : unsigned {
    FUNCTIONS = 4,
    DOMAINS = 8,
    ADDRESSES = 16,
    SERVICES = 32,
    BACKENDS = 512,
    ENDPOINT_WAYS = 2,
    ENDPOINT_ROWS = 64,
    ENDPOINT_ANY_PORT_ROWS = 16,
    ENDPOINT_ANY_ROWS = 32,
#ifdef BENCH_NO_CONNECTIONS
    CONNECTION_ROWS = 0,
#else
    CONNECTION_ROWS = 64,
#endif
    CONNECTION_ROWS_V6 = 32,
    CONNECTION_STASH = 4,
    SLOTS = CONNECTION_ROWS ? CONNECTION_ROWS + CONNECTION_ROWS_V6 + 2 * CONNECTION_STASH : 0,
    SCHEDULE_ROWS = 64,
    TABLES = 13,
    DIRTY_DEPTH = 16,
    PIPELINE_DRAIN = 20
};

struct Row {
    bool valid = false;
    std::array<uint8_t, 48> data{};
    bool operator==(const Row &o) const { return valid == o.valid && data == o.data; }
};
using Tables = std::map<std::pair<unsigned, unsigned>, Row>;
using Command = portcam_command;

inline unsigned table_rows(unsigned table)
{
    static const unsigned rows[] = {1,
                                    FUNCTIONS,
                                    DOMAINS,
                                    ADDRESSES,
                                    SERVICES,
                                    BACKENDS,
                                    ENDPOINT_ROWS,
                                    ENDPOINT_ANY_PORT_ROWS,
                                    ENDPOINT_ANY_ROWS,
                                    SCHEDULE_ROWS,
                                    SERVICES,
                                    ADDRESSES,
                                    1};
    return table < TABLES ? rows[table] : 0;
}

inline unsigned counter_rows(unsigned table)
{
    static const unsigned rows[] = {
        64, FUNCTIONS, FUNCTIONS, 2 * DOMAINS, 2 * ADDRESSES, 2 * SERVICES, 2 * BACKENDS};
    return table < 7 ? rows[table] : 0;
}

inline uint64_t counter_value(unsigned table, unsigned row, unsigned which)
{
    return Random((uint64_t(table) << 40) + row * 2 + which).next();
}

// Records: two of three slots hold one, unless it was ended. Its image, 128 bytes, and the state of
// a backend are made of their number.
inline bool has_record(const std::set<uint32_t> &ended, uint32_t slot)
{
    return Random(0xabc0000 + slot).below(3) != 0 && !ended.count(slot);
}

inline std::vector<uint8_t> record_image(uint32_t slot)
{
    std::vector<uint8_t> image(128);
    Random random(0xdef0000 + slot);
    for (uint8_t &byte : image)
        byte = uint8_t(random.next());
    memcpy(&image[0], &slot, 4);
    return image;
}

inline uint32_t record_generation(uint32_t slot)
{
    uint32_t generation;
    memcpy(&generation, &record_image(slot)[4], 4);
    return generation;
}

inline unsigned delete_status(const std::set<uint32_t> &ended, uint32_t slot, uint32_t generation)
{
    return !has_record(ended, slot)                ? PORTCAM_STATUS_NOT_FOUND
           : record_generation(slot) != generation ? PORTCAM_STATUS_CHANGED
                                                   : PORTCAM_STATUS_OK;
}

// What the records say to an image, by its bytes; mostly ok.
inline unsigned insert_status(const std::vector<uint8_t> &image)
{
    uint64_t sum = 14695981039346656037u;
    for (uint8_t byte : image)
        sum = (sum ^ byte) * 1099511628211u;
    static const unsigned other[] = {PORTCAM_STATUS_EXISTS, PORTCAM_STATUS_AMBIGUOUS,
                                     PORTCAM_STATUS_FULL};
    unsigned dice = unsigned(sum >> 32) % 32;
    return dice < 3 ? other[dice] : +PORTCAM_STATUS_OK;
}

inline std::vector<uint8_t> backend_state(uint32_t row)
{
    std::vector<uint8_t> state(64);
    Random random(0x1230000 + row);
    for (uint8_t &byte : state)
        byte = uint8_t(random.next());
    return state;
}

// What the mirror answers: sometimes it does not run.
inline unsigned mirror_status(uint32_t row)
{
    return row % 5 == 3 ? PORTCAM_STATUS_NO_MIRROR : PORTCAM_STATUS_OK;
}

inline std::vector<uint8_t> mirror_sum(uint32_t row)
{
    return backend_state(0x20000 + row);
}

inline Row find(const Tables &tables, unsigned table, unsigned row)
{
    auto it = tables.find({table, row});
    return it == tables.end() ? Row{} : it->second;
}

// May these 48 bytes stand in the table?
inline unsigned check_row(unsigned table, const uint8_t *d)
{
    auto word = [&](unsigned at) { return unsigned(d[at] | d[at + 1] << 8); };
    auto dword = [&](unsigned at) { return uint32_t(word(at)) | uint32_t(word(at + 2)) << 16; };
    auto zero = [&](unsigned from, unsigned to) {
        for (unsigned i = from; i < to; i++)
            if (d[i])
                return false;
        return true;
    };
    auto family = [&](unsigned at) { return d[at] == 4 || d[at] == 6; };
    bool good = false, unsupported = false;
    switch (table) {
    case PORTCAM_TABLE_DEVICE:
        good = zero(6, 48);
        break;
    case PORTCAM_TABLE_FUNCTION:
        good = word(6) < DOMAINS && d[8] < 8 && zero(9, 48);
        break;
    case PORTCAM_TABLE_DOMAIN:
        good = d[0] <= 3 && d[1] <= 2 && d[2] < FUNCTIONS && zero(3, 48);
        break;
    case PORTCAM_TABLE_ADDRESS:
        good = family(16) && d[17] <= (d[16] == 4 ? 32 : 128) &&
               (word(18) <= 4094 || word(18) == 0xffff) && word(20) < ADDRESSES &&
               word(22) < DOMAINS && d[24] < FUNCTIONS && zero(25, 48);
        break;
    case PORTCAM_TABLE_SERVICE:
        good = word(0) < DOMAINS && (word(2) < ADDRESSES || word(2) == 0xffff) && d[7] < 8 &&
               d[8] <= 2 && d[9] == 0 && word(10) < SERVICES && word(12) < BACKENDS;
        if (d[8] == PORTCAM_MODE_STATEFUL) {
            unsigned slots = d[18] <= 16 ? 1u << d[18] : ~0u / 2;
            bool hashes = d[19] == 1 || d[19] == 2;
            good = good && zero(12, 14) && zero(23, 48) && (d[7] & 5) != 0 && word(14) < SERVICES &&
                   word(16) + (slots + 7) / 8 <= SCHEDULE_ROWS && d[19] <= 3 && d[20] <= 3 &&
                   (d[20] != 3 || hashes) && d[21] <= 1 && d[22] <= 2 && (d[22] != 1 || hashes);
            unsupported = CONNECTION_ROWS == 0;
        } else {
            good = good && zero(14, 48);
        }
        break;
    case PORTCAM_TABLE_BACKEND:
        good = family(16) && d[17] < 2 && d[26] < FUNCTIONS && d[27] == 0 && word(30) < BACKENDS &&
               zero(32, 48);
        break;
    case PORTCAM_TABLE_SCHEDULE:
        good = zero(32, 48);
        for (unsigned at = 0; at < 32; at += 2)
            good = good && (word(at) < BACKENDS || word(at) == 0xffff);
        break;
    case PORTCAM_TABLE_TIMEOUT:
        good = word(32) < DOMAINS && zero(34, 48);
        for (unsigned at = 0; at < 32; at += 4)
            good = good && dword(at) >= 1 && dword(at) <= 0x7fffffff;
        break;
    case PORTCAM_TABLE_PUBLIC:
        good = family(16) && zero(17, 48);
        break;
    case PORTCAM_TABLE_LIMITS:
        good = zero(12, 16) && zero(24, 48);
        for (unsigned i = 0; i < 8; i++)
            good = good && (d[16 + i] & ~(PORTCAM_PUNT_REASONS >> 8 * i) & 0xff) == 0;
        break;
    default:
        good = family(16) && word(38) < SERVICES && word(40) < BACKENDS && word(42) < DOMAINS &&
               word(44) < ADDRESSES && d[46] < 32 && d[47] == 0;
        unsupported = (d[46] & 4) && CONNECTION_ROWS == 0;
        break;
    }
    return !good         ? PORTCAM_STATUS_BAD_ROW
           : unsupported ? PORTCAM_STATUS_UNSUPPORTED
                         : PORTCAM_STATUS_OK;
}

// May these 128 bytes become a record?
inline bool check_image(const uint8_t *d)
{
    auto word = [&](unsigned at) { return unsigned(d[at] | d[at + 1] << 8); };
    auto zero = [&](unsigned from, unsigned to) {
        for (unsigned i = from; i < to; i++)
            if (d[i])
                return false;
        return true;
    };
    bool state = d[25] == 6 ? d[38] >= 1 && d[38] <= 9 : d[38] == 10 || d[38] == 11;
    return (d[24] == 6 || (d[24] == 4 && zero(12, 24))) && word(30) < ADDRESSES &&
           word(32) < SERVICES && word(34) < BACKENDS && word(36) < BACKENDS && state &&
           d[39] < 4 && d[41] == 0 && word(42) < SERVICES && zero(56, 64) && zero(70, 72) &&
           zero(86, 88) && zero(96, 128);
}

class Reference
{
public:
    explicit Reference(HostMemory &memory) : memory_(memory) {}

    struct Result {
        unsigned status = PORTCAM_STATUS_OK;
        uint32_t result = 0;
        // What must stand in host memory now.
        std::vector<std::pair<uint64_t, std::vector<uint8_t>>> written;
        bool dma_error = false;
        uint64_t dma_error_addr = 0;
        std::vector<std::vector<uint8_t>> asked; // images that the records heard of
    };

    Tables visible, working;
    bool open = false, failed = false;
    std::set<uint32_t> ended; // records that were deleted

    void reset()
    {
        ended.clear();
        visible.clear();
        working.clear();
        open = failed = false;
    }

    Result execute(const Command &c)
    {
        Result r;
        uint64_t addr, addr2;
        memcpy(&addr, c.data, 8);
        memcpy(&addr2, c.data + 8, 8);
        switch (c.opcode) {
        case PORTCAM_OPCODE_NOP:
            break;
        case PORTCAM_OPCODE_SET_TIME:
            r.status = PORTCAM_STATUS_UNSUPPORTED;
            break;
        case PORTCAM_OPCODE_ROW_WRITE:
        case PORTCAM_OPCODE_ROW_DELETE:
            r.status = change_row(c);
            if (r.status && open)
                failed = true;
            break;
        case PORTCAM_OPCODE_ROW_READ:
            r.status = in_table(c, table_rows(c.table_id));
            if (!r.status && addr % 64)
                r.status = PORTCAM_STATUS_BAD_ALIGNMENT;
            if (!r.status)
                write_out(r, addr, image(c));
            break;
        case PORTCAM_OPCODE_CHANGE_BEGIN:
            if (open)
                r.status = PORTCAM_STATUS_CHANGE_SET_OPEN;
            else
                working = visible, open = true, failed = false;
            break;
        case PORTCAM_OPCODE_CHANGE_COMMIT:
            if (!open)
                r.status = PORTCAM_STATUS_NO_CHANGE_SET;
            else if (failed)
                r.status = PORTCAM_STATUS_CHANGE_SET_FAILED;
            else
                visible = working, open = false;
            break;
        case PORTCAM_OPCODE_CHANGE_ABORT:
            open = failed = false;
            break;
        case PORTCAM_OPCODE_COUNTER_READ:
            read_counters(c, addr, r);
            break;
        case PORTCAM_OPCODE_BACKEND_READ:
            r.status = CONNECTION_ROWS ? in_range(c, BACKENDS, addr) : +PORTCAM_STATUS_UNSUPPORTED;
            for (uint32_t i = 0; !r.status && i < c.count; i++)
                write_out(r, addr + 64 * i, backend_state(c.row + i));
            if (!r.status)
                r.result = c.count;
            break;
        case PORTCAM_OPCODE_CONNECTION_READ:
            r.status = CONNECTION_ROWS ? in_range(c, SLOTS, addr) : +PORTCAM_STATUS_UNSUPPORTED;
            for (uint32_t i = 0; !r.status && i < c.count; i++)
                if (has_record(ended, c.row + i))
                    write_image(r, addr, c.row + i);
            if (r.status)
                r.result = 0;
            break;
        case PORTCAM_OPCODE_CONNECTION_DELETE:
            delete_record(c, addr, r);
            break;
        case PORTCAM_OPCODE_MIRROR_COPY:
            r.status = CONNECTION_ROWS ? in_range(c, SLOTS, 0) : +PORTCAM_STATUS_UNSUPPORTED;
            if (!r.status)
                r.status = mirror_status(c.row);
            if (!r.status)
                r.result = c.count;
            break;
        case PORTCAM_OPCODE_MIRROR_SUM:
            r.status = !CONNECTION_ROWS                 ? +PORTCAM_STATUS_UNSUPPORTED
                       : c.row >= (SLOTS + 4095) / 4096 ? +PORTCAM_STATUS_ROW_OUT_OF_RANGE
                       : addr % 64                      ? +PORTCAM_STATUS_BAD_ALIGNMENT
                                                        : mirror_status(c.row);
            if (!r.status)
                write_out(r, addr, mirror_sum(c.row));
            break;
        case PORTCAM_OPCODE_CONNECTION_INSERT:
            insert_records(c, addr, r);
            break;
        case PORTCAM_OPCODE_SELF_TEST:
            if (addr % 64 || addr2 % 64) {
                r.status = PORTCAM_STATUS_BAD_ALIGNMENT;
            } else if (memory_.refuses_read(addr)) {
                r.status = PORTCAM_STATUS_DMA_READ_ERROR;
                r.dma_error = true;
                r.dma_error_addr = addr;
            } else {
                std::vector<uint8_t> bytes(64);
                memory_.read(addr, bytes.data(), 64);
                write_out(r, addr2, bytes);
            }
            break;
        default:
            r.status = PORTCAM_STATUS_UNKNOWN_OPCODE;
        }
        return r;
    }

private:
    unsigned in_table(const Command &c, unsigned rows)
    {
        if (rows == 0)
            return PORTCAM_STATUS_UNKNOWN_TABLE;
        return c.row < rows ? PORTCAM_STATUS_OK : PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    }

    unsigned change_row(const Command &c)
    {
        unsigned status = in_table(c, table_rows(c.table_id));
        if (!status && !open)
            status = PORTCAM_STATUS_NO_CHANGE_SET;
        bool write = c.opcode == PORTCAM_OPCODE_ROW_WRITE;
        if (!status && write)
            status = check_row(c.table_id, c.data);
        if (!status) {
            Row row;
            row.valid = write;
            if (write)
                memcpy(row.data.data(), c.data, 48);
            working[{c.table_id, c.row}] = row;
        }
        return status;
    }

    std::vector<uint8_t> image(const Command &c)
    {
        Row row = find(visible, c.table_id, c.row);
        std::vector<uint8_t> bytes(64);
        memcpy(&bytes[0], &c.table_id, 2);
        bytes[2] = row.valid;
        memcpy(&bytes[4], &c.row, 4);
        memcpy(&bytes[16], row.data.data(), 48);
        return bytes;
    }

    unsigned in_range(const Command &c, unsigned rows, uint64_t addr)
    {
        if (c.row >= rows)
            return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
        if (c.count == 0 || c.count > 1024)
            return PORTCAM_STATUS_BAD_LENGTH;
        if (uint64_t(c.row) + c.count > rows)
            return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
        return addr % 64 ? PORTCAM_STATUS_BAD_ALIGNMENT : PORTCAM_STATUS_OK;
    }

    // The next image, densely; its halves are written one after the other.
    void write_image(Result &r, uint64_t addr, uint32_t slot)
    {
        std::vector<uint8_t> image = record_image(slot);
        for (unsigned half = 0; half < 2 && !r.status; half++)
            write_out(r, addr + 128ull * r.result + 64 * half,
                      {image.begin() + 64 * half, image.begin() + 64 * half + 64});
        r.result++;
    }

    void delete_record(const Command &c, uint64_t addr, Result &r)
    {
        if (!CONNECTION_ROWS)
            r.status = PORTCAM_STATUS_UNSUPPORTED;
        else if (c.row >= SLOTS)
            r.status = PORTCAM_STATUS_ROW_OUT_OF_RANGE;
        else if (addr % 64)
            r.status = PORTCAM_STATUS_BAD_ALIGNMENT;
        else
            r.status = delete_status(ended, c.row, c.count);
        if (r.status)
            return;
        ended.insert(c.row);
        write_image(r, addr, c.row);
        if (r.status)
            r.result = 0;
    }

    void insert_records(const Command &c, uint64_t addr, Result &r)
    {
        if (!CONNECTION_ROWS)
            r.status = PORTCAM_STATUS_UNSUPPORTED;
        else if (c.count == 0 || c.count > 1024)
            r.status = PORTCAM_STATUS_BAD_LENGTH;
        else if (addr % 64)
            r.status = PORTCAM_STATUS_BAD_ALIGNMENT;
        while (!r.status && r.result < c.count) {
            uint64_t at = addr + 128ull * r.result;
            std::vector<uint8_t> bytes(128);
            if (memory_.refuses_read(at) || memory_.refuses_read(at + 64)) {
                r.status = PORTCAM_STATUS_DMA_READ_ERROR;
                r.dma_error = true;
                r.dma_error_addr = at;
                return;
            }
            memory_.read(at, bytes.data(), bytes.size());
            r.status = check_image(bytes.data()) ? insert_status(bytes) : +PORTCAM_STATUS_BAD_ROW;
            if (r.status != PORTCAM_STATUS_BAD_ROW)
                r.asked.push_back(bytes);
            r.result += r.status == PORTCAM_STATUS_OK;
        }
    }

    void read_counters(const Command &c, uint64_t addr, Result &r)
    {
        unsigned rows = counter_rows(c.table_id);
        r.status = rows ? in_range(c, rows, addr) : +PORTCAM_STATUS_UNKNOWN_TABLE;
        for (uint32_t i = 0; !r.status && i < c.count; i += 4) {
            std::vector<uint8_t> bytes;
            for (uint32_t n = i; n < i + 4 && n < c.count; n++)
                for (unsigned which = 0; which < 2; which++) {
                    uint64_t value = counter_value(c.table_id, c.row + n, which);
                    bytes.insert(bytes.end(), (uint8_t *)&value, (uint8_t *)&value + 8);
                }
            write_out(r, addr + 16 * i, bytes);
        }
        if (!r.status)
            r.result = c.count;
    }

    void write_out(Result &r, uint64_t addr, std::vector<uint8_t> bytes)
    {
        if (memory_.refuses_write(addr)) {
            r.status = PORTCAM_STATUS_DMA_WRITE_ERROR;
            r.dma_error = true;
            r.dma_error_addr = addr;
        } else {
            r.written.push_back({addr, std::move(bytes)});
        }
    }

    HostMemory &memory_;
};
