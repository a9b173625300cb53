// SPDX-License-Identifier: Apache-2.0
//
// What the model says to each operation of the card, and whether the card said it too; part of
// connections_bench.hpp.
#pragma once

#include "connections_bench.hpp"

inline bool Bench::same_as(const pc_connection &r, std::string *what) const
{
    char text[128];
    auto differs = [&](const char *field, uint64_t is, uint64_t should) {
        if (is == should)
            return;
        snprintf(text, sizeof text, " %s %llu, not %llu;", field, (unsigned long long)is,
                 (unsigned long long)should);
        *what += text;
    };
    differs("is_v6", top.row_is_v6_o, r.key.is_v6);
    differs("ip", memcmp(&top.row_ip_o, r.key.client.ip, 16) == 0, 1);
    differs("client port", top.row_client_port_o, r.key.client.port);
    differs("protocol", top.row_protocol_o, r.key.protocol);
    differs("group", top.row_group_o, r.key.group);
    differs("kept port", top.row_kept_o, r.key.kept_port);
    differs("service", top.row_service_o, r.service);
    differs("address", top.row_address_o, r.public_end.address);
    differs("port", top.row_port_o, r.public_end.port);
    differs("backend", top.row_backend_o, r.backend);
    differs("endpoint", top.row_endpoint_o, r.endpoint);
    differs("generation", top.state_generation_o, r.generation);
    differs("state", top.state_o, r.state);
    differs("embryonic", top.state_embryonic_o, r.embryonic);
    differs("syn_repeats", top.state_syn_repeats_o, r.syn_repeats);
    differs("client_next", top.state_client_next_o, r.client_next);
    differs("created", top.state_created_o, r.created);
    differs("last_used", top.state_last_used_o, r.last_used);
    differs("forward packets", top.state_forward_packets_o, r.forward.packets);
    differs("forward octets", top.state_forward_octets_o, r.forward.octets);
    differs("reverse packets", top.state_reverse_packets_o, r.reverse.packets);
    differs("reverse octets", top.state_reverse_octets_o, r.reverse.octets);
    return what->empty();
}

// Section 4 of docs/pipeline.md, towards a service.
inline Says Bench::forward(const Entry &e, Outcome &o, bool *check_backend, unsigned *backend)
{
    Packet p = e.p;
    if (p.peek) {
        p.may_create = false;
        p.flags = 0;
    }
    pc_client_key key = key_of(p);
    pc_packet packet = packet_of(p, PC_FROM_CLIENT);
    pc_end end{uint16_t(p.address), uint16_t(p.port)};
    int own = p.keyless ? -1 : pc_connections_forward(table_, &key, p.service, end);
    o.slot = unsigned(own);
    bool replaces = false;
    *check_backend = false;

    // The counter of the service moves on for each packet that asks and has had no record for a
    // while, and may for those whose record is young or ended just now.
    bool may_ask =
        p.may_create && !p.keyless && !p.of.draining && p.of.pick == PORTCAM_PICK_COUNTER;
    uint16_t index = uint16_t(p.crc);
    bool may_begin =
        !p.keyless && (p.may_create || (p.client.protocol == kTcp && p.flags == FlagSyn));
    if (p.of.pick == PORTCAM_PICK_COUNTER && may_begin)
        index = counter_[p.service];
    if (top.trace_asked_o && !may_ask)
        tap.fail("a counter moved that was not asked");
    auto gone = gone_.find(identity(p));
    bool just_now = gone != gone_.end() && clock - gone->second <= kWindow + 2;
    if (!top.trace_asked_o && may_ask && own < 0 && !just_now)
        tap.fail("a counter did not move for a packet without a record");
    if (top.trace_asked_o)
        counter_[p.service]++;

    if (own >= 0) {
        const pc_connection &r = *record(unsigned(own));
        packet.backend_accepts = backends_[p.bank][r.backend].accepts();
        if (pc_connection_meets(&r, &packet) == PC_MEETS_KEEP)
            kept++;
        if (pc_connection_meets(&r, &packet) != PC_MEETS_RESCHEDULE) {
            pc_packet_result result{};
            *check_backend = true;
            *backend = r.backend;
            if (p.peek)
                return SaysForward;
            pc_connections_packet(table_, unsigned(own), &packet, &result);
            return result.effects & PC_EFFECT_KEPT ? SaysNew : SaysForward;
        }
        replaces = true;
    }

    // The slot, and its two candidates.
    if (p.of.pick != PORTCAM_PICK_LEAST || !may_begin) {
        if (top.trace_index_o != index)
            tap.fail("index %u, not %u", top.trace_index_o, index);
    } else {
        index = top.trace_index_o;
    }
    unsigned slot = index & ((1u << p.of.slots_log2) - 1), row = p.of.schedule + slot / 8;
    unsigned candidate[2];
    bool usable[2];
    for (unsigned c = 0; c < 2; c++) {
        candidate[c] = row < kScheduleRows && scheduled_[p.bank][row]
                           ? schedule_[p.bank][row][slot % 8 * 2 + c]
                           : unsigned(PORTCAM_BACKEND_NONE);
        usable[c] = candidate[c] < kBackends && backends_[p.bank][candidate[c]].accepts() &&
                    backends_[p.bank][candidate[c]].is_v6 == p.client.is_v6;
    }
    if (!replaces && (p.keyless || !p.may_create)) {
        if (!p.of.hash)
            return SaysNoRecord;
        if (!usable[0] && !usable[1])
            return SaysNoBackend;
        *check_backend = true;
        *backend = usable[0] ? candidate[0] : candidate[1];
        return SaysHash;
    }
    if (p.of.draining)
        return SaysDraining;
    if (!usable[0] && !usable[1])
        return SaysNoBackend;
    bool ok[2];
    for (unsigned c = 0; c < 2; c++) {
        ok[c] = usable[c];
        if (usable[c]) {
            int other =
                pc_connections_reverse(table_, &key, backends_[p.bank][candidate[c]].endpoint);
            ok[c] = other < 0 || other == own;
        }
    }
    if (!ok[0] && !ok[1])
        return SaysAmbiguous;
    bool second = !ok[0];
    *check_backend = true;
    if (ok[0] && ok[1] && p.of.pick == PORTCAM_PICK_LEAST) {
        // As of any moment of the last operations.
        uint32_t least[2], most[2];
        for (unsigned c = 0; c < 2; c++)
            pc_connections_active_range(table_, candidate[c], 64, &least[c], &most[c]);
        uint64_t weight[2] = {backends_[p.bank][candidate[0]].weight,
                              backends_[p.bank][candidate[1]].weight};
        bool may_swap = least[1] * weight[0] < most[0] * weight[1];
        bool must_swap = most[1] * weight[0] < least[0] * weight[1];
        second = unsigned(top.says_backend_o) == candidate[1] && candidate[0] != candidate[1]
                     ? may_swap
                     : must_swap;
    }
    *backend = candidate[second];
    second_count += second;

    pc_insert insert{};
    insert.key = key;
    insert.service = uint16_t(p.service);
    insert.public_end = end;
    insert.backend = uint16_t(*backend);
    insert.endpoint = uint16_t(backends_[p.bank][*backend].endpoint);
    insert.embryonic_limit = p.limit;
    if (replaces) {
        replaced++;
        if (pc_connections_replace(table_, unsigned(own), record(unsigned(own))->generation,
                                   &insert, &packet, nullptr) != PC_RESULT_OK)
            tap.fail("the reference cannot replace a record");
        return SaysNew;
    }
    // Room: a free place of the client's, or none that has been free for longer than the window.
    std::vector<unsigned> mine = places(p);
    o.room = top.trace_room_o;
    if (!top.trace_room_o) {
        check_no_room(mine);
        return p.of.full_hash ? SaysFullHash : SaysFull;
    }
    if (p.limit && embryonic() >= p.limit)
        return p.of.full_hash ? SaysUnprovenHash : SaysUnproven;
    check_place(mine);
    insert.slot = top.trace_slot_o;
    unsigned got = 0;
    pc_result result = pc_connections_insert(table_, &insert, &packet, &got);
    if (result != PC_RESULT_OK)
        tap.fail("the reference cannot insert into slot %u: %d", insert.slot, int(result));
    o.slot = insert.slot;
    born_[insert.slot] = clock;
    return SaysNew;
}

// A place of the client's hash, and the stash only where its rows are taken.
inline void Bench::check_place(const std::vector<unsigned> &mine)
{
    bool of_hash = false;
    for (unsigned place : mine)
        of_hash |= place == top.trace_slot_o;
    if (!of_hash)
        tap.fail("slot %u is none of this client", unsigned(top.trace_slot_o));
    if (!pc_connections_is_stash(table_, top.trace_slot_o))
        return;
    stash_count++;
    for (unsigned i = 0; i < 4 * kWays; i++)
        if (!record(mine[i]) && clock - freed_[mine[i]] > kWindow + 2)
            tap.fail("to the stash, but slot %u is free", mine[i]);
}

inline void Bench::check_no_room(const std::vector<unsigned> &mine)
{
    for (unsigned place : mine)
        if (!record(place) && clock - freed_[place] > kWindow + 2)
            tap.fail("no room, but slot %u is free for %llu clocks", place,
                     (unsigned long long)(clock - freed_[place]));
        else
            refused_late += !record(place);
}

inline portcam_connection_image Bench::image_of(const Packet &p, unsigned backend,
                                                unsigned endpoint, unsigned state)
{
    pc_client_key key = key_of(p);
    portcam_connection_image i{};
    i.slot = 12345; // neither of them matters
    i.generation = 54321;
    memcpy(i.client_ip, key.client.ip, 16);
    i.family = p.client.is_v6 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4;
    i.protocol = uint8_t(p.client.protocol);
    i.client_port = uint16_t(p.client.port);
    i.public_port = uint16_t(p.port);
    i.address = uint16_t(p.address);
    i.service = uint16_t(p.service);
    i.backend = uint16_t(backend);
    i.endpoint = uint16_t(endpoint);
    i.state = uint8_t(state);
    i.flags = p.of.wide && p.port ? PORTCAM_CONNECTION_IMAGE_KEPT_PORT : 0;
    i.group = uint16_t(p.of.group);
    return i;
}

inline void Bench::insert(const portcam_connection_image &image, Outcome &o)
{
    Packet p;
    memcpy(&p.client.ip, image.client_ip, 4);
    p.client.is_v6 = image.family == PORTCAM_FAMILY_6;
    p.client.port = image.client_port;
    p.client.protocol = image.protocol;
    p.port = image.public_port;
    p.of.group = image.group;
    p.of.wide = image.flags & PORTCAM_CONNECTION_IMAGE_KEPT_PORT;
    pc_connection r{};
    r.key = key_of(p);
    r.service = image.service;
    r.public_end = pc_end{image.address, image.public_port};
    r.backend = image.backend;
    r.endpoint = image.endpoint;
    r.state = image.state;
    r.embryonic = image.flags & PORTCAM_CONNECTION_IMAGE_EMBRYONIC;
    r.syn_repeats = image.syn_repeats;
    r.client_next = image.client_next;
    r.created = image.created;
    r.last_used = image.last_used;
    r.forward = {image.forward_packets, image.forward_octets};
    r.reverse = {image.reverse_packets, image.reverse_octets};

    inserting_ = false;
    o.room = top.trace_room_o;
    o.taken = top.taken_o;
    std::vector<unsigned> mine = places(p);
    unsigned slot = ~0u;
    pc_result result =
        pc_connections_restore(table_, &r, top.trace_slot_o, !top.trace_room_o, &slot);
    if (top.acted_o) {
        o.slot = top.trace_slot_o;
        born_[o.slot] = clock;
        check_place(mine);
    }
    if (bool(top.acted_o) != (result == PC_RESULT_OK) ||
        bool(top.found_o) != (result == PC_RESULT_EXISTS))
        tap.fail("an image: acted %d, found %d, taken %d, room %d, slot %u; the reference says %d",
                 top.acted_o, top.found_o, top.taken_o, top.trace_room_o,
                 unsigned(top.trace_slot_o), int(result));
    if (result != PC_RESULT_EXISTS && bool(top.taken_o) != (result == PC_RESULT_AMBIGUOUS))
        tap.fail("an image: taken %d; the reference says %d", top.taken_o, int(result));
    if (result == PC_RESULT_FULL)
        check_no_room(mine);
    if (bool(top.trace_acted_o) != bool(top.acted_o))
        tap.fail("trace: an insert acted %d", top.trace_acted_o);
    insert_count[result]++;
}

inline Says Bench::reverse(const Entry &e, Outcome &o)
{
    int own = find(e.p);
    o.slot = unsigned(own);
    if (own < 0)
        return SaysNoReply;
    const pc_connection &r = *record(unsigned(own));
    if (top.says_service_o != r.service || top.says_address_o != r.public_end.address ||
        top.says_port_o != r.public_end.port)
        tap.fail("reverse: service, address or port of the record is wrong");
    if (e.p.peek)
        return SaysReverse;
    pc_packet packet = packet_of(e.p, PC_FROM_BACKEND);
    pc_packet_result result{};
    pc_connections_packet(table_, unsigned(own), &packet, &result);
    return SaysReverse;
}

inline void Bench::walk(const Entry &e, Outcome &o)
{
    const Walk &w = e.w;
    o.kind = w.kind;
    o.slot = w.slot;
    o.acted = top.acted_o;
    o.found = top.found_o;
    o.used_rows = top.used_rows_o;
    if (top.done_kind_o != w.kind || top.done_slot_o != w.slot)
        tap.fail("answer of kind %u, slot %u, not %u, %u", top.done_kind_o,
                 unsigned(top.done_slot_o), w.kind, w.slot);
    if (w.kind == OpInsert) {
        insert(w.image, o);
        return;
    }
    if (w.kind == OpScan) {
        unsigned base = w.slot >= kBase6 ? kBase6 : 0;
        unsigned first = base + ((w.slot - base) & ~(kGroup - 1));
        for (unsigned n = 0; n < kGroup; n++) {
            // What changed in the last clocks may not be seen yet.
            bool is = record(first + n) != nullptr;
            uint64_t since = std::max(freed_[first + n], born_[first + n]);
            if (bool(top.used_rows_o >> n & 1) != is && clock - since > kWindow + 2)
                tap.fail("scan: slot %u is %s use", first + n, is ? "in" : "not in");
        }
        return;
    }
    const pc_connection *r = record(w.slot);
    if (bool(top.found_o) != (r != nullptr))
        tap.fail("operation %u on slot %u: there is %s record", w.kind, w.slot, r ? "a" : "no");
    std::string what;
    if (r && top.found_o && !same_as(*r, &what))
        tap.fail("operation %u on slot %u:%s", w.kind, w.slot, what.c_str());
    bool same = r && r->generation == w.generation;
    bool acted = false;
    if (on_age && same && top.acted_o && (w.kind == OpAge || w.kind == OpKeep))
        on_age(*r, w.kind);
    if (w.kind == OpDelete || w.kind == OpAge) {
        acted = same && (w.kind == OpDelete || r->last_used == w.last_used);
        if (acted) {
            ends(w.slot);
            pc_connections_delete(table_, w.slot, w.generation, top.trace_time_ms_o, nullptr);
        }
    } else if (w.kind == OpKeep) {
        acted = same;
        const portcam_timeout_row timeouts{};
        if (acted)
            pc_connections_sweep(table_, w.slot, top.trace_time_ms_o, &timeouts, true, nullptr);
    } else if (w.kind == OpMove && r) {
        acted = top.acted_o; // a free place is the card's to see
        if (acted) {
            if (pc_connections_is_stash(table_, top.trace_to_o))
                tap.fail("a move into the stash");
            if (pc_connections_move(table_, w.slot, top.trace_to_o) != PC_RESULT_OK)
                tap.fail("the reference cannot move to slot %u", unsigned(top.trace_to_o));
            born_[top.trace_to_o] = clock;
            freed_[w.slot] = clock;
        }
    }
    if (acted != bool(top.acted_o))
        tap.fail("operation %u on slot %u %s", w.kind, w.slot, acted ? "did nothing" : "acted");
    bool traced = acted || (w.kind == OpRead && r);
    if (bool(top.trace_acted_o) != traced)
        tap.fail("trace: operation %u acted %d", w.kind, top.trace_acted_o);
}

inline void Bench::check_tally()
{
    if (top.tally_valid_o) {
        if (top.tally_backend_o >= kBackends) {
            tap.fail("tally of backend %u", top.tally_backend_o);
            return;
        }
        Tally &t = tally_[top.tally_backend_o];
        t.began += top.tally_began_o;
        t.records += top.tally_began_o;
        t.active += top.tally_active_o;
        t.syn_repeats += top.tally_syn_repeat_o;
        t.syn_resets += top.tally_syn_reset_o;
        t.syn_acks += top.tally_syn_ack_o;
        t.syn_ack_ms += top.tally_syn_ack_o ? top.tally_syn_ack_ms_o : 0;
    }
    if (top.tally_left_valid_o) {
        if (top.tally_left_backend_o >= kBackends) {
            tap.fail("tally of backend %u", top.tally_left_backend_o);
            return;
        }
        Tally &t = tally_[top.tally_left_backend_o];
        t.records -= top.tally_ended_o;
        t.active -= top.tally_inactive_o;
    }
    for (unsigned b = 0; b < kBackends; b++) {
        pc_backend_counters c = pc_connections_backend(table_, b);
        const Tally &t = tally_[b];
        if (t.began != c.new_connections || t.active != c.active || t.records != c.records ||
            t.syn_repeats != c.syn_repeats || t.syn_resets != c.syn_resets ||
            t.syn_acks != c.syn_ack_count || t.syn_ack_ms != c.syn_ack_ms)
            tap.fail("backend %u: tally new %llu, active %llu, records %llu, not %llu, %u, %u", b,
                     (unsigned long long)t.began, (unsigned long long)t.active,
                     (unsigned long long)t.records, (unsigned long long)c.new_connections, c.active,
                     c.records);
    }
}

inline void Bench::check()
{
    if (!top.trace_valid_o) {
        if (top.verdict_valid_o || top.done_o || top.tally_valid_o || top.tally_left_valid_o)
            tap.fail("an answer to nothing");
        return;
    }
    if (entries_.empty()) {
        tap.fail("an operation that nobody asked for");
        return;
    }
    Entry e = entries_.front();
    entries_.pop_front();
    pc_connections_tick(table_);
    Outcome o;
    o.clock = e.clock;
    o.packet = e.packet;
    o.forward = e.packet && e.p.forward;
    o.reverse = e.packet && e.p.reverse && !e.p.forward;
    o.slot = ~0u;
    if (e.packet && clock - e.clock != kLatency)
        tap.fail("a verdict after %llu clocks", (unsigned long long)(clock - e.clock));
    if (bool(top.verdict_valid_o) != e.packet || bool(top.trace_packet_o) != e.packet)
        tap.fail("verdict_valid_o or trace_o.packet is %d", top.verdict_valid_o);
    bool acts = e.w.kind != OpNone;
    if (bool(top.done_o) != acts)
        tap.fail("walk_done_o is %d", top.done_o);
    if (top.trace_time_ms_o != time_before_[1])
        tap.fail("time %u, not %u", top.trace_time_ms_o, time_before_[1]);
    unsigned kind = o.forward ? unsigned(OpForward) : o.reverse ? unsigned(OpReverse) : e.w.kind;
    if (top.trace_kind_o != kind)
        tap.fail("trace: kind %u, not %u", top.trace_kind_o, kind);
    Says says = SaysNothing;
    bool check_backend = false;
    unsigned backend = 0;
    if (o.forward)
        says = forward(e, o, &check_backend, &backend);
    else if (o.reverse)
        says = reverse(e, o);
    else if (acts)
        walk(e, o);
    if (e.packet) {
        o.says = Says(top.says_o);
        o.backend = top.says_backend_o;
        if (o.says != says)
            tap.fail("clock %llu: says %s, not %s", (unsigned long long)e.clock, name_of(o.says),
                     name_of(says));
        else if (check_backend && top.says_backend_o != backend)
            tap.fail("clock %llu: %s to backend %u, not %u", (unsigned long long)e.clock,
                     name_of(says), top.says_backend_o, backend);
        says_count[says]++;
    }
    kind_count[kind]++;
    check_tally();
    if (top.used_o != used() || top.embryonic_o != embryonic())
        tap.fail("%u records, %u embryonic, not %u and %u", top.used_o, top.embryonic_o, used(),
                 embryonic());
    outcomes.push_back(o);
}
