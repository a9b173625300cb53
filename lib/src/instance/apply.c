// SPDX-License-Identifier: Apache-2.0
/*
 * Making a configuration run: plan, starting values of counters, state file, change set, in this order, so that every
 * failure leaves the old configuration whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connections/connections.h"
#include "instance.h"
#include "slow/slow_run.h"
#include "state.h"

#define SEED_ATTEMPTS 64
static bool endpoints_empty(const struct pc_image *image)
{
    return !pc_image_count(image, PORTCAM_TABLE_ENDPOINT) &&
           !pc_image_count(image, PORTCAM_TABLE_ENDPOINT_ANY_PORT) &&
           !pc_image_count(image, PORTCAM_TABLE_ENDPOINT_ANY);
}

/* The plan; where no endpoint row is in use yet, with a seed that makes them all fit. */
static int make_plan(struct portcam *pc, struct portcam_config *config, json_t *names,
                     struct portcam_report *report, struct pc_plan **ret)
{
    const struct portcam_caps *caps = pc_hw_caps(pc->hw);
    struct portcam_report *quiet = portcam_report_new();
    int rc = quiet ? pc_plan_make(config, caps, pc->seed, names, pc->card, quiet, ret) : -ENOMEM;

    for (unsigned i = 1; rc == -ENOSPC && endpoints_empty(pc->card) && i <= SEED_ATTEMPTS; i++) {
        portcam_report_clear(quiet);
        rc = pc_plan_make(config, caps, pc_new_seed(pc, i), names, pc->card, quiet, ret);
    }
    if (quiet)
        pc_report_append(report, quiet);
    portcam_report_free(quiet);
    return rc == -ENOSPC ? -EBADMSG : rc;
}

static json_t *difference(const struct portcam *pc, const struct pc_plan *plan)
{
    json_t *objects = pc_change_objects(pc->plan->config, plan->config);
    json_t *rows = pc_change_rows(pc->card, pc->plan->config, plan);
    return json_pack("{s:o, s:o}", "objects", objects, "rows", rows);
}

/* The change set, and what to believe when it ends without an answer. */
static int commit(struct portcam *pc, const struct pc_plan *plan, struct portcam_report *report)
{
    bool unknown = false;
    int rc = 0;

    if (plan->seed != pc->seed)
        rc = pc_hw_set_register(pc->hw, PORTCAM_REG_HASH_SEED, plan->seed);
    if (rc) {
        pc_report_add(report, pc_hw_code(rc), "the card's hash seed: %s", pc_hw_error());
        return rc;
    }
    pc->seed = plan->seed;
    rc = pc_change_apply(pc->hw, pc->card, plan, report, &unknown);
    if (rc == 0 || !unknown)
        return rc;
    pc->unknown = true;
    if (pc_read_back(pc, NULL) == 0 &&
        pc_image_differences(pc->card, plan->image, PORTCAM_TABLE_MAX) == 0)
        return 0;
    return rc;
}

static int run(struct portcam *pc, struct pc_plan *plan, struct portcam_report *report)
{
    int rc = pc_read_bases(pc, plan, report);
    if (rc == 0)
        rc = pc_state_write_next(pc->state_dir, plan, report);
    if (rc)
        return rc;
    rc = commit(pc, plan, report);
    if (rc) {
        if (!pc->unknown)
            pc_state_drop_next(pc->state_dir);
        return rc;
    }
    /* The rows are in the card: a state file that cannot be renamed is a message, not a failure. */
    (void)pc_state_adopt_next(pc->state_dir, report);
    return 0;
}

/* The plan runs: its rows are the card's. */
static int take_plan(struct portcam *pc, struct pc_plan *plan)
{
    for (unsigned t = 0; t < PORTCAM_TABLE_MAX; t++)
        memcpy(pc->card->table[t], plan->image->table[t],
               plan->image->rows[t] * sizeof(struct pc_image_row));
    pc_plan_free(pc->plan);
    pc->plan = plan;
    pc->foreign = false;
    pc_tables_free(pc->model);
    pc->model = NULL;
    if (pc_slow_path_follow(pc))
        pc_log(pc, PORTCAM_SEVERITY_WARNING,
               "out of memory: the slow path goes on with the rows of before");
    return 0;
}

/* Ends (or only counts) connections that the plan has no place for. The rows are what was asked for: that some connections
 * stay until their timeout is a message, not a failure. */
static uint64_t end_connections(struct portcam *pc, const struct pc_plan *plan, bool end,
                                struct portcam_report *report)
{
    struct portcam_report *found = portcam_report_new();
    struct portcam_message message;
    uint64_t count = 0;

    if (pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL && pc_may_lose(pc, plan))
        (void)pc_end_lost(pc, plan, end, found, &count);
    for (size_t i = 0; found && portcam_report_get(found, i, &message) == 0; i++)
        pc_report_warn(report, NULL, 0, "%s; some stay until their timeout", message.text);
    portcam_report_free(found);
    return count;
}

int pc_apply(struct portcam *pc, struct portcam_config *config, json_t *names, bool dry_run,
             struct portcam_report *report, json_t **diff)
{
    struct pc_plan *plan = NULL;
    json_t *changes = NULL;
    uint64_t ended = 0;
    int rc = pc->unknown ? pc_read_back(pc, report) : 0;

    if (rc == 0)
        rc = make_plan(pc, config, names, report, &plan);
    if (rc)
        return rc;
    if (diff) {
        changes = difference(pc, plan);
        rc = changes ? 0 : -ENOMEM;
    }
    if (rc == 0 && !dry_run)
        rc = run(pc, plan, report);
    if (rc == 0 && (!dry_run || diff))
        ended = end_connections(pc, plan, !dry_run, report);
    if (rc == 0 && diff && json_object_set_new(changes, "ended", json_integer((json_int_t)ended)) &&
        dry_run)
        rc = -ENOMEM;
    if (rc == 0 && !dry_run)
        rc = take_plan(pc, plan);
    else
        pc_plan_free(plan);
    if (rc) {
        json_decref(changes);
        return rc;
    }
    if (diff)
        *diff = changes;
    return 0;
}

static int apply(struct portcam *pc, const struct portcam_config *config, bool dry_run,
                 struct portcam_report *report, json_t **diff)
{
    json_t *names = pc_plan_names(pc->plan);
    int rc = names ? pc_reserve(pc, names, report) : -ENOMEM;
    /* Only the count of references of a configuration ever changes. */
    if (rc == 0)
        rc = pc_apply(pc, (struct portcam_config *)(uintptr_t)config, names, dry_run, report, diff);
    json_decref(names);
    return rc;
}

int portcam_config_check(struct portcam *pc, const struct portcam_config *config,
                         struct portcam_report *report)
{
    return apply(pc, config, true, report, NULL);
}

int portcam_config_diff(struct portcam *pc, const struct portcam_config *config,
                        struct portcam_report *report, struct json_t **ret)
{
    return apply(pc, config, true, report, ret);
}

int portcam_config_apply(struct portcam *pc, const struct portcam_config *config,
                         struct portcam_report *report, struct json_t **ret)
{
    return apply(pc, config, false, report, ret);
}

int portcam_config_running(struct portcam *pc, struct json_t **ret)
{
    return portcam_config_json(pc->plan->config, ret);
}
