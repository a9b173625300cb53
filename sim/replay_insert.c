// SPDX-License-Identifier: Apache-2.0
/* connection_insert in lockstep: see replay.h. The images are taken from the trace as they pass the record stage, and
 * compared with the host's memory when the command ends. */
#include <string.h>

#include "replay_state.h"

static unsigned rows_used(const struct pc_replay *r, bool is_v6, unsigned *rows)
{
    const struct pc_sizes *s = pc_tables_sizes(pc_device_tables(r->device));
    *rows = is_v6 ? s->connection_rows_v6 : s->connection_rows;
    return pc_connections_used_by(pc_device_connections(r->device), is_v6);
}

void pc_replay_insert(struct pc_replay *r, const struct pc_record_trace *t)
{
    struct portcam_connection_image image;
    const struct pc_choice choice = {.room = t->room, .slot = t->slot};
    unsigned slot = 0, rows;
    memcpy(&image, t->image, sizeof(image));
    if (r->insertion.images && r->insertion.status != PORTCAM_STATUS_OK)
        pc_replay_differ(r, "connection_insert went on behind image %u, which was refused",
                         r->insertion.images - 1);
    unsigned used = rows_used(r, image.family == PORTCAM_FAMILY_6, &rows);
    unsigned status = pc_device_insert(r->device, &image, &choice, &slot);
    if (t->ended != (status == PORTCAM_STATUS_OK))
        pc_replay_differ(r, "an image was %s, in slot %u; model status %u",
                         t->ended ? "inserted" : "refused", t->slot, status);
    if (status == PORTCAM_STATUS_FULL && !t->room && rows >= 64 && used < rows / 4)
        pc_replay_differ(r, "no room for an image with %u of %u rows used", used, rows);
    if (status == PORTCAM_STATUS_OK && t->ended)
        r->born[slot] = r->operations;
    else if (status == PORTCAM_STATUS_OK)
        pc_connections_delete(
            pc_device_connections_rw(r->device), slot,
            pc_connections_get(pc_device_connections(r->device), slot)->generation, t->time, NULL);
    if (r->insertion.images == PORTCAM_BUILD_MAX_COUNT) {
        pc_replay_differ(r, "more than %u images were inserted by one command",
                         r->insertion.images);
        return;
    }
    r->insertion.status = status;
    r->insertion.image[r->insertion.images++] = image;
}

/* What the host has as image number n of the command. */
static bool image_of(struct pc_replay *r, const struct portcam_command *c, unsigned n,
                     struct portcam_connection_image *ret)
{
    uint64_t address;
    memcpy(&address, c->data, sizeof(address));
    address += n * sizeof(*ret);
    if (r->peek(r->ctx, address, ret, sizeof(*ret)) == 0)
        return true;
    pc_replay_differ(r, "connection_insert: image %u at %#llx cannot be read back", n,
                     (unsigned long long)address);
    return false;
}

void pc_replay_insert_done(struct pc_replay *r, const struct portcam_command *c, unsigned status)
{
    struct portcam_connection_image image;
    unsigned images = r->insertion.images;
    unsigned want = images ? r->insertion.status : (unsigned)PORTCAM_STATUS_OK;
    r->insertion.images = 0;
    for (unsigned n = 0; n < images; n++)
        if (image_of(r, c, n, &image) &&
            memcmp(&image, &r->insertion.image[n], sizeof(image)) != 0) {
            pc_replay_differ(r, "connection_insert: image %u is not that of the host", n);
            return;
        }
    if (images > c->count) {
        pc_replay_differ(r, "connection_insert of %u images: %u were seen", c->count, images);
        return;
    }
    if (want == PORTCAM_STATUS_OK && images < c->count && image_of(r, c, images, &image) &&
        !pc_connection_image_is_good(pc_tables_sizes(pc_device_tables(r->device)), &image))
        want = PORTCAM_STATUS_BAD_ROW;
    else if (want == PORTCAM_STATUS_OK && images < c->count)
        pc_replay_differ(r, "connection_insert of %u images: %u were seen", c->count, images);
    if (status != want)
        pc_replay_differ(r, "connection_insert: status %u after %u images, model %u", status,
                         images, want);
}
