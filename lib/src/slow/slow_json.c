// SPDX-License-Identifier: Apache-2.0
/* What became of the packets of the slow path, as JSON. */
#include <errno.h>
#include <jansson.h>

#include "base/report.h"
#include "slow_run.h"

static const char *const Reasons[PORTCAM_REASON_ROWS] = {
#define NAME(value, name, rule, fate, about) [value] = (name),
    PORTCAM_REASON_LIST(NAME)
#undef NAME
};

/* One reason, or nothing where there were no packets of it. */
static int add_reason(json_t *list, const char *name, const uint64_t *packets)
{
    json_t *outcomes = json_object();
    uint64_t all = 0;
    int failed = !outcomes;

    for (unsigned o = 0; o < PC_SLOW_OUTCOMES && !failed; o++) {
        all += packets[o];
        if (packets[o])
            failed = json_object_set_new(outcomes, pc_slow_outcome_name(o),
                                         json_integer((json_int_t)packets[o]));
    }
    if (!failed && all == 0) {
        json_decref(outcomes);
        return 0;
    }
    json_t *entry = json_pack("{s:s, s:I, s:o}", "reason", name ? name : "unknown", "packets",
                              (json_int_t)all, "outcomes", outcomes);
    return json_array_append_new(list, entry) || failed ? -ENOMEM : 0;
}

int portcam_slow_path_status(struct portcam *pc, struct portcam_report *report, struct json_t **ret)
{
    struct portcam_slow_path *s = pc->slow_path;
    struct pc_slow_told t;
    int rc = 0;

    if (!s) {
        pc_report_add(report, "unsupported", "%s",
                      pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_PUNT
                          ? "nobody takes the packets that the card hands over"
                          : "this card does not hand packets to the host");
        return -EOPNOTSUPP;
    }
    pthread_mutex_lock(&s->lock);
    t = s->told;
    pthread_mutex_unlock(&s->lock);
    json_t *list = json_array();
    for (unsigned r = 0; r < PORTCAM_REASON_ROWS && list && rc == 0; r++)
        rc = add_reason(list, Reasons[r], t.engine.packets[r]);
    json_t *value =
        json_pack("{s:b, s:b, s:o, s:i, s:i, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                  "running", t.running, "connections_known", pc->mirror != NULL, "reasons", list,
                  "datagrams", (int)t.engine.datagrams, "held", (int)t.engine.held, "held_bytes",
                  (json_int_t)t.engine.held_bytes, "datagrams_most", (int)t.engine.datagrams_most,
                  "held_bytes_most", (json_int_t)t.engine.held_bytes_most, "answers",
                  (json_int_t)t.engine.answers, "inserted", (json_int_t)t.engine.inserted,
                  "updated", (json_int_t)t.engine.updated, "unsent", (json_int_t)t.unsent,
                  "ring_full", (json_int_t)t.ring_full, "refused", (json_int_t)t.refused,
                  "restarts", (json_int_t)t.restarts);
    if (rc || !value) {
        json_decref(value);
        return -ENOMEM;
    }
    *ret = value;
    return 0;
}
