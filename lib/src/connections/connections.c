// SPDX-License-Identifier: Apache-2.0
/* The calls about connections, a stretch of slots at a time; see portcam.h. */
#include "connections.h"
#include "portcam/mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    STRETCH = 16 * (int)PC_HW_CHUNK, /* slots that one call looks at at most */
    TOLD = 1024,                     /* connections that it tells, about; a chunk is told whole */
};

/* One call: what it looks for, and what it found. */
struct walk {
    struct portcam *pc;
    struct pc_filter filter;
    uint32_t from, next; /* next == all slots: the end */
    uint32_t now;        /* TIME_MS when the chunk was asked for */
    uint32_t n;
    struct portcam_connection_image images[PC_HW_CHUNK];
};

static int failed(const struct portcam *pc, int rc, struct portcam_report *report)
{
    (void)pc;
    if (rc && rc != -ENOMEM)
        pc_report_add(report, pc_hw_code(rc), "the card's connections: %s", pc_hw_error());
    return rc;
}

static int check_card(const struct portcam *pc, struct portcam_report *report)
{
    if (pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL)
        return 0;
    pc_report_add(report, "unsupported", "this card has no connection records");
    return -EOPNOTSUPP;
}

static int walk_begin(struct portcam *pc, const json_t *filter, uint32_t from, struct walk *w,
                      struct portcam_report *report)
{
    int rc = check_card(pc, report);

    if (rc)
        return rc;
    w->pc = pc;
    w->from = w->next = from;
    if (from >= pc_hw_slots(pc->hw)) {
        pc_report_add(report, "usage", "there is no slot %u; this card has 0 to %u", from,
                      pc_hw_slots(pc->hw) - 1);
        return -EINVAL;
    }
    return pc_filter_read(pc, filter, &w->filter, report);
}

/* The next chunk; those that fit are in `images`. */
static int walk_on(struct walk *w)
{
    uint32_t slots = pc_hw_slots(w->pc->hw), count = slots - w->next;
    uint32_t n = 0;

    if (count > PC_HW_CHUNK)
        count = PC_HW_CHUNK;
    w->n = 0;
    int rc = pc_hw_register(w->pc->hw, PORTCAM_REG_TIME_MS, &w->now);
    if (rc == 0)
        rc = pc_hw_connections(w->pc->hw, w->next, count, w->images, &n);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        if (pc_filter_fits(&w->filter, &w->images[i]))
            w->images[w->n++] = w->images[i];
    }
    w->next += count;
    return rc;
}

static bool walk_ended(const struct walk *w)
{
    return w->next >= pc_hw_slots(w->pc->hw) || w->next - w->from >= STRETCH;
}

static json_t *next_json(const struct walk *w)
{
    return w->next < pc_hw_slots(w->pc->hw) ? json_integer(w->next) : json_null();
}

static int append(const struct walk *w, uint32_t count, json_t *list)
{
    for (uint32_t i = 0; i < count; i++) {
        if (json_array_append_new(list, pc_connection_json(w->pc, &w->images[i], w->now, false)))
            return -ENOMEM;
    }
    return 0;
}

static int end_chunk(struct walk *w, json_t *list)
{
    uint32_t ended = 0;
    int rc = pc_hw_end_connections(w->pc->hw, w->images, w->n, &ended);

    return append(w, ended, list) ? -ENOMEM : rc;
}

static int tell(struct portcam *pc, json_t *filter, uint32_t from, bool end,
                struct portcam_report *report, json_t **ret)
{
    struct walk *w = calloc(1, sizeof(*w));
    json_t *list = json_array();
    int rc = w && list ? walk_begin(pc, filter, from, w, report) : -ENOMEM;
    bool began = rc == 0;

    while (rc == 0) {
        uint32_t chunk = w->next;
        rc = walk_on(w);
        if (rc == 0)
            rc = end && w->n ? end_chunk(w, list) : append(w, w->n, list);
        if (rc && rc != -ENOMEM && json_array_size(list)) {
            /* What was ended before the card failed is told; the next call fails, or goes on. */
            w->next = chunk;
            rc = 0;
            break;
        }
        if (walk_ended(w) || json_array_size(list) >= TOLD)
            break;
    }
    if (rc == 0)
        *ret = json_pack("{s:O, s:o}", "connections", list, "next", next_json(w));
    if (rc == 0 && !*ret)
        rc = -ENOMEM;
    free(w);
    json_decref(list);
    return began ? failed(pc, rc, report) : rc;
}

int portcam_connection_list(struct portcam *pc, struct json_t *filter, uint32_t from,
                            struct portcam_report *report, struct json_t **ret)
{
    return tell(pc, filter, from, false, report, ret);
}

int portcam_connection_flush(struct portcam *pc, struct json_t *filter, uint32_t from,
                             struct portcam_report *report, struct json_t **ret)
{
    return tell(pc, filter, from, true, report, ret);
}

struct portcam_connection_image pc_image_of_mirror(const struct portcam_mirror_record *r)
{
    struct portcam_connection_image i = {
        .slot = r->slot,
        .generation = r->generation,
        .family = r->flags & PORTCAM_MIRROR_RECORD_IS_V6 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4,
        .protocol = r->protocol,
        .client_port = r->client_port,
        .public_port = r->public_port,
        .address = r->address,
        .service = r->service,
        .backend = r->backend,
        .endpoint = r->endpoint,
        .state = r->state,
        .flags =
            (r->flags & PORTCAM_MIRROR_RECORD_EMBRYONIC ? PORTCAM_CONNECTION_IMAGE_EMBRYONIC : 0) |
            (r->flags & PORTCAM_MIRROR_RECORD_KEPT_PORT ? PORTCAM_CONNECTION_IMAGE_KEPT_PORT : 0),
        .syn_repeats = r->syn_repeats,
        .group = r->group,
        .client_next = r->client_next,
        .created = r->created,
        .last_used = r->last_used,
    };

    memcpy(i.client_ip, r->client_ip, sizeof(i.client_ip));
    return i;
}

struct tally {
    struct pc_filter filter;
    uint32_t states[PORTCAM_CONNECTION_STATE_MAX], count;
};

static int tally_one(void *ctx, const struct portcam_mirror_record *r)
{
    struct tally *t = ctx;
    struct portcam_connection_image image = pc_image_of_mirror(r);

    if (pc_filter_fits(&t->filter, &image)) {
        t->states[image.state]++;
        t->count++;
    }
    return 0;
}

/* The rest of the stretch; `w` has begun. */
static int tally_card(struct walk *w, struct tally *t)
{
    int rc = 0;

    do {
        rc = walk_on(w);
        for (uint32_t i = 0; rc == 0 && i < w->n; i++)
            t->states[w->images[i].state]++;
        t->count += rc ? 0 : w->n;
    } while (rc == 0 && !walk_ended(w));
    return rc;
}

/* A mirror that is up to date is counted whole, and the card is not asked. */
int portcam_connection_count(struct portcam *pc, struct json_t *filter, uint32_t from,
                             struct portcam_report *report, struct json_t **ret)
{
    struct tally t = {.count = 0};
    struct walk *w = calloc(1, sizeof(*w));
    json_t *object = json_object();
    int rc = w && object ? walk_begin(pc, filter, from, w, report) : -ENOMEM;
    bool began = rc == 0;

    if (rc == 0)
        t.filter = w->filter;
    if (rc == 0 && from == 0 && pc->mirror && pc_mirror_is_exact(pc->mirror)) {
        rc = portcam_mirror_each(pc->mirror, tally_one, &t);
        w->next = pc_hw_slots(pc->hw);
    } else if (rc == 0) {
        rc = tally_card(w, &t);
    }
    for (unsigned s = 1; rc == 0 && s < PORTCAM_CONNECTION_STATE_MAX; s++) {
        if (t.states[s])
            json_object_set_new(object, pc_connection_state_name(s), json_integer(t.states[s]));
    }
    if (rc == 0)
        *ret = json_pack("{s:I, s:O, s:o}", "count", (json_int_t)t.count, "states", object, "next",
                         next_json(w));
    if (rc == 0 && !*ret)
        rc = -ENOMEM;
    free(w);
    json_decref(object);
    return began ? failed(pc, rc, report) : rc;
}

/* ---- one connection ---- */

static int check_slot(const struct portcam *pc, uint32_t slot, struct portcam_report *report)
{
    int rc = check_card(pc, report);
    if (rc == 0 && slot >= pc_hw_slots(pc->hw)) {
        pc_report_add(report, "usage", "there is no slot %u; this card has 0 to %u", slot,
                      pc_hw_slots(pc->hw) - 1);
        rc = -EINVAL;
    }
    return rc;
}

static int no_connection(uint32_t slot, struct portcam_report *report)
{
    pc_report_add(report, "not_found",
                  "there is no connection in slot %u; it has ended, or the card has moved it: "
                  "`portcam connection list` tells where it is",
                  slot);
    return -ENOENT;
}

static int other_connection(uint32_t slot, uint32_t generation, struct portcam_report *report)
{
    pc_report_add(report, "changed",
                  "the connection in slot %u is another one than %u:%u, which has ended or moved; "
                  "nothing was done",
                  slot, slot, generation);
    return -ESTALE;
}

static int whole(struct portcam *pc, const struct portcam_connection_image *image, json_t **ret)
{
    uint32_t now = 0;
    int rc = pc_hw_register(pc->hw, PORTCAM_REG_TIME_MS, &now);
    json_t *object = rc ? NULL : pc_connection_json(pc, image, now, true);

    if (rc == 0 && !object)
        rc = -ENOMEM;
    if (rc == 0)
        *ret = object;
    return rc;
}

int portcam_connection_show(struct portcam *pc, uint32_t slot, const uint32_t *generation,
                            struct portcam_report *report, struct json_t **ret)
{
    struct portcam_connection_image image;
    uint32_t n = 0;

    int rc = check_slot(pc, slot, report);
    if (rc)
        return rc;
    rc = pc_hw_connections(pc->hw, slot, 1, &image, &n);
    if (rc)
        return failed(pc, rc, report);
    if (n == 0)
        return no_connection(slot, report);
    if (generation && image.generation != *generation)
        return other_connection(slot, *generation, report);
    return failed(pc, whole(pc, &image, ret), report);
}

int portcam_connection_delete(struct portcam *pc, uint32_t slot, uint32_t generation,
                              struct portcam_report *report, struct json_t **ret)
{
    struct portcam_connection_image image = {.slot = slot, .generation = generation};
    uint32_t n = 0;

    int rc = check_slot(pc, slot, report);
    if (rc)
        return rc;
    rc = pc_hw_end_connections(pc->hw, &image, 1, &n);
    if (rc)
        return failed(pc, rc, report);
    if (n)
        return ret ? failed(pc, whole(pc, &image, ret), report) : 0;
    rc = pc_hw_connections(pc->hw, slot, 1, &image, &n);
    if (rc)
        return failed(pc, rc, report);
    return n ? other_connection(slot, generation, report) : no_connection(slot, report);
}
