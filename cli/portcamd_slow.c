// SPDX-License-Identifier: Apache-2.0
/* The thread of the slow path: packets that the card hands over are decided and sent on here, beside the worker's requests. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "portcam/dev.h"
#include "portcam/slow_path.h"
#include "portcamd.h"

enum { TURN_MS = 200 };

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

void slow_stop(struct slow *s)
{
    if (!s)
        return;
    __atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
    pthread_join(s->thread, NULL);
    free(s); /* the path is closed with the card */
}
