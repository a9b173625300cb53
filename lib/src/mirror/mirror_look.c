// SPDX-License-Identifier: Apache-2.0
/* What other threads read of the mirror: records by slot or by their ends, counters. Nobody waits for anybody. */
#include <errno.h>
#include <string.h>

#include "mirror_track.h"

uint32_t portcam_mirror_slots(const struct portcam_mirror *m)
{
    return m->bounds.slots;
}

static int read_slot(const struct portcam_mirror *m, uint32_t slot, unsigned *patience,
                     struct portcam_mirror_record *ret)
{
    union pc_record r;

    if (!pc_record_read(pc_track_at(m, slot), &r, patience))
        return -EAGAIN;
    if (!pc_record_sane(&r, slot, &m->bounds))
        return -EPROTO;
    if (r.record.state == PORTCAM_CONNECTION_STATE_NONE)
        return -ENOENT;
    *ret = r.record;
    return 0;
}

int portcam_mirror_read(const struct portcam_mirror *m, uint32_t slot,
                        struct portcam_mirror_record *ret)
{
    unsigned patience = PC_RECORD_PATIENCE;
    return slot < m->bounds.slots ? read_slot(m, slot, &patience, ret) : -EINVAL;
}

int portcam_mirror_each(const struct portcam_mirror *m,
                        int (*each)(void *ctx, const struct portcam_mirror_record *record),
                        void *ctx)
{
    unsigned patience = 100 * PC_RECORD_PATIENCE;
    struct portcam_mirror_record r;
    int rc = 0;

    for (uint32_t slot = 0; rc == 0 && slot < m->bounds.slots; slot++) {
        if (read_slot(m, slot, &patience, &r) == 0)
            rc = each(ctx, &r);
    }
    return rc;
}

/*
 * The index says where the record was when the last event was followed. If another one is there now it has moved or ended
 * since, and which of both is known when the events are followed.
 */
static int check(const struct portcam_mirror *m, const struct pc_index_key *key, uint32_t slot,
                 uint32_t generation, struct portcam_mirror_record *ret)
{
    unsigned patience = PC_RECORD_PATIENCE;
    union pc_record r;

    if (slot >= m->bounds.slots || !pc_record_read(pc_track_at(m, slot), &r, &patience))
        return -EAGAIN;
    if (!pc_record_sane(&r, slot, &m->bounds))
        return -EPROTO;
    if (r.record.generation != generation)
        return -EAGAIN;
    if (r.record.state == PORTCAM_CONNECTION_STATE_NONE)
        return r.end.cause == PORTCAM_END_CAUSE_MOVED ? -EAGAIN : -ENOENT;
    if (!pc_index_fits(key, &r.record))
        return -ENOENT;
    *ret = r.record;
    return 0;
}

static int find(const struct portcam_mirror *m, const struct pc_index_key *key,
                struct portcam_mirror_record *ret)
{
    struct pc_index_cursor at;
    uint32_t slot, generation;
    int rc = -ENOENT;

    pc_index_look(m->index, key, &at);
    while (rc && pc_index_next(m->index, &at, &slot, &generation)) {
        int here = check(m, key, slot, generation, ret);
        if (here != -ENOENT)
            rc = here;
    }
    return rc;
}

int portcam_mirror_find_forward(const struct portcam_mirror *m,
                                const struct portcam_mirror_client *client, uint16_t address,
                                uint16_t port, struct portcam_mirror_record *ret)
{
    struct pc_index_key key = {.client = *client, .address = address, .port = port};
    return find(m, &key, ret);
}

int portcam_mirror_find_reverse(const struct portcam_mirror *m,
                                const struct portcam_mirror_client *client, uint16_t group,
                                uint16_t endpoint, uint16_t kept_port,
                                struct portcam_mirror_record *ret)
{
    struct pc_index_key key = {.client = *client,
                               .reverse = true,
                               .group = group,
                               .endpoint = endpoint,
                               .kept_port = kept_port};
    return find(m, &key, ret);
}

int portcam_mirror_share(const struct portcam_mirror *m)
{
    return m->share >= 0 ? m->share : m->fd;
}

void portcam_mirror_get_stats(const struct portcam_mirror *m, struct portcam_mirror_stats *ret)
{
    const uint64_t *from = (const uint64_t *)&m->stats;
    uint64_t *to = (uint64_t *)ret;

    for (size_t i = 0; i < sizeof(*ret) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
