// SPDX-License-Identifier: Apache-2.0
/*
 * Records of another time: the card has them, but its rows mean something else by now. They are ended at once, for their
 * packets would go to a server that knows nothing of them. The rows alone are asked, so it does not matter who wrote them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "saved.h"

enum { WALKS = 4 };

static const void *row_of(const struct pc_image *rows, unsigned table, uint32_t row)
{
    if (row >= rows->rows[table] || !rows->table[table][row].valid)
        return NULL;
    return rows->table[table][row].data;
}

/* Do packets of this record come to this service? */
static bool service_has(const struct portcam_service_row *s,
                        const struct portcam_connection_image *i)
{
    bool exact = s->flags & PORTCAM_SERVICE_ROW_EXACT_PORT;

    return s->mode == PORTCAM_MODE_STATEFUL && s->service == i->service && s->group == i->group &&
           (s->address == i->address || s->address == PORTCAM_ADDRESS_ANY) &&
           (!exact || s->port == i->public_port) &&
           (!(s->flags & PORTCAM_SERVICE_ROW_EXACT_PROTOCOL) || s->protocol == i->protocol) &&
           (exact || i->public_port == 0) == !(i->flags & PORTCAM_CONNECTION_IMAGE_KEPT_PORT);
}

static bool fits(const struct portcam *pc, const struct portcam_connection_image *i)
{
    const struct pc_image *rows = pc->card;
    const struct portcam_backend_row *b = row_of(rows, PORTCAM_TABLE_BACKEND, i->backend);
    bool found = false;

    for (uint32_t row = 0; row < rows->rows[PORTCAM_TABLE_SERVICE] && !found; row++) {
        const struct portcam_service_row *s = row_of(rows, PORTCAM_TABLE_SERVICE, row);
        found = s && service_has(s, i);
    }
    return found && b && b->family == i->family && b->endpoint == i->endpoint &&
           row_of(rows, PORTCAM_TABLE_PUBLIC, i->address);
}

/* Is the row there before and now, and says another thing in its first bytes? */
static bool other_row(const struct pc_image *before, const struct pc_image *now, unsigned table,
                      uint32_t row, size_t len)
{
    const void *a = row_of(before, table, row), *b = row_of(now, table, row);
    return a && b && memcmp(a, b, len) != 0;
}

static bool belonged_to_others(const struct pc_image *before, const struct pc_image *now,
                               const struct portcam_connection_image *i)
{
    /* Address, family and port of the server; address of the public end. */
    const size_t ip = sizeof(((struct portcam_public_row *)0)->ip);
    const struct portcam_backend_row *a = row_of(before, PORTCAM_TABLE_BACKEND, i->backend),
                                     *b = row_of(now, PORTCAM_TABLE_BACKEND, i->backend);
    return other_row(before, now, PORTCAM_TABLE_PUBLIC, i->address, ip + 1) ||
           other_row(before, now, PORTCAM_TABLE_BACKEND, i->backend, ip + 1) ||
           (a && b && (a->port != b->port || a->endpoint != b->endpoint));
}

static int walk(struct portcam *pc, const struct pc_image *before,
                struct portcam_connection_image *images, uint64_t *total)
{
    uint32_t slots = pc_hw_slots(pc->hw);
    int rc = 0;

    for (uint32_t slot = 0; rc == 0 && slot < slots; slot += PC_HW_CHUNK) {
        uint32_t n = 0, stale = 0, left = slots - slot;
        rc = pc_hw_connections(pc->hw, slot, left < PC_HW_CHUNK ? left : PC_HW_CHUNK, images, &n);
        for (uint32_t i = 0; rc == 0 && i < n; i++) {
            if (!fits(pc, &images[i]) ||
                (before && belonged_to_others(before, pc->card, &images[i])))
                images[stale++] = images[i];
        }
        if (rc == 0 && stale)
            rc = pc_hw_end_connections(pc->hw, images, stale, &stale);
        *total += rc ? 0 : stale;
    }
    return rc;
}

int pc_end_stale(struct portcam *pc, const struct pc_image *before, struct portcam_report *report)
{
    uint32_t used = 0;
    uint64_t total = 0, last = 0;

    if (!(pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL))
        return 0;
    int rc = pc_hw_register(pc->hw, PORTCAM_REG_CONNECTIONS_USED, &used);
    if (rc == 0 && used == 0)
        return 0;
    struct portcam_connection_image *images = calloc(PC_HW_CHUNK, sizeof(*images));
    if (rc == 0)
        rc = images ? walk(pc, before, images, &total) : -ENOMEM;
    /* The card moves records; one that went where the walk had been is found by the next. */
    for (unsigned i = 1; rc == 0 && total > last && i < WALKS; i++) {
        last = total;
        rc = walk(pc, before, images, &total);
    }
    free(images);
    if (total)
        pc_log(pc, PORTCAM_SEVERITY_WARNING,
               "ended %llu %s of services or backends that are not there any more",
               PC_COUNTED((unsigned long long)total, "connection"));
    if (rc && rc != -ENOMEM)
        pc_report_add(report, pc_hw_code(rc), "the card's connections: %s", pc_hw_error());
    return rc;
}
