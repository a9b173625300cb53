// SPDX-License-Identifier: Apache-2.0
/*
 * The connections of the card in the worker's thread: it follows their mirror, makes a line of each change for every client
 * that chose it, and compares a part of the mirror with the card now and then.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "portcam/dev.h"
#include "portcam/mirror.h"
#include "portcamd.h"

enum { AUDIT_BLOCKS = 4 /* a look */ };

struct follower {
    uint64_t client;
    struct portcam_watch *watch;
    struct lines lines;
    struct follower *next;
};

struct follow {
    struct portcam *pc;
    struct portcam_mirror *mirror; /* NULL: the card has none */
    struct follower *followers;
    uint32_t audit_at; /* block */
    bool failed;       /* it was told */
};

/* ---- lines ---- */

static char *line_of(const struct portcam *pc, const struct portcam_mirror_change *change)
{
    json_t *value = portcam_mirror_change_json(pc, change);
    char *line = NULL;

    if (value && json_object_set_new(value, "format", json_integer(PORTCAM_FORMAT)) == 0 &&
        json_object_set_new(value, "time", json_integer((json_int_t)time(NULL))) == 0)
        line = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    return line;
}

static void on_change(void *ctx, const struct portcam_mirror_change *change)
{
    const struct follow *f = ctx;
    char *line = NULL;

    for (struct follower *to = f->followers; to; to = to->next) {
        if (!portcam_watch_fits(to->watch, change))
            continue;
        if (!line)
            line = line_of(f->pc, change);
        if (line)
            lines_add(&to->lines, line, strlen(line));
    }
    free(line);
}

char *follow_lines(struct follow *f, uint64_t *client)
{
    for (struct follower *from = f->followers; from; from = from->next) {
        char *lines = lines_take(&from->lines);
        *client = from->client;
        if (lines)
            return lines;
    }
    return NULL;
}

/* ---- followers ---- */

int follow_add(struct follow *f, uint64_t client, struct portcam_watch *watch)
{
    struct follower *one = calloc(1, sizeof(*one));

    if (!one) {
        portcam_watch_free(watch);
        return -ENOMEM;
    }
    follow_forget(f, client); /* what it chose before */
    one->client = client;
    one->watch = watch;
    one->next = f->followers;
    f->followers = one;
    return 0;
}

static void release(struct follower *one)
{
    portcam_watch_free(one->watch);
    free(lines_take(&one->lines));
    free(one);
}

void follow_forget(struct follow *f, uint64_t client)
{
    struct follower **at = &f->followers;

    while (*at && (*at)->client != client)
        at = &(*at)->next;
    if (*at) {
        struct follower *one = *at;
        *at = one->next;
        release(one);
    }
}

/* ---- the mirror ---- */

static void failed(struct follow *f, struct portcam_report *report)
{
    struct portcam_message message;

    for (size_t i = 0; !f->failed && portcam_report_get(report, i, &message) == 0; i++)
        daemon_log("%s", message.text);
    f->failed = true;
}

struct follow *follow_new(struct portcam *pc)
{
    struct follow *f = calloc(1, sizeof(*f));
    struct portcam_report *report = portcam_report_new();
    struct portcam_mirror_opts opts = {.sz = sizeof(opts), .changed = on_change, .ctx = f};

    if (f) {
        f->pc = pc;
        int rc = portcam_mirror_open(pc, &opts, report, &f->mirror);
        if (rc && rc != -EOPNOTSUPP)
            failed(f, report);
    }
    portcam_report_free(report);
    return f;
}

void follow_free(struct follow *f)
{
    if (!f)
        return;
    portcam_mirror_close(f->mirror);
    while (f->followers) {
        struct follower *one = f->followers;
        f->followers = one->next;
        release(one);
    }
    free(f);
}

bool follow_run(struct follow *f)
{
    bool more = false;

    if (!f->mirror || f->failed)
        return false;
    int fd = portcam_mirror_fd(f->mirror);
    int rc = fd >= 0 ? portcam_irq_drain(fd, NULL) : 0;
    if (rc == 0)
        rc = portcam_mirror_run(f->mirror, 0, &more);
    if (rc == 0 && !more)
        rc = portcam_mirror_arm(f->mirror, &more);
    if (rc) {
        daemon_log("connections: %s", portcam_dev_error());
        f->failed = true;
    }
    return rc == 0 && more;
}

static void audit(struct follow *f)
{
    struct portcam_mirror_audit found;

    if (portcam_mirror_audit(f->mirror, f->audit_at, AUDIT_BLOCKS, &found))
        return; /* a card that fails is found by the next poll */
    if (found.different)
        daemon_log("the mirror of the connections was wrong in %u of %u blocks; what was wrong is "
                   "copied again",
                   found.different, found.blocks);
    f->audit_at += AUDIT_BLOCKS;
    if (f->audit_at >= portcam_mirror_blocks(f->mirror))
        f->audit_at = 0;
}

void follow_check(struct follow *f)
{
    if (!f->mirror)
        return;
    if (f->failed) {
        struct portcam_report *report = portcam_report_new();
        if (portcam_mirror_restart(f->mirror, report) == 0) {
            daemon_log("the connections are mirrored again");
            f->failed = false;
        }
        portcam_report_free(report);
    } else {
        audit(f);
    }
    (void)follow_run(
        f); /* also where nothing wakes us, or a reset of the card forgot that it should */
}
