// SPDX-License-Identifier: Apache-2.0
/*
 * Does the mirror equal the card? The card sums a block of its slots at one moment, behind all that it wrote to the mirror
 * before; the same sum is made of the mirror. A record that was written since then says so by its version: then the block
 * is compared again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crc32c.h"
#include "driver/err.h"
#include "mirror_track.h"

enum {
    BLOCK = 4096,
    TRIES = 16,
    PAUSE_NS = 200000, /* before another try */
};

enum verdict { EQUAL, DIFFERENT, AGAIN };

uint32_t portcam_mirror_blocks(const struct portcam_mirror *m)
{
    return (m->bounds.slots + BLOCK - 1) / BLOCK;
}

static int ask(struct portcam_mirror *m, uint32_t block, struct portcam_mirror_sum *ret)
{
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_MIRROR_SUM, .row = block};

    memset(m->sum, 0xff, sizeof(*ret));
    memcpy(c.data, &m->sum_iova, sizeof(m->sum_iova));
    int rc = pc_hw_run(m->pc->hw, &c, 1, NULL, NULL);
    if (rc)
        return rc;
    memcpy(ret, m->sum, sizeof(*ret));
    if (ret->block != block || ret->records > BLOCK)
        return pc_fail(-EPROTO, "the card gives a sum of block %u where %u was asked for",
                       ret->block, block);
    return 0;
}

static enum verdict compare(const struct portcam_mirror *m, const struct portcam_mirror_sum *sum)
{
    unsigned patience = PC_RECORD_PATIENCE;
    uint32_t own = 0, records = 0, first = sum->block * BLOCK;
    uint32_t left = m->bounds.slots - first;

    if (sum->flags & PORTCAM_MIRROR_SUM_PENDING)
        return AGAIN;
    for (uint32_t slot = first; slot < first + (left < BLOCK ? left : BLOCK); slot++) {
        union pc_record r;
        uint8_t bytes[9];

        if (!pc_record_read(pc_track_at(m, slot), &r, &patience) ||
            (int32_t)(r.record.version - sum->version) > 0)
            return AGAIN;
        if (r.record.state == PORTCAM_CONNECTION_STATE_NONE)
            continue;
        memcpy(bytes, &r.record.slot, 4);
        memcpy(bytes + 4, &r.record.generation, 4);
        bytes[8] = r.record.state;
        own += pc_crc32c(0, bytes, sizeof(bytes));
        records++;
    }
    return own == sum->sum && records == sum->records ? EQUAL : DIFFERENT;
}

static int audit_block(struct portcam_mirror *m, uint32_t block, struct portcam_mirror_audit *ret)
{
    const struct timespec pause = {0, PAUSE_NS};
    enum verdict verdict = AGAIN;
    struct portcam_mirror_sum sum;

    for (unsigned i = 0; i < TRIES && verdict == AGAIN; i++) {
        if (i > 0) {
            pc_stat_add(&m->stats.audit_retries, 1);
            nanosleep(&pause, NULL);
        }
        int rc = ask(m, block, &sum);
        if (rc)
            return rc;
        verdict = compare(m, &sum);
    }
    if (verdict == AGAIN) {
        ret->unsettled++;
        return 0;
    }
    pc_stat_add(&m->stats.audited, 1);
    ret->blocks++;
    ret->records += sum.records;
    if (verdict == EQUAL)
        return 0;
    pc_stat_add(&m->stats.audit_different, 1);
    ret->different++;
    uint32_t left = m->bounds.slots - block * BLOCK;
    int rc = pc_track_copy(m, block * BLOCK, left < BLOCK ? left : BLOCK);
    __atomic_store_n(&m->scan_wanted, true, __ATOMIC_RELAXED);
    return rc;
}

int portcam_mirror_audit(struct portcam_mirror *m, uint32_t first, uint32_t count,
                         struct portcam_mirror_audit *ret)
{
    struct portcam_mirror_audit found = {0};
    uint32_t blocks = portcam_mirror_blocks(m);

    if (!m->running)
        return -EIO;
    for (uint32_t i = 0; i < count && first + i >= first && first + i < blocks; i++) {
        int rc = audit_block(m, first + i, &found);
        if (rc)
            return rc;
    }
    *ret = found;
    return 0;
}
