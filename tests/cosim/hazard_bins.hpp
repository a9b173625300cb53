// SPDX-License-Identifier: Apache-2.0
/* Which hazards of the record pipeline a run has met: docs/hazards.md. Fed with every operation at the record stage, before
 * and after the model has followed it. Two operations are near when the later one was on its way while the earlier one was
 * decided. */
#ifndef PC_COSIM_HAZARD_BINS_HPP
#define PC_COSIM_HAZARD_BINS_HPP

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <deque>

#include "replay.h"
#include "replay_record.hpp"

class HazardBins
{
public:
    enum Bin {
        HitNextClock,
        HitNear,
        SynSyn,
        EndThenBegin,
        MoveThenHit,
        HitThenMove,
        BothDirections,
        CommitBetween,
        ReplacedThenReply,
        AmbiguousNear,
        ErrorNear,
        SameBucket,
        IntoStash,
        StashFreed,
        NoRoomNear,
        GivenThenHit,
        GivenNear,
        Bins
    };
    static constexpr const char *Names[Bins] = {
        "a packet hits the record made one clock before",
        "a packet hits a record made 2 to 16 clocks before",
        "two SYNs of one flow in consecutive clocks",
        "a record begins up to 16 clocks after one of its key ended",
        "a packet hits a record up to 16 clocks after it moved",
        "a record moves up to 16 clocks after a packet hit it",
        "both directions of a record within 16 clocks",
        "a commit between two packets of a record",
        "a reply up to 16 clocks after its record got another backend",
        "an ambiguous backend up to 16 clocks after the other record began",
        "an ICMP error finds a record up to 16 clocks after it began",
        "two records into one bucket within 16 clocks",
        "a record goes to the stash",
        "a stash row is freed up to 16 clocks before a record wants room",
        "no room up to 16 clocks after another record took some",
        "a packet hits a record up to 16 clocks after the host inserted it",
        "the host inserts a record up to 16 clocks after one began or ended"};

    explicit HazardBins(unsigned ways) : bucket_slots_(4 * ways) {}

    /* Before the model follows: what ends, with its key. */
    void before(uint64_t clock, const portcam::Record &r, const struct pc_connections *c)
    {
        while (!near_.empty() && clock - near_.front().clock > 16)
            near_.pop_front();
        const struct pc_connection *record = r.acted ? pc_connections_get(c, r.slot) : nullptr;
        if (record && (r.kind == portcam::OpAge || r.kind == portcam::OpDelete))
            near_.push_back({clock, End, r.slot, record->key, pc_connections_is_stash(c, r.slot)});
        if (record && r.kind == portcam::OpMove) {
            for (const Op &op : near_)
                count(HitThenMove, op.kind == Hit && op.slot == r.slot);
            near_.push_back({clock, Move, r.to, record->key, false});
        }
    }

    /* After the model followed an insert of the host. */
    void given(uint64_t clock, const portcam::Record &r, const struct pc_connections *c)
    {
        const struct pc_connection *record = r.acted ? pc_connections_get(c, r.slot) : nullptr;
        if (!record)
            return;
        for (const Op &op : near_)
            count(GivenNear, op.kind == Begin || op.kind == End);
        near_.push_back({clock, Given, r.slot, record->key, pc_connections_is_stash(c, r.slot)});
    }

    /* After the model followed a packet. */
    void packet(uint64_t clock, const struct pc_decision *d, const struct pc_connections *c,
                unsigned epoch)
    {
        bool no_room =
            d->reason == PORTCAM_REASON_TABLE_FULL || d->reason == PORTCAM_REASON_TABLE_FULL_HASH;
        bool stash = d->inserted && pc_connections_is_stash(c, static_cast<unsigned>(d->record));
        for (const Op &op : near_) {
            count(NoRoomNear, no_room && op.kind == Begin);
            count(StashFreed, (no_room || stash) && op.kind == End && op.stash);
            count(AmbiguousNear, d->reason == PORTCAM_REASON_AMBIGUOUS_REJECT && op.kind == Begin);
        }
        count(IntoStash, stash);
        const struct pc_connection *r =
            d->record >= 0 ? pc_connections_get(c, static_cast<unsigned>(d->record)) : nullptr;
        if (!r)
            return;
        for (const Op &op : near_)
            meet(op, clock, d, r);
        bool hit = !d->began;
        if (hit && last_.valid && last_.generation == r->generation && last_.epoch != epoch &&
            clock - last_.clock < 200)
            bins_[CommitBetween]++;
        last_ = {true, r->generation, epoch, clock};
        Kind kind = hit ? (d->reply ? Reply : Hit) : d->inserted ? Begin : Replace;
        near_.push_back({clock, kind, r->slot, r->key, stash});
    }

    void clear() { near_.clear(); }
    void add(std::array<uint64_t, Bins> &total) const
    {
        for (int i = 0; i < Bins; i++)
            total[i] += bins_[i];
    }

private:
    enum Kind { Begin, Replace, Hit, Reply, End, Move, Given };
    struct Op {
        uint64_t clock;
        Kind kind;
        unsigned slot;
        struct pc_client_key key;
        bool stash;
    };

    void count(Bin bin, bool met) { bins_[bin] += met; }

    void meet(const Op &op, uint64_t clock, const struct pc_decision *d,
              const struct pc_connection *r)
    {
        bool same = op.slot == r->slot;
        uint64_t apart = clock - op.clock;
        if (d->began) {
            count(EndThenBegin, op.kind == End && memcmp(&op.key, &r->key, sizeof(r->key)) == 0);
            count(SameBucket, op.kind == Begin && d->inserted && !same &&
                                  op.slot / bucket_slots_ == r->slot / bucket_slots_);
            return;
        }
        bool is_error =
            d->reason == PORTCAM_REASON_ICMP_FORWARD || d->reason == PORTCAM_REASON_ICMP_REVERSE;
        count(ErrorNear, (op.kind == Begin || op.kind == Replace) && same && is_error);
        count(HitNextClock, op.kind == Begin && same && apart == 1);
        count(HitNear, op.kind == Begin && same && apart > 1);
        count(SynSyn, op.kind == Begin && same && apart == 1 && r->syn_repeats == 1);
        count(GivenThenHit, op.kind == Given && same);
        count(MoveThenHit, op.kind == Move && same);
        count(BothDirections,
              same && ((op.kind == Hit && d->reply) || (op.kind == Reply && !d->reply)));
        count(ReplacedThenReply, op.kind == Replace && same && d->reply);
    }

    struct {
        bool valid = false;
        uint32_t generation = 0;
        unsigned epoch = 0;
        uint64_t clock = 0;
    } last_;
    unsigned bucket_slots_;
    std::deque<Op> near_;
    uint64_t bins_[Bins] = {};
};

#endif
