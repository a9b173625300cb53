// SPDX-License-Identifier: Apache-2.0
/* Response times of the backends of scheduler `fast`; see portcam.h. What is measured is kept with the numbers, so that the
 * same slot tables are made again after a restart. */
#include <errno.h>
#include <stdlib.h>

#include "instance.h"

enum {
    ENOUGH = 8, /* connections that make a mean */
    MIX = 4,    /* a new mean counts for one part of so many */
    SAME = 8,   /* a time that changed by less than one part of so many is not worth a change */
};

/* Backends of services that want to know; by index. */
static bool wanted(const struct portcam_config *c, bool *fast)
{
    bool any = false;

    for (size_t i = 0; i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        if (s->mode != PORTCAM_MODE_STATEFUL || pc_service_scheduler(s) != PC_SCHEDULER_FAST)
            continue;
        for (size_t k = 0; k < s->n_backends; k++)
            fast[s->backend_at[k]] = any = true;
    }
    return any;
}

/* Microseconds since the last look, 0 when too few answered. Milliseconds are counted whole, so half of one is added. */
static uint64_t mean(struct pc_measure *last, const struct portcam_backend_state *now)
{
    if (now->syn_ack_count < last->count || now->syn_ack_ms < last->ms)
        *last = (struct pc_measure){0, 0}; /* the card was reset */
    uint64_t count = now->syn_ack_count - last->count, ms = now->syn_ack_ms - last->ms;
    if (count < ENOUGH)
        return 0;
    *last = (struct pc_measure){now->syn_ack_count, now->syn_ack_ms};
    uint64_t us = ms / count * 1000 + ms % count * 1000 / count + 500;
    return us < UINT32_MAX ? us : UINT32_MAX;
}

/* Puts new times into `response`; true when any changed by enough. */
static int measure(struct portcam *pc, const bool *fast, json_t *response, bool *changed)
{
    const struct pc_numbers *n = &pc->plan->numbers[PC_BACKEND];
    struct portcam_backend_state *states = calloc(n->room, sizeof(*states));
    int rc = states ? pc_hw_backends(pc->hw, 0, (uint32_t)n->room, states) : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        const char *name = pc->plan->config->backends[i].name;
        uint64_t old = (uint64_t)json_integer_value(json_object_get(response, name));
        uint64_t us = fast[i] ? mean(&pc->measured[n->number[i]], &states[n->number[i]]) : 0;
        if (us == 0)
            continue;
        if (old)
            us = (old * (MIX - 1) + us) / MIX;
        uint64_t apart = us > old ? us - old : old - us;
        if (old && apart < old / SAME)
            continue;
        *changed = true;
        if (json_object_set_new(response, name, json_integer((json_int_t)us)))
            rc = -ENOMEM;
    }
    free(states);
    return rc;
}

int portcam_tune(struct portcam *pc, struct portcam_report *report, bool *ret_changed)
{
    bool *fast = calloc(pc->plan->config->n_backends + 1, sizeof(*fast)), changed = false;
    json_t *names = NULL, *response = NULL;
    int rc = fast ? 0 : -ENOMEM;

    if (rc == 0 && wanted(pc->plan->config, fast)) {
        if (!pc->measured)
            pc->measured = calloc(pc->plan->numbers[PC_BACKEND].room, sizeof(*pc->measured));
        names = pc_plan_names(pc->plan);
        response = pc->plan->response ? json_deep_copy(pc->plan->response) : json_object();
        rc = pc->measured && names && response ? measure(pc, fast, response, &changed) : -ENOMEM;
        if (rc && rc != -ENOMEM)
            pc_report_add(report, pc_hw_code(rc), "the card's backends: %s", pc_hw_error());
    }
    if (rc == 0 && changed) {
        struct portcam_config *config = pc_config_share(pc->plan->config);
        rc = json_object_set(names, "response", response)
                 ? -ENOMEM
                 : pc_apply(pc, config, names, false, report, NULL);
        portcam_config_free(config);
    }
    json_decref(names);
    json_decref(response);
    free(fast);
    if (rc == 0 && ret_changed)
        *ret_changed = changed;
    return rc;
}
