// SPDX-License-Identifier: Apache-2.0
//
// What stands behind the buses of the connection records and of the states of backends in the bench
// of portcam_control: records and states that are a function of their number (reference.hpp), minus
// the records that were ended, with random latency. It checks both buses: a request holds until it
// is taken, one at a time, slots and backends that there are, requests only while the card is
// ready. After a reset of the function a request that was taken goes on, all of it or not, but its
// end is told. Outputs that carry no meaning are random.
#pragma once

#include "reference.hpp"

template <typename Top>
class FakeRecords
{
public:
    FakeRecords(Top &top, Tap &tap, Random &random, Pace &pace)
        : top_(top), tap_(tap), random_(random), pace_(pace)
    {
    }

    unsigned wait = 0; // clocks from a request to its first image, at least
    uint64_t requests = 0, images_taken = 0, images_after_reset = 0;
    std::vector<std::vector<uint8_t>> asked; // images to be inserted, since somebody looked
    bool idle() const { return !open_; }

    void restart()
    {
        open_ = asked_ = false;
        ended_.clear();
        asked.clear();
    }

    void drive()
    {
        bool ready = open_ && now_ >= next_at_;
        top_.conn_ready_i = !open_ && !random_.percent(pace_.stall);
        top_.img_valid_i = ready && !images_.empty();
        for (unsigned i = 0; i < 16; i++) {
            uint64_t word = random_.next();
            if (top_.img_valid_i)
                memcpy(&word, &images_.front()[8 * i], 8);
            set_lane(top_.img_data_i, i, word);
        }
        top_.conn_done_i = ready && images_.empty();
        top_.conn_status_i = top_.conn_done_i ? status_ : uint8_t(random_.next());
        top_.bk_done_i = asked_ && now_ >= state_at_;
        std::vector<uint8_t> state = backend_state(row_);
        for (unsigned i = 0; i < 8; i++) {
            uint64_t word = random_.next();
            if (top_.bk_done_i)
                memcpy(&word, &state[8 * i], 8);
            set_lane(top_.bk_data_i, i, word);
        }
    }

    void watch(bool in_reset)
    {
        if (top_.img_valid_i && top_.img_ready_o) {
            images_.erase(images_.begin());
            (cleared_ ? images_after_reset : images_taken)++;
            next_at_ = now_ + 1 + random_.below(pace_.counter_latency + 1);
        }
        if (inserting_ && open_ && image() != images_in_)
            tap_.fail("an image changed before the records were done");
        if (top_.conn_done_i)
            open_ = false;
        if (top_.bk_done_i)
            asked_ = false;
        watch_requests(in_reset);
        if (top_.bk_valid_o) {
            if (asked_ || top_.tables_busy_i)
                tap_.fail("a backend was asked for before the answer, or while the card clears");
            row_ = top_.bk_row_o;
            if (row_ >= BACKENDS)
                tap_.fail("backend %u does not exist", row_);
            asked_ = true;
            state_at_ = now_ + 1 + random_.below(pace_.counter_latency + 1);
        }
        if (top_.clear_o)
            clear();
        now_++;
    }

private:
    std::vector<uint8_t> image() const
    {
        std::vector<uint8_t> bytes(128);
        for (unsigned i = 0; i < 16; i++) {
            uint64_t word = lane(top_.conn_image_o, i);
            memcpy(&bytes[8 * i], &word, 8);
        }
        return bytes;
    }

    void insert()
    {
        images_in_ = image();
        asked.push_back(images_in_);
        status_ = uint8_t(insert_status(images_in_));
        if (!check_image(images_in_.data()))
            tap_.fail("a bad image came to the records");
        next_at_ = now_ + 1 + wait + random_.below(pace_.counter_latency + 1);
    }

    void watch_requests(bool in_reset)
    {
        if (stuck_ && !in_reset && inserting_ &&
            (!top_.conn_valid_o || !top_.conn_insert_o || image() != images_in_))
            tap_.fail("an image changed before it was taken");
        if (stuck_ && !in_reset && !inserting_ &&
            (!top_.conn_valid_o || top_.conn_insert_o || top_.conn_slot_o != slot_ ||
             top_.conn_count_o != count_ || top_.conn_delete_o != delete_))
            tap_.fail("a request to the records changed before it was taken");
        stuck_ = top_.conn_valid_o && !top_.conn_ready_i;
        if (!top_.conn_valid_o)
            return;
        if (top_.tables_busy_i)
            tap_.fail("a request to the records while the card clears");
        inserting_ = top_.conn_insert_o;
        if (inserting_) {
            images_in_ = image();
            if (top_.conn_ready_i) {
                requests++;
                open_ = true;
                cleared_ = false;
                images_.clear();
                insert();
            }
            return;
        }
        slot_ = top_.conn_slot_o;
        count_ = top_.conn_count_o;
        delete_ = top_.conn_delete_o;
        if (slot_ >= SLOTS || (!delete_ && (count_ > 1024 || slot_ + count_ > SLOTS)))
            tap_.fail("slot %u, count %u does not exist", slot_, count_);
        if (!top_.conn_ready_i)
            return;
        requests++;
        open_ = true;
        cleared_ = false;
        images_.clear();
        status_ = PORTCAM_STATUS_OK;
        if (delete_) {
            status_ = uint8_t(delete_status(ended_, slot_, count_));
            if (status_ == PORTCAM_STATUS_OK) {
                images_.push_back(record_image(slot_));
                ended_.insert(slot_);
            }
        } else {
            for (unsigned slot = slot_; slot < slot_ + count_; slot++)
                if (has_record(ended_, slot))
                    images_.push_back(record_image(slot));
        }
        next_at_ = now_ + 1 + wait + random_.below(pace_.counter_latency + 1);
    }

    void clear()
    {
        ended_.clear();
        asked.clear();
        inserting_ = stuck_ = false;
        cleared_ = true;
        if (random_.below(2) && !top_.img_valid_i)
            images_.clear();
        if (asked_ && random_.below(2))
            asked_ = false;
        state_at_ = std::min(state_at_, now_ + 20);
    }

    Top &top_;
    Tap &tap_;
    Random &random_;
    Pace &pace_;
    uint64_t now_ = 1000, next_at_ = 0, state_at_ = 0;
    bool open_ = false, asked_ = false, stuck_ = false, delete_ = false, cleared_ = false;
    bool inserting_ = false;
    std::vector<uint8_t> images_in_;
    uint32_t slot_ = 0, count_ = 0;
    unsigned row_ = 0;
    uint8_t status_ = 0;
    std::vector<std::vector<uint8_t>> images_;
    std::set<uint32_t> ended_;
};
