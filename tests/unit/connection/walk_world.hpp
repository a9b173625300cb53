// SPDX-License-Identifier: Apache-2.0
//
// The walk on the records, and beside it what it must do: which records age, when, and what the host
// asks of it.
#pragma once

#include "connections_world.hpp"
#include "device.h"

constexpr unsigned kSyn = 100, kEstablished = 1000, kFin = 300;

struct Answer {
    std::vector<portcam_connection_image> images;
    unsigned status = ~0u, done = 0;
    bool taken = false;
};

struct Walker {
    Bench &b;
    Tap &tap;
    World w;
    portcam_timeout_row timeouts[2][kServices] = {};
    bool has_timeouts[2][kServices] = {};
    bool paused[2][kDomains] = {};
    uint64_t ages = 0, keeps = 0, asked = 0;
    // A request of the host on its way, and how often it takes an image.
    bool wants = false;
    Answer answer;
    unsigned ready = 100, traffic = 0;
    std::vector<Packet> flows;

    Walker(Bench &bench, Tap &t) : b(bench), tap(t), w(bench, t)
    {
        b.top.walk_select_i = 1;
        b.on_age = [this](const pc_connection &r, unsigned kind) { aged(r, kind); };
        b.before = [this] { host(); };
    }

    // Before each rise of the clock.
    void host()
    {
        asked += b.asked;
        if (b.top.conn_valid_i && b.top.conn_ready_o) {
            answer.taken = true;
            wants = false;
        }
        if (b.top.img_valid_o && b.top.img_ready_i) {
            portcam_connection_image image;
            static_assert(sizeof image == 128, "an image");
            memcpy(&image, &b.top.img_data_o, sizeof image);
            answer.images.push_back(image);
        }
        if (b.top.conn_done_o) {
            answer.done++;
            answer.status = b.top.conn_status_o;
        }
    }
    void aged(const pc_connection &r, unsigned kind)
    {
        bool bank = b.top.bank_i;
        const portcam_timeout_row &row = timeouts[bank][r.service];
        bool frozen = has_timeouts[bank][r.service] && paused[bank][row.domain];
        bool over =
            has_timeouts[bank][r.service] &&
            pc_timeout_over(b.time, r.last_used, pc_timeout_of(&row, pc_connection_state(r.state)));
        if (kind == OpAge ? !over || frozen : !frozen)
            tap.fail("slot %u, state %u, used %u, now %u: %s", r.slot, r.state, r.last_used, b.time,
                     kind == OpAge ? "ended" : "kept");
        (kind == OpAge ? ages : keeps)++;
    }

    void rows()
    {
        for (unsigned bank = 0; bank < 2; bank++)
            for (unsigned s = 0; s < kServices; s++) {
                portcam_timeout_row row{};
                row.syn = row.syn_ack = kSyn;
                row.established = kEstablished;
                row.fin_one = row.fin_both = kFin;
                row.reset = 10;
                row.unreplied = row.replied = 50;
                row.domain = uint16_t(s);
                timeout(bank, s, &row);
                domain(bank, s, PORTCAM_DOMAIN_STATE_RUNNING);
            }
    }
    void timeout(bool bank, unsigned service, const portcam_timeout_row *row)
    {
        b.write_timeouts(bank, service, row);
        has_timeouts[bank][service] = row != nullptr;
        if (row)
            timeouts[bank][service] = *row;
    }
    void domain(bool bank, unsigned number, unsigned state)
    {
        portcam_domain_row row{};
        row.state = uint8_t(state);
        b.write_domain(bank, number, &row);
        paused[bank][number] = state == PORTCAM_DOMAIN_STATE_PAUSED;
    }

    // One clock, with traffic.
    void step()
    {
        b.top.conn_valid_i = wants;
        b.top.img_ready_i = b.random.percent(ready);
        Packet p;
        bool give = traffic && b.random.percent(traffic);
        if (give) {
            p = flows.empty() ? w.syn(7) : flows[b.random.below(flows.size())];
            if (flows.empty())
                p = w.ack(p);
        }
        b.step(give ? &p : nullptr, nullptr);
    }
    void run(unsigned clocks)
    {
        while (clocks--)
            step();
    }
    // Until the walk has nothing to do.
    void rest()
    {
        unsigned quiet = 0;
        for (unsigned n = 0; n < 50000 && quiet < 2 * kLatency; n++) {
            step();
            quiet = b.top.active_o || wants ? 0 : quiet + 1;
        }
        if (quiet == 0)
            tap.fail("the walk does not come to rest");
    }
    void ask(bool deletes, unsigned slot, uint32_t count)
    {
        b.top.conn_insert_i = 0;
        b.top.conn_delete_i = deletes;
        b.top.conn_slot_i = slot;
        b.top.conn_count_i = count;
        answer = Answer();
        wants = true;
    }
    // An insert; its image holds until it is answered.
    const Answer &insert(const portcam_connection_image &image)
    {
        b.top.conn_insert_i = 1;
        memcpy(&b.top.image_i, &image, sizeof image);
        answer = Answer();
        wants = true;
        for (unsigned n = 0; n < 50000 && !answer.done; n++)
            step();
        if (answer.done != 1)
            tap.fail("an insert ended %u times", answer.done);
        b.top.conn_insert_i = 0;
        return answer;
    }
    const Answer &get(bool deletes, unsigned slot, uint32_t count)
    {
        ask(deletes, slot, count);
        for (unsigned n = 0; n < 50000 && !answer.done; n++)
            step();
        run(3);
        if (answer.done != 1)
            tap.fail("a request ended %u times", answer.done);
        return answer;
    }
    void clear()
    {
        wants = false;
        traffic = 0;
        b.top.stop_i = 1;
        run(kLatency + 6);
        b.clear();
        b.top.stop_i = 0;
        b.top.conn_valid_i = 0;
        w.fill();
        memset(has_timeouts, 0, sizeof has_timeouts);
        memset(paused, 0, sizeof paused);
        rows();
        b.settle();
        ages = keeps = 0;
    }
    bool is(const portcam_connection_image &image, const pc_connection &r) const
    {
        const portcam_connection_image want = pc_connection_image(&r);
        return memcmp(&image, &want, sizeof want) == 0;
    }
    // Records of both families in random slots.
    void populate(unsigned count)
    {
        for (unsigned i = 0; i < count; i++) {
            Packet p = w.syn(unsigned(b.random.below(100000)), unsigned(b.random.below(2)));
            p.client.is_v6 = b.random.percent(40);
            p.of.schedule = p.client.is_v6;
            p.service = unsigned(b.random.below(kServices));
            b.packet(p);
        }
        b.settle();
    }
};
