// SPDX-License-Identifier: Apache-2.0
/*
 * Reading the whole array: at the start, and where events were lost. A slot whose version is known is not looked at again,
 * so that a scan costs little more than fetching the array.
 *
 * A record that moves during the scan may be seen in neither slot. So a connection whose slot holds another is only lost: it
 * is given up when all events are followed that were there at the end of the scan, for one of them tells where it arrived.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mirror_track.h"

/* ---- lost connections ---- */

void pc_track_lose(struct portcam_mirror *m, struct pc_node *node)
{
    if (m->place[node->record.slot].node == node)
        m->place[node->record.slot].node = NULL;
    if (node->lost)
        return;
    node->lost = true;
    node->lost_before = NULL;
    node->lost_next = m->lost;
    if (m->lost)
        m->lost->lost_before = node;
    m->lost = node;
}

void pc_track_regain(struct portcam_mirror *m, struct pc_node *node)
{
    if (node->lost_before)
        node->lost_before->lost_next = node->lost_next;
    else
        m->lost = node->lost_next;
    if (node->lost_next)
        node->lost_next->lost_before = node->lost_before;
    node->lost = false;
}

void pc_track_purge(struct portcam_mirror *m)
{
    if (!m->purge || (int32_t)(m->next - m->purge_at) < 0)
        return;
    m->purge = false;
    while (m->lost)
        pc_track_end(m, m->lost, PORTCAM_END_CAUSE_UNKNOWN);
}

/* ---- the scan ---- */

static void look(struct portcam_mirror *m, uint32_t slot)
{
    union pc_record r;

    if (!pc_record_read(pc_track_at(m, slot), &r, &m->patience)) {
        pc_stat_add(&m->stats.torn, 1);
        __atomic_store_n(&m->scan_wanted, true, __ATOMIC_RELAXED);
    } else if (!pc_record_sane(&r, slot, &m->bounds)) {
        pc_stat_add(&m->stats.nonsense_records, 1);
    } else if (r.record.version && r.record.version != m->place[slot].version) {
        if (r.record.state == PORTCAM_CONNECTION_STATE_NONE)
            pc_track_gone(m, &r.end, PC_LOOK_SCAN);
        else
            pc_track_live(m, &r.record, PC_LOOK_SCAN);
    }
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void pc_track_scan(struct portcam_mirror *m)
{
    uint64_t start = now_us();

    for (uint32_t slot = 0; slot < m->bounds.slots; slot++) {
        /* A record that is known and not being written is not copied. */
        const uint32_t *at = pc_track_at(m, slot);
        uint32_t version = m->place[slot].version;
        if (__atomic_load_n(&at[0], __ATOMIC_RELAXED) != version ||
            __atomic_load_n(&at[PC_RECORD_WORDS - 1], __ATOMIC_RELAXED) != version)
            look(m, slot);
    }
    pc_stat_add(&m->stats.rescans, 1);
    __atomic_store_n(&m->stats.rescan_us, now_us() - start, __ATOMIC_RELAXED);
}

/* ---- copies ---- */

int pc_track_copy(struct portcam_mirror *m, uint32_t first, uint32_t count)
{
    uint32_t commands = count / PC_HW_CHUNK + 1, n = 0;
    struct portcam_command *c = calloc(commands, sizeof(*c));

    if (!c)
        return -ENOMEM;
    for (; count; n++) {
        uint32_t slots = count < PC_HW_CHUNK ? count : PC_HW_CHUNK;
        c[n].opcode = PORTCAM_OPCODE_MIRROR_COPY;
        c[n].row = first;
        c[n].count = slots;
        first += slots;
        count -= slots;
    }
    int rc = n ? pc_hw_run(m->pc->hw, c, n, NULL, NULL) : 0;
    free(c);
    return rc;
}
