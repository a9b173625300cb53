// SPDX-License-Identifier: Apache-2.0
/* The verbs of connections: those that there are, their mirror, and what goes on; see request.h. */
#include <errno.h>

#include "portcam/mirror.h"
#include "request_call.h"

/* A number of 32 bits; true when it is there. */
static bool take_number(const struct call *c, const char *key, uint32_t *ret, int *rc)
{
    const json_t *value = json_object_get(c->args, key);
    json_int_t number = json_integer_value(value);

    if (!value)
        return false;
    if (!json_is_integer(value) || number < 0 || number > UINT32_MAX)
        *rc = -EINVAL;
    *ret = (uint32_t)number;
    return true;
}

typedef int (*stretch_fn)(struct portcam *, json_t *, uint32_t, struct portcam_report *, json_t **);

static int stretch(struct call *c, stretch_fn call, json_t **ret)
{
    json_t *filter = json_object_get(c->args, "filter");
    uint32_t from = 0;
    int rc = 0;

    (void)take_number(c, "from", &from, &rc);
    json_t *empty = filter ? NULL : json_object();
    if (rc == 0)
        rc = call(c->pc, filter ? filter : empty, from, c->report, ret);
    json_decref(empty);
    return rc;
}

int pc_request_connection_list(struct call *c, json_t **ret)
{
    return stretch(c, portcam_connection_list, ret);
}

int pc_request_connection_count(struct call *c, json_t **ret)
{
    return stretch(c, portcam_connection_count, ret);
}

int pc_request_connection_flush(struct call *c, json_t **ret)
{
    const json_t *filter = json_object_get(c->args, "filter");

    if (json_object_size(filter) == 0 && !json_is_true(json_object_get(c->args, "all")))
        return -EINVAL;
    if (c->dry_run)
        return stretch(c, portcam_connection_list, ret);
    c->effect->touches = true;
    return stretch(c, portcam_connection_flush, ret);
}

static int connection_of(struct call *c, bool end, json_t **ret)
{
    uint32_t slot = 0, generation = 0;
    json_t *connection = NULL;
    int rc = 0;

    bool has_slot = take_number(c, "slot", &slot, &rc);
    bool has_generation = take_number(c, "generation", &generation, &rc);
    if (rc || !has_slot || (end && !has_generation))
        return -EINVAL;
    c->effect->touches = end;
    rc = end ? portcam_connection_delete(c->pc, slot, generation, c->report, &connection)
             : portcam_connection_show(c->pc, slot, has_generation ? &generation : NULL, c->report,
                                       &connection);
    if (rc == 0)
        *ret = json_pack("{s:o, s:b}", "connection", connection, "dry_run", (int)c->dry_run);
    return rc;
}

int pc_request_connection_show(struct call *c, json_t **ret)
{
    return connection_of(c, false, ret);
}

int pc_request_connection_delete(struct call *c, json_t **ret)
{
    return connection_of(c, !c->dry_run, ret);
}

/* ---- what goes on ---- */

/* With a filter: only connections that it chooses. */
int pc_request_monitor(struct call *c, json_t **ret)
{
    json_t *filter = json_object_get(c->args, "filter");
    bool mirrored = portcam_mirror_of(c->pc) != NULL;

    if (filter && !mirrored) {
        *ret = NULL;
        return portcam_mirror_status(c->pc, c->report, ret);
    }
    json_t *all = filter ? NULL : json_object();
    int rc = mirrored
                 ? portcam_watch_new(c->pc, filter ? filter : all, c->report, &c->effect->watch)
                 : 0;
    json_decref(all);
    if (rc)
        return rc;
    c->effect->monitor = !filter;
    *ret = json_pack("{s:s}", "event", "monitor");
    return 0;
}

int pc_request_mirror_status(struct call *c, json_t **ret)
{
    json_t *status = NULL;
    int rc = portcam_mirror_status(c->pc, c->report, &status);

    if (rc == 0)
        *ret = json_pack("{s:o}", "mirror", status);
    return rc;
}

int pc_request_mirror_audit(struct call *c, json_t **ret)
{
    struct portcam_mirror *mirror = portcam_mirror_of(c->pc);
    struct portcam_mirror_audit found = {0};

    if (!mirror)
        return portcam_mirror_status(c->pc, c->report, ret);
    int rc = portcam_mirror_audit(mirror, 0, portcam_mirror_blocks(mirror), &found);
    if (rc == 0)
        *ret =
            json_pack("{s:b, s:I, s:I, s:I, s:I}", "ok", (int)(found.different == 0), "blocks",
                      (json_int_t)found.blocks, "records", (json_int_t)found.records, "different",
                      (json_int_t)found.different, "unsettled", (json_int_t)found.unsettled);
    return rc;
}

int pc_request_mirror_share(struct call *c, json_t **ret)
{
    const struct portcam_mirror *mirror = portcam_mirror_of(c->pc);

    if (!mirror)
        return portcam_mirror_status(c->pc, c->report, ret);
    c->effect->share = portcam_mirror_share(mirror);
    *ret = json_pack("{s:I}", "slots", (json_int_t)portcam_mirror_slots(mirror));
    return 0;
}
