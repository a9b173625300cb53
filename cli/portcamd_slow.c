// SPDX-License-Identifier: Apache-2.0
/* The thread of the slow path: packets that the card hands over are decided and sent on here, beside the worker's requests. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "portcam/dev.h"
#include "portcam/slow_path.h"
#include "portcamd.h"

enum { TURN_MS = 200, GRACE_SECONDS = 2 /* at the end, for a card that does not answer */ };

struct slow {
    pthread_t thread;
    struct portcam_slow_path *path;
    bool stop; /* atomic */
};

static void *work(void *ctx)
{
    struct slow *s = ctx;
    bool good = true;

    while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
        int rc = portcam_slow_path_run(s->path, TURN_MS);
        if (rc == -ENODEV)
            break; /* the worker tells of that */
        if (rc && good)
            daemon_log("slow path: %s", portcam_dev_error());
        good = rc == 0;
    }
    return NULL;
}

int slow_start(struct portcam *pc, struct slow **ret)
{
    struct portcam_report *report = portcam_report_new();
    struct slow *s = calloc(1, sizeof(*s));
    struct portcam_message message;
    int rc = s && report ? portcam_slow_path_open(pc, report, &s->path) : -ENOMEM;

    if (rc == 0)
        rc = -pthread_create(&s->thread, NULL, work, s);
    if (rc && rc != -EOPNOTSUPP)
        daemon_log("packets that the card hands over are not taken: %s",
                   report && portcam_report_get(report, 0, &message) == 0 ? message.text
                                                                          : strerror(-rc));
    portcam_report_free(report);
    if (rc) {
        if (s)
            portcam_slow_path_close(s->path);
        free(s);
        s = NULL;
    }
    *ret = s;
    return rc == -ENOMEM ? rc : 0;
}

bool slow_stop(struct slow *s)
{
    struct timespec until;

    if (!s)
        return true;
    __atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += GRACE_SECONDS;
    if (pthread_clockjoin_np(s->thread, NULL, CLOCK_MONOTONIC, &until))
        return false;
    free(s); /* the path is closed with the card */
    return true;
}
