// SPDX-License-Identifier: Apache-2.0
/* The mirror in words: its state, changes of connections, and who wants to hear of which. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connections/connections.h"
#include "mirror_track.h"

/* ---- state ---- */

int portcam_mirror_status(struct portcam *pc, struct portcam_report *report, struct json_t **ret)
{
    struct portcam_mirror *m = pc->mirror;
    struct portcam_mirror_stats s;

    if (!m) {
        pc_report_add(report, "unsupported", "the connections of this card are not mirrored");
        return -EOPNOTSUPP;
    }
    portcam_mirror_get_stats(m, &s);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"slots", m->bounds.slots},
                   {"records", s.records},
                   {"events", s.events},
                   {"merged", s.merged},
                   {"dropped", s.dropped},
                   {"gaps", s.gaps},
                   {"rescans", s.rescans},
                   {"rescan_us", s.rescan_us},
                   {"restarts", s.restarts},
                   {"began", s.began},
                   {"changed", s.changed},
                   {"ended", s.ended},
                   {"uncounted", s.uncounted},
                   {"moved", s.moved},
                   {"unseen", s.unseen},
                   {"nonsense_events", s.nonsense_events},
                   {"nonsense_records", s.nonsense_records},
                   {"torn", s.torn},
                   {"audited", s.audited},
                   {"audit_retries", s.audit_retries},
                   {"audit_different", s.audit_different}};
    json_t *object =
        json_pack("{s:b, s:b}", "running", (int)m->running, "exact", (int)pc_mirror_is_exact(m));
    int rc = object ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (json_object_set_new(object, numbers[i].name,
                                json_integer((json_int_t)numbers[i].value)))
            rc = -ENOMEM;
    }
    if (rc)
        json_decref(object);
    else
        *ret = object;
    return rc;
}

/* ---- changes ---- */

static const char *kind_name(unsigned kind)
{
    static const char *const names[] = {"found", "began", "changed", "ended"};
    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

static const char *cause_name(unsigned cause)
{
#define NAME(value, name, about) [value] = (name),
    static const char *const names[] = {PORTCAM_END_CAUSE_LIST(NAME)};
#undef NAME
    return cause < PORTCAM_END_CAUSE_MAX ? names[cause] : "unknown";
}

static int add_end(const struct portcam_mirror_change *c, json_t *object)
{
    int rc = json_object_set_new(object, "cause", json_string(cause_name(c->cause)));
    json_t *more =
        c->counted
            ? json_pack("{s:{s:I, s:I}, s:{s:I, s:I}, s:I}", "forward", "packets",
                        (json_int_t)c->forward.packets, "octets", (json_int_t)c->forward.octets,
                        "reverse", "packets", (json_int_t)c->reverse.packets, "octets",
                        (json_int_t)c->reverse.octets, "lifetime_s", (json_int_t)c->lifetime_s)
            : json_pack("{s:n, s:n, s:n}", "forward", "reverse", "lifetime_s");
    if (rc || !more || json_object_update(object, more))
        rc = -ENOMEM;
    json_decref(more);
    return rc;
}

struct json_t *portcam_mirror_change_json(const struct portcam *pc,
                                          const struct portcam_mirror_change *c)
{
    struct portcam_connection_image image = pc_image_of_mirror(&c->record);
    json_t *object = json_pack("{s:s, s:s}", "event", "connection", "change", kind_name(c->kind));
    json_t *ends = pc_connection_ends_json(pc, &image);
    int rc = object && ends ? json_object_update(object, ends) : -ENOMEM;

    json_decref(ends);
    if (rc == 0)
        rc = json_object_set_new(object, "embryonic",
                                 json_boolean(c->record.flags & PORTCAM_MIRROR_RECORD_EMBRYONIC));
    if (rc == 0 && c->kind == PORTCAM_MIRROR_CHANGED)
        rc =
            json_object_set_new(object, "before", json_string(pc_connection_state_name(c->before)));
    if (rc == 0 && c->kind == PORTCAM_MIRROR_ENDED)
        rc = add_end(c, object);
    if (rc) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* ---- choices ---- */

struct portcam_watch {
    struct pc_filter filter;
};

int portcam_watch_new(const struct portcam *pc, struct json_t *filter,
                      struct portcam_report *report, struct portcam_watch **ret)
{
    struct portcam_watch *w = calloc(1, sizeof(*w));
    int rc = w ? pc_filter_read(pc, filter, &w->filter, report) : -ENOMEM;

    if (rc)
        free(w);
    else
        *ret = w;
    return rc;
}

void portcam_watch_free(struct portcam_watch *watch)
{
    free(watch);
}

bool portcam_watch_fits(const struct portcam_watch *watch,
                        const struct portcam_mirror_change *change)
{
    struct portcam_connection_image image = pc_image_of_mirror(&change->record);
    return pc_filter_fits(&watch->filter, &image);
}
