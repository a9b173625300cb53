// SPDX-License-Identifier: Apache-2.0
/* A card that was reset, by this library or by others, gets back what it had: tables, connections, counters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/mirror.h>
#include <portcam/ring.h>

#include "connections/connections.h"
#include "connections/saved.h"

/* A card that was reset has no seed and no rows; one that has a seed was not reset as it should. */
static int look_again(struct portcam *pc, struct portcam_report *report)
{
    uint32_t seed = 0;

    if (pc_hw_register(pc->hw, PORTCAM_REG_HASH_SEED, &seed) || seed)
        return pc_read_back(pc, report);
    struct pc_image *image = pc_image_new(pc_hw_caps(pc->hw));
    if (!image)
        return -ENOMEM;
    pc_image_free(pc->card);
    pc->card = image;
    pc->unknown = false;
    return 0;
}

static void put_records_back(struct portcam *pc, const struct pc_saved *records)
{
    unsigned status = PORTCAM_STATUS_OK;
    size_t made = 0;

    if (records->count == 0)
        return;
    int rc = pc_saved_restore(pc, records, &made, &status);
    if (rc)
        pc_log(pc, PORTCAM_SEVERITY_WARNING, "of %zu %s %zu could be put into the card again: %s",
               PC_COUNTED(records->count, "connection"), made, pc_hw_error());
    else if (made < records->count)
        pc_log(pc, PORTCAM_SEVERITY_WARNING, "of %zu %s the card took %zu again: %s",
               PC_COUNTED(records->count, "connection"), made, portcam_status_text(status));
    else
        pc_log(pc, PORTCAM_SEVERITY_INFO, "%zu %s in the card again", made,
               made == 1 ? "connection is" : "connections are");
}

/* Packets wait while the card is empty: one that passed unchanged would tell a client or a server that its connection is not
 * known. The card ends that by itself, should this program not live to do so. */
static void hold(struct portcam *pc, bool yes)
{
    enum { LONGEST_MS = 5000 };
    (void)pc_hw_set_register(pc->hw, PORTCAM_REG_HOLD, yes ? LONGEST_MS : 0);
}

/*
 * Everything into an empty card again. Records first: once the services are there, a packet that finds none would be
 * refused.
 */
static int put_back(struct portcam *pc, const struct pc_saved *records, bool counters,
                    struct portcam_report *report)
{
    hold(pc, true); /* from here on again: a slow card takes seconds */
    int rc = look_again(pc, report);

    if (rc == 0)
        rc = pc_take_seed(pc, report);
    if (rc)
        return rc;
    put_records_back(pc, records);
    if (counters)
        (void)pc_turn_bases(pc, false);
    else
        pc_forget_bases(pc->plan);
    json_t *names = pc_plan_names(pc->plan);
    struct portcam_config *config = pc_config_share(pc->plan->config);
    rc = names ? pc_reserve(pc, names, report) : -ENOMEM;
    if (rc == 0)
        rc = pc_apply(pc, config, names, false, report, NULL);
    portcam_config_free(config);
    json_decref(names);
    if (rc == 0 && pc->mirror)
        rc = portcam_mirror_restart(pc->mirror, report);
    return rc;
}

/* What is to be put back: read from the card as long as it answers; what the mirror knows behind that. */
static void take_records(struct portcam *pc, struct pc_saved *records)
{
    int rc = 0;

    if (!(pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL) || pc->foreign)
        return;
    rc = pc_saved_read(pc, records);
    if (rc)
        pc_log(pc, PORTCAM_SEVERITY_WARNING, "the card's connections cannot be read: %s",
               pc_hw_error());
}

int portcam_reset(struct portcam *pc, struct portcam_report *report)
{
    struct pc_saved records = {0};
    bool counters = pc_turn_bases(pc, true) == 0;

    hold(pc, true); /* what is read now is the last word */
    take_records(pc, &records);
    if (pc->mirror && portcam_mirror_stop(pc->mirror) == 0)
        (void)pc_saved_merge(pc, &records);
    if (pc_saved_write(pc->state_dir, &records))
        pc_log(pc, PORTCAM_SEVERITY_WARNING,
               "connections cannot be kept in %s: they are lost if this program ends now",
               pc->state_dir);
    int rc = pc_hw_reset(pc->hw);
    if (rc) {
        pc_report_add(report, rc == -EOPNOTSUPP ? "unsupported" : pc_hw_code(rc),
                      "the card cannot be reset: %s", pc_hw_error());
        pc->unknown = true;
        if (counters)
            (void)pc_turn_bases(pc, false);
    } else {
        rc = put_back(pc, &records, counters, report);
    }
    hold(pc, false);
    if (rc == 0)
        pc_saved_forget(pc->state_dir);
    pc_saved_free(&records);
    return rc;
}

void pc_keep_records(struct portcam *pc)
{
    struct pc_saved records = {0};

    if (!pc->state_dir || !pc->plan || strcmp(pc_hw_transport(pc->hw), "vfio-user") == 0 ||
        pc_hw_alive(pc->hw))
        return;
    take_records(pc, &records);
    if (pc_saved_write(pc->state_dir, &records))
        pc_log(pc, PORTCAM_SEVERITY_WARNING, "connections cannot be kept in %s: they are lost",
               pc->state_dir);
    pc_saved_free(&records);
}

void pc_finish_reset(struct portcam *pc)
{
    struct pc_saved records = {0};

    if (pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_STATEFUL &&
        pc_saved_load(pc->state_dir, &records) == 0)
        put_records_back(pc, &records);
    pc_saved_free(&records);
}

/* Somebody else reset the card: it has lost its seed. What it showed is gone; the mirror still has the records. */
static int recover(struct portcam *pc)
{
    struct portcam_report *report = portcam_report_new();
    struct pc_saved records = {0};
    struct portcam_message message;

    pc_log(pc, PORTCAM_SEVERITY_WARNING,
           "the card was reset without this library; tables and connections are put back");
    hold(pc, true);
    pc_hw_was_reset(pc->hw);
    if (pc->mirror) {
        (void)portcam_mirror_stop(pc->mirror);
        (void)pc_hw_register(pc->hw, PORTCAM_REG_TIME_MS, &records.now);
        (void)pc_saved_merge(pc, &records);
    }
    int rc = report ? put_back(pc, &records, false, report) : -ENOMEM;
    hold(pc, false);
    for (size_t i = 0; report && portcam_report_get(report, i, &message) == 0; i++)
        pc_log(pc, PORTCAM_SEVERITY_ERROR, "%s", message.text);
    portcam_report_free(report);
    pc_saved_free(&records);
    return rc;
}

int portcam_poll(struct portcam *pc)
{
    uint32_t seed = 0;
    int rc = pc_hw_alive(pc->hw);

    if (rc == 0 && pc->seed && pc_hw_register(pc->hw, PORTCAM_REG_HASH_SEED, &seed) == 0 &&
        seed == 0)
        (void)recover(pc); /* a card that fails is found by the next poll */
    return rc;
}
