// SPDX-License-Identifier: Apache-2.0
//
// Tests of connection_insert: every status, every field of an image, images in order out of any
// place in memory, errors of host memory and resets in the middle. card.hpp compares each command
// with the reference, and the images that the records heard of; here is what must be seen besides.
#pragma once

#include "record_tests.hpp"

inline void put_images(Card &card, uint64_t at, unsigned count)
{
    card.bus.data(at, 128ull * count);
    for (unsigned i = 0; i < count; i++)
        card.memory.write(at + 128 * i, welcome_image(card.random).data(), 128);
}

inline Command insert_at(unsigned count, uint64_t at)
{
    return to(command(PORTCAM_OPCODE_CONNECTION_INSERT, 0, 0, count), at);
}

inline void inserts(Card &card, const Command &c, unsigned status, uint32_t made, const char *what)
{
    Completion got = card.run(c);
    if (got.status != status || got.result != made)
        card.tap.fail("%s: status %u, %u made, instead of %u, %u", what, got.status, got.result,
                      status, made);
}

inline void test_insert_statuses(Card &card)
{
    card.flr();
    card.start();
    for (uint32_t count : {0u, 1025u, 0x10001u, 0x80000001u, ~0u})
        inserts(card, insert_at(count, 1), PORTCAM_STATUS_BAD_LENGTH, 0,
                "count goes before alignment");
    for (unsigned shift = 0; shift < 6; shift++)
        inserts(card, insert_at(1, 0x7000000000 + (1u << shift)), PORTCAM_STATUS_BAD_ALIGNMENT, 0,
                "address");
    for (unsigned table : {0u, 13u, 0xffffu}) {
        uint64_t at = card.fresh_page();
        put_images(card, at, 1);
        inserts(card, to(command(PORTCAM_OPCODE_CONNECTION_INSERT, table, ~0u, 1), at),
                PORTCAM_STATUS_OK, 1, "table and row do not matter");
    }
    card.tap.done("connection_insert: count, alignment; neither table nor row matters");

    for (unsigned count : {1u, 2u, 7u, 8u, 9u, 17u, 100u, 1024u})
        for (unsigned shift : {0u, 64u, 960u, 4032u}) {
            uint64_t at = card.fresh_page() + shift;
            put_images(card, at, count);
            inserts(card, insert_at(count, at), PORTCAM_STATUS_OK, count, "good images");
        }
    card.tap.done("connection_insert: 1 to 1,024 images from every place, each once, in order");

    for (unsigned status : {PORTCAM_STATUS_EXISTS, PORTCAM_STATUS_AMBIGUOUS, PORTCAM_STATUS_FULL})
        for (unsigned place = 0; place < 10; place++) {
            uint64_t at = card.fresh_page();
            put_images(card, at, 10);
            std::vector<uint8_t> image;
            do
                image = good_image(card.random);
            while (insert_status(image) != status);
            card.memory.write(at + 128 * place, image.data(), 128);
            inserts(card, insert_at(10, at), status, place, "refused by the records");
            card.memory.write(at + 128 * place + 41, "x", 1);
            inserts(card, insert_at(10, at), PORTCAM_STATUS_BAD_ROW, place, "a bad image");
        }
    card.tap.done("connection_insert: up to the first image that is refused, the result says how "
                  "many");
    card.disable();
}

// Every bit of an image; numbers at their limits; the reference says which are good.
inline void test_image_fields(Card &card)
{
    card.flr();
    card.start();
    unsigned bad = 0;
    auto one = [&](const std::vector<uint8_t> &image) {
        uint64_t at = card.fresh_page();
        card.bus.data(at, 128);
        card.memory.write(at, image.data(), 128);
        bool good = check_image(image.data());
        unsigned status = good ? insert_status(image) : +PORTCAM_STATUS_BAD_ROW;
        inserts(card, insert_at(1, at), status, status == PORTCAM_STATUS_OK, "one image");
        bad += !good;
    };
    for (unsigned kind = 0; kind < 4; kind++) {
        std::vector<uint8_t> image;
        do
            image = welcome_image(card.random);
        while ((image[24] == 4) != (kind & 1) || (image[25] == 6) != (kind >> 1 & 1));
        for (unsigned bit = 0; bit < 1024; bit++) {
            std::vector<uint8_t> changed = image;
            changed[bit / 8] ^= uint8_t(1u << (bit % 8));
            one(changed);
        }
        for (unsigned value = 0; value < 256; value++) {
            std::vector<uint8_t> changed = image;
            changed[38] = uint8_t(value);
            one(changed);
            changed = image;
            changed[24] = uint8_t(value);
            one(changed);
        }
    }
    static const struct {
        unsigned at, limit;
    } numbers[] = {{30, ADDRESSES}, {32, SERVICES}, {34, BACKENDS}, {36, BACKENDS}, {42, SERVICES}};
    for (auto &n : numbers)
        for (unsigned value : {n.limit - 1, n.limit, n.limit + 1, 2 * n.limit, 0x8000u, 0xffffu}) {
            std::vector<uint8_t> image = good_image(card.random);
            image[n.at] = uint8_t(value);
            image[n.at + 1] = uint8_t(value >> 8);
            one(image);
        }
    printf("# %u bad images\n", bad);
    card.tap.done(
        "connection_insert: each bit of an image, each state and family, numbers at their "
        "limits");
    card.disable();
}

// Any half of any image; the ring goes on.
inline void test_insert_errors(Card &card)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    card.flr();
    card.start();
    for (unsigned i = 0; i < 100; i++) {
        unsigned count = 1 + unsigned(random.below(30)), bad = unsigned(random.below(2 * count));
        uint64_t at = card.fresh_page() + 64 * random.below(64);
        put_images(card, at, count);
        card.memory.no_read = {(at + 64 * bad) / 64};
        inserts(card, insert_at(count, at), PORTCAM_STATUS_DMA_READ_ERROR, bad / 2, "a bad half");
        card.memory.no_read.clear();
        uint64_t addr = card.read32(PORTCAM_REG_ERROR_ADDR_LO) |
                        uint64_t(card.read32(PORTCAM_REG_ERROR_ADDR_HI)) << 32;
        if (addr != at + 128 * (bad / 2) || card.read32(PORTCAM_REG_ERROR_COUNT) != card.dma_errors)
            tap.fail("half %u of %u images: ERROR_ADDR 0x%llx", bad, count,
                     (unsigned long long)addr);
        if (card.status() != PORTCAM_CMD_STATUS_RUNNING || !card.records.idle())
            tap.fail("the ring does not go on, or the records still work");
        expect(card, command(PORTCAM_OPCODE_NOP), PORTCAM_STATUS_OK, "behind an error");
    }
    tap.done("connection_insert, DMA errors: the images before it are records, ERROR_ADDR is the "
             "image's, the ring goes on");
    card.disable();
}

// A reset of the function in every phase: the record that was begun ends by itself.
inline void test_insert_flr(Card &card, unsigned rounds)
{
    Random &random = card.random;
    for (unsigned i = 0; i < rounds + 200; i++) {
        bool each = i < 200;
        card.pace = each ? Pace{0, 0, 0, 0, 0} : Pace{};
        card.records.wait = each ? 5 : unsigned(random.below(3) ? random.below(10) : 500);
        card.start();
        uint64_t at = card.fresh_page() + 64 * (i % 16);
        put_images(card, at, 20);
        card.submit(insert_at(20, at));
        card.doorbell();
        card.steps(each ? i : random.below(1500));
        card.flr();
        card.start();
        uint64_t next = card.fresh_page();
        put_images(card, next, 3);
        inserts(card, insert_at(3, next), PORTCAM_STATUS_OK, 3, "after the reset");
        expect(card, to(command(PORTCAM_OPCODE_CONNECTION_READ, 0, 0, 4), card.fresh_page()),
               PORTCAM_STATUS_OK, "a read after the reset");
        card.disable();
    }
    card.tap.done("reset of the function while records are inserted: the next command has its own "
                  "images");
    card.records.wait = 0;
    card.pace = Pace{};
}

inline void test_inserts(Card &card, unsigned rounds)
{
    if (!CONNECTION_ROWS) {
        card.start();
        for (uint32_t count : {0u, 1u, 2000u})
            expect(card, insert_at(count, count & 1), PORTCAM_STATUS_UNSUPPORTED,
                   "without connections");
        card.disable();
        card.tap.done("status unsupported: connection_insert in a build without connections");
        return;
    }
    test_insert_statuses(card);
    test_image_fields(card);
    test_insert_errors(card);
    test_insert_flr(card, rounds);
    card.pace = Pace{0, 0, 1, 0, 0};
    card.flr();
    card.start();
    uint64_t at = card.fresh_page(), from = card.now;
    put_images(card, at, 1000);
    from = card.now;
    inserts(card, insert_at(1000, at), PORTCAM_STATUS_OK, 1000, "a thousand");
    printf("# connection_insert: %.1f clocks for each of 1000 images\n",
           double(card.now - from) / 1000);
    card.disable();
    card.pace = Pace{};
}
