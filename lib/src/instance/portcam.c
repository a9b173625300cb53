// SPDX-License-Identifier: Apache-2.0
/*
 * Opening a card and finding out what runs on it. The card is asked, not believed to be empty: the state directory says
 * what should run, the rows say what does, and packets are never interrupted to make the two agree.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "connections/saved.h"
#include "driver/err.h"
#include "instance.h"
#include "portcam/mirror.h"
#include "portcam/slow_path.h"
#include "portcam/trace.h"
#include "state.h"

void pc_log(struct portcam *pc, enum portcam_severity severity, const char *format, ...)
{
    char line[512];
    va_list args;

    if (!pc->log)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    pc->log(pc->log_ctx, severity, line);
}

uint32_t pc_new_seed(const struct portcam *pc, unsigned attempt)
{
    uint32_t seed = 0;
    if (pc->wanted_seed)
        return pc->wanted_seed + attempt * 2654435761u;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        seed = 0;
    return seed ? seed : 0x9e3779b9u + attempt;
}

int pc_read_back(struct portcam *pc, struct portcam_report *report)
{
    struct pc_image *image = pc_image_new(pc_hw_caps(pc->hw));
    if (!image)
        return -ENOMEM;
    int rc = pc_hw_read_image(pc->hw, image);
    if (rc) {
        pc_image_free(image);
        pc_report_add(report, pc_hw_code(rc), "the card's tables cannot be read: %s",
                      pc_hw_error());
        return rc;
    }
    pc_image_free(pc->card);
    pc->card = image;
    pc->unknown = false;
    return 0;
}

static size_t rows_in_use(const struct pc_image *image)
{
    size_t count = 0;
    for (unsigned t = 0; t < PORTCAM_TABLE_MAX; t++)
        count += pc_image_count(image, t);
    return count;
}

static bool has_endpoints(const struct pc_image *image)
{
    return pc_image_count(image, PORTCAM_TABLE_ENDPOINT) ||
           pc_image_count(image, PORTCAM_TABLE_ENDPOINT_ANY_PORT) ||
           pc_image_count(image, PORTCAM_TABLE_ENDPOINT_ANY);
}

/* The secret of the connection hash, eight words: random, or from the seed of the options. */
static int set_secret(struct portcam *pc)
{
    uint32_t secret[8];
    uint64_t state = pc->wanted_seed;
    int rc = 0;

    if (!(pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL))
        return 0;
    if (pc->wanted_seed == 0 && getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
        return pc_fail(-EIO, "there are no random numbers: %s", strerror(errno));
    for (unsigned i = 0; rc == 0 && i < 8; i++) {
        if (pc->wanted_seed) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            secret[i] = (uint32_t)(state >> 32);
        }
        rc = pc_hw_set_register(pc->hw, PORTCAM_REG_SECRET_0 + 4 * i, secret[i]);
    }
    return rc;
}

/* Reads the seed; a card without seed and endpoints gets one, and before it the secret: so a seed tells that both are there. */
int pc_take_seed(struct portcam *pc, struct portcam_report *report)
{
    int rc = pc_hw_register(pc->hw, PORTCAM_REG_HASH_SEED, &pc->seed);
    if (rc == 0 && pc->seed == 0 && !has_endpoints(pc->card)) {
        uint32_t seed = pc_new_seed(pc, 0);
        rc = set_secret(pc);
        if (rc == 0)
            rc = pc_hw_set_register(pc->hw, PORTCAM_REG_HASH_SEED, seed);
        if (rc == 0)
            pc->seed = seed;
    }
    if (rc)
        pc_report_add(report, pc_hw_code(rc), "the card's hash seed: %s", pc_hw_error());
    return rc;
}

/* Slot tables as they are in the card, where the plan has its own in the same places. */
static void keep_slots(const struct pc_image *card, struct pc_plan *plan)
{
    for (uint32_t row = 0; row < card->rows[PORTCAM_TABLE_SCHEDULE]; row++) {
        struct pc_image_row *to = &plan->image->table[PORTCAM_TABLE_SCHEDULE][row];
        const struct pc_image_row *from = &card->table[PORTCAM_TABLE_SCHEDULE][row];
        if (to->valid && from->valid)
            memcpy(to->data, from->data, sizeof(to->data));
    }
}

/* The plan of a configuration, if its rows are exactly those in the card; `made_up`: its names are, and slot tables follow
 * from names. */
static int match(struct portcam *pc, struct portcam_config *config, json_t *names, bool made_up,
                 struct pc_plan **ret)
{
    struct portcam_report *quiet = portcam_report_new();
    struct pc_plan *plan = NULL;
    int rc = quiet
                 ? pc_plan_make(config, pc_hw_caps(pc->hw), pc->seed, names, pc->card, quiet, &plan)
                 : -ENOMEM;

    portcam_report_free(quiet);
    if (rc)
        return rc;
    if (made_up)
        keep_slots(pc->card, plan);
    if (pc_image_differences(pc->card, plan->image, PORTCAM_TABLE_MAX)) {
        pc_plan_free(plan);
        return -ENOENT;
    }
    *ret = plan;
    return 0;
}

static int start_empty(struct portcam *pc)
{
    static const char text[] = "{\"format\": 1}";
    struct portcam_config *config = NULL;
    struct portcam_report *quiet = portcam_report_new();

    int rc = portcam_config_parse(text, sizeof(text) - 1, NULL, quiet, &config);
    if (rc == 0)
        rc = pc_plan_make(config, pc_hw_caps(pc->hw), pc->seed, NULL, NULL, quiet, &pc->plan);
    portcam_config_free(config);
    portcam_report_free(quiet);
    return rc;
}

/* There are rows, and no state says where they come from. */
static int take_foreign(struct portcam *pc)
{
    struct portcam_config *config = NULL;
    json_t *names = NULL;
    struct pc_plan *plan = NULL;

    int rc = pc_decompile(pc->card, &config, &names);
    if (rc == 0)
        rc = match(pc, config, names, true, &plan);
    portcam_config_free(config);
    json_decref(names);
    if (rc == -ENOMEM)
        return rc;
    if (rc) {
        pc->foreign = true;
        pc_log(pc, PORTCAM_SEVERITY_WARNING,
               "the card has %zu %s that no configuration makes; it stays so until one is applied",
               PC_COUNTED(rows_in_use(pc->card), "row"));
        return 0;
    }
    pc_plan_free(pc->plan);
    pc->plan = plan;
    pc_log(pc, PORTCAM_SEVERITY_WARNING,
           "the card runs a configuration that is not known here; its names are made up from its "
           "%zu %s",
           PC_COUNTED(rows_in_use(pc->card), "row"));
    return 0;
}

static int restore(struct portcam *pc, const struct pc_state *state, struct portcam_report *report)
{
    bool empty = rows_in_use(pc->card) == 0;
    if (empty) {
        pc_clear_bases(state->names);
        pc_finish_reset(pc);
    }
    int rc = pc_apply(pc, state->config, state->names, false, report, NULL);
    if (rc)
        return rc;
    if (empty) {
        pc_log(pc, PORTCAM_SEVERITY_INFO,
               "the card's tables were empty; the kept configuration was applied again");
    } else {
        pc_log(pc, PORTCAM_SEVERITY_WARNING,
               "the card's rows were not those of the kept configuration; they were made equal");
    }
    return 0;
}

int pc_take_over(struct portcam *pc, struct portcam_report *report)
{
    struct pc_state current = {0}, next = {0};
    struct pc_plan *plan = NULL;
    int has_current = pc_state_read(pc->state_dir, PC_STATE_CURRENT, report, &current);
    int rc = -ENOENT;

    if (has_current && has_current != -ENOENT)
        return has_current;
    struct pc_image *before = pc_image_copy(pc->card);
    if (!before) {
        pc_state_free(&current);
        return -ENOMEM;
    }
    int has_next = pc_state_read(pc->state_dir, PC_STATE_NEXT, NULL, &next);
    /* A change that draws another seed is in next.json; any other seed is that of a card that was reset. */
    bool was_reset = current.seed != pc->seed && next.seed != pc->seed;
    if (was_reset && has_current == 0)
        pc_clear_bases(current.names);
    if (was_reset && has_next == 0)
        pc_clear_bases(next.names);
    if (has_current == 0)
        rc = match(pc, current.config, current.names, false, &plan);
    if (rc && rc != -ENOMEM && has_next == 0) {
        rc = match(pc, next.config, next.names, false, &plan);
        if (rc == 0)
            rc = pc_state_adopt_next(pc->state_dir, report);
    }
    if (rc == 0) {
        pc_plan_free(pc->plan);
        pc->plan = plan;
    } else {
        pc_plan_free(plan);
        if (rc != -ENOMEM && has_current == 0)
            rc = restore(pc, &current, report);
        else if (rc != -ENOMEM)
            rc = rows_in_use(pc->card) ? take_foreign(pc) : 0;
    }
    if (rc == 0) {
        pc_state_drop_next(pc->state_dir);
        pc_saved_forget(pc->state_dir);
        rc = pc_check_bases(pc, report);
    }
    if (rc == 0 && !pc->foreign)
        rc = pc_end_stale(pc, before, report);
    pc_image_free(before);
    pc_state_free(&current);
    pc_state_free(&next);
    return rc;
}

static int copy_opts(const struct portcam_opts *opts, struct portcam_opts *ret,
                     struct portcam_report *report)
{
    memset(ret, 0, sizeof(*ret));
    if (opts) {
        const unsigned char *bytes = (const unsigned char *)opts;
        for (size_t i = sizeof(*ret); i < opts->sz; i++) {
            if (bytes[i]) {
                pc_report_add(report, "usage", "an option is newer than this library; update it");
                return -E2BIG;
            }
        }
        memcpy(ret, opts, opts->sz < sizeof(*ret) ? opts->sz : sizeof(*ret));
    }
    if (!ret->device)
        ret->device = "model:";
    return 0;
}

int portcam_open(const struct portcam_opts *opts, struct portcam_report *report,
                 struct portcam **ret)
{
    struct portcam_opts o;
    int rc = copy_opts(opts, &o, report);
    struct portcam *pc = rc ? NULL : calloc(1, sizeof(*pc));

    if (!pc)
        return rc ? rc : -ENOMEM;
    pc->log = o.log;
    pc->log_ctx = o.log_ctx;
    pc->wanted_seed = o.hash_seed;
    pc->state_lock = -1;
    if (o.state_dir) {
        pc->state_dir = strdup(o.state_dir);
        rc = pc->state_dir ? pc_state_lock(o.state_dir, report, &pc->state_lock) : -ENOMEM;
    }
    if (rc == 0)
        rc = pc_hw_open(o.device, o.log, o.log_ctx, report, &pc->hw);
    if (rc == 0)
        rc = pc_read_back(pc, report);
    if (rc == 0)
        rc = pc_take_seed(pc, report);
    if (rc == 0)
        rc = start_empty(pc);
    if (rc == 0)
        rc = pc_take_over(pc, report);
    if (rc == 0) /* whoever was here before may have died in a reset */
        rc = pc_hw_set_register(pc->hw, PORTCAM_REG_HOLD, 0);
    if (rc) {
        portcam_close(pc);
        return rc;
    }
    *ret = pc;
    return 0;
}

void portcam_close(struct portcam *pc)
{
    if (!pc)
        return;
    portcam_trace_close(pc->trace);
    portcam_slow_path_close(pc->slow_path);
    portcam_mirror_close(pc->mirror);
    if (pc->hw)
        pc_keep_records(pc);
    pc_hw_close(pc->hw);
    pc_plan_free(pc->plan);
    pc_image_free(pc->card);
    pc_tables_free(pc->model);
    free(pc->measured);
    if (pc->state_lock >= 0)
        close(pc->state_lock);
    free(pc->state_dir);
    free(pc);
}

const struct portcam_caps *portcam_get_caps(const struct portcam *pc)
{
    return pc_hw_caps(pc->hw);
}

unsigned portcam_poll_fds(const struct portcam *pc, int *fds, unsigned max)
{
    return pc_hw_poll_fds(pc->hw, fds, max);
}
