// SPDX-License-Identifier: Apache-2.0
/* Records out of the card and back; see saved.h. */
#include "saved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/mirror.h>

#include "connections.h"

void pc_saved_free(struct pc_saved *records)
{
    free(records->image);
    *records = (struct pc_saved){0};
}

int pc_saved_add(struct pc_saved *records, const struct portcam_connection_image *image)
{
    if (records->count == records->room) {
        size_t room = records->room ? 2 * records->room : PC_HW_CHUNK;
        void *more = realloc(records->image, room * sizeof(*records->image));
        if (!more)
            return -ENOMEM;
        records->image = more;
        records->room = room;
    }
    records->image[records->count++] = *image;
    return 0;
}

int pc_saved_read(struct portcam *pc, struct pc_saved *ret)
{
    struct portcam_connection_image *images = calloc(PC_HW_CHUNK, sizeof(*images));
    uint32_t slots = pc_hw_slots(pc->hw);
    int rc = images ? pc_hw_register(pc->hw, PORTCAM_REG_TIME_MS, &ret->now) : -ENOMEM;

    for (uint32_t slot = 0; rc == 0 && slot < slots; slot += PC_HW_CHUNK) {
        uint32_t n = 0, left = slots - slot;
        rc = pc_hw_connections(pc->hw, slot, left < PC_HW_CHUNK ? left : PC_HW_CHUNK, images, &n);
        for (uint32_t i = 0; rc == 0 && i < n; i++)
            rc = pc_saved_add(ret, &images[i]);
    }
    free(images);
    return rc;
}

/* ---- the mirror ---- */

static int by_generation(const void *a, const void *b)
{
    const struct portcam_connection_image *x = a, *y = b;
    return x->generation < y->generation ? -1 : x->generation > y->generation;
}

struct merge {
    const struct pc_saved *read; /* by generation */
    bool *known;                 /* of these: the mirror has it too */
    struct pc_saved all;
};

/* State from the mirror; counters and last use as they were read, which the mirror is not told. */
static int merge_one(void *ctx, const struct portcam_mirror_record *record)
{
    struct merge *m = ctx;
    struct portcam_connection_image image = pc_image_of_mirror(record);
    const struct portcam_connection_image *was =
        m->read->count
            ? bsearch(&image, m->read->image, m->read->count, sizeof(image), by_generation)
            : NULL;

    if (was) {
        m->known[was - m->read->image] = true;
        image.forward_packets = was->forward_packets;
        image.forward_octets = was->forward_octets;
        image.reverse_packets = was->reverse_packets;
        image.reverse_octets = was->reverse_octets;
        if ((int32_t)(was->last_used - image.last_used) > 0)
            image.last_used = was->last_used;
        if ((int32_t)(was->client_next - image.client_next) > 0)
            image.client_next = was->client_next;
    }
    return pc_saved_add(&m->all, &image);
}

int pc_saved_merge(struct portcam *pc, struct pc_saved *records)
{
    struct merge m = {.read = records, .all = {.now = records->now}};

    if (!pc->mirror)
        return 0;
    m.known = calloc(records->count + 1, sizeof(*m.known));
    if (!m.known)
        return -ENOMEM;
    if (records->count)
        qsort(records->image, records->count, sizeof(*records->image), by_generation);
    int rc = portcam_mirror_each(pc->mirror, merge_one, &m);
    /* Those that only the card had come last: where one of the mirror has the same client and server, that one is newer. */
    for (size_t i = 0; rc == 0 && i < records->count; i++) {
        if (!m.known[i])
            rc = pc_saved_add(&m.all, &records->image[i]);
    }
    free(m.known);
    if (rc) {
        pc_saved_free(&m.all);
        return rc;
    }
    pc_saved_free(records);
    *records = m.all;
    return 0;
}

/* ---- back into the card ---- */

/* Where the card's clock began again, its records keep their age. */
static uint32_t clock_shift(uint32_t before, uint32_t now)
{
    return (int32_t)(now - before) < 0 ? now - before : 0;
}

int pc_saved_restore(struct portcam *pc, const struct pc_saved *records, size_t *ret_made,
                     unsigned *ret_status)
{
    struct portcam_connection_image *images = calloc(PC_HW_CHUNK, sizeof(*images));
    uint32_t now = 0;
    size_t made = 0, at = 0;
    int rc = images ? pc_hw_register(pc->hw, PORTCAM_REG_TIME_MS, &now) : -ENOMEM;
    uint32_t shift = clock_shift(records->now, now);

    *ret_status = PORTCAM_STATUS_OK;
    while (rc == 0 && at < records->count) {
        uint32_t n = 0, done = 0;
        unsigned status = PORTCAM_STATUS_OK;
        for (; n < PC_HW_CHUNK && at + n < records->count; n++) {
            images[n] = records->image[at + n];
            images[n].created += shift;
            images[n].last_used += shift;
        }
        rc = pc_hw_insert_connections(pc->hw, images, n, &done, &status);
        made += done;
        at += done;
        if (rc == 0 && status != PORTCAM_STATUS_OK) {
            *ret_status = status;
            at++; /* not this one */
        }
    }
    free(images);
    *ret_made = made;
    return rc;
}
