// SPDX-License-Identifier: Apache-2.0
/* The thread that owns the card; see portcamd.h. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "portcamd.h"
#include "request.h"

enum {
    GRACE_SECONDS = 2, /* at the end, for a request that only reads */
    TUNE_SECONDS = 10,
    TRACE_MS = 20, /* between two looks at the samples of a trace */
};

enum job_kind { JOB_REQUEST, JOB_POLL, JOB_TICK, JOB_FOLLOW, JOB_FORGET };

struct job {
    enum job_kind kind;
    uint64_t client;
    char who[PEER_WHO];
    char *text;
    size_t len;
    struct job *next;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    struct job *jobs, **jobs_end;
    struct result *results, **results_end;
    bool stop;
    int fd;
    struct portcam *pc; /* of the thread alone, as what follows */
    struct follow *follow;
    struct tracer *tracer;
    bool traces_more;        /* samples are there already */
    int state;               /* last result of portcam_poll() */
    time_t tuned;            /* when portcam_tune() was last called */
    struct pc_effect effect; /* of the request in work */
};

static void job_free(struct job *job)
{
    if (!job)
        return;
    free(job->text);
    free(job);
}

void result_free(struct result *result)
{
    if (!result)
        return;
    free(result->answer);
    free(result->event);
    free(result->lines);
    free(result);
}

static char *event_text(const char *event, const char *text, json_t *objects)
{
    json_t *value = json_pack("{s:i, s:I, s:s, s:s}", "format", PORTCAM_FORMAT, "time",
                              (json_int_t)time(NULL), "event", event, "text", text);
    if (value && objects)
        json_object_set(value, "objects", objects);
    char *line = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    return line;
}

static void do_request(struct worker *w, const struct job *job, struct result *result)
{
    struct pc_effect *effect = &w->effect;

    result->answer = pc_request_text(w->pc, job->text, job->len, job->who, effect);
    result->monitor = effect->monitor;
    result->share = effect->share;
    if (effect->changed) {
        result->event = event_text("config", "the configuration changed", effect->objects);
        json_decref(effect->objects);
    } else if (effect->reset) {
        result->event = event_text("reset", "the card was reset", NULL);
        (void)follow_run(w->follow); /* it forgot to wake us */
    }
    if (effect->watch)
        result->follows = follow_add(w->follow, job->client, effect->watch) == 0;
    if (effect->trace) {
        tracer_start(w->tracer, job->client, effect->trace, effect->trace_most);
        result->follows = true;
    }
    if (effect->untrace)
        tracer_end(w->tracer, job->client);
}

/* Services of scheduler fast follow the response times of their servers. */
static void tune(struct worker *w)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - w->tuned < TUNE_SECONDS)
        return;
    w->tuned = now.tv_sec;
    w->effect.touches = true;
    (void)portcam_tune(w->pc, NULL, NULL); /* a card that fails is found by the next poll */
    w->effect.touches = false;
}

/* An event when the card's state is another than the last time. */
static void do_poll(struct worker *w, bool tick, struct result *result)
{
    int state = portcam_poll(w->pc);
    result->polled = true;
    if (state == 0 && tick) {
        tune(w);
        follow_check(w->follow);
    }
    if (state == w->state)
        return;
    w->state = state;
    switch (state) {
    case 0:
        result->event = event_text("device", "the card answers again", NULL);
        break;
    case -EIO:
        result->event = event_text("device", "the card reported a bus error", NULL);
        break;
    default:
        result->fatal = state;
        result->event = event_text(
            "device", state == -ESTALE ? "the kernel wants the card back" : "the card is gone",
            NULL);
        break;
    }
}

static void push_result(struct worker *w, struct result *result)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&w->lock);
    *w->results_end = result;
    w->results_end = &result->next;
    pthread_mutex_unlock(&w->lock);
    while (write(w->fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static struct timespec next_trace(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += TRACE_MS * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* False: the end. *ret NULL: nothing is to be done but the trace. */
static bool next_job(struct worker *w, struct job **ret)
{
    struct timespec until = next_trace();
    bool traces = tracer_runs(w->tracer);
    struct job *job = NULL;
    int rc = w->traces_more ? ETIMEDOUT : 0;

    pthread_mutex_lock(&w->lock);
    while (!w->jobs && !w->stop && rc != ETIMEDOUT)
        rc = traces ? pthread_cond_timedwait(&w->wake, &w->lock, &until)
                    : pthread_cond_wait(&w->wake, &w->lock);
    bool on = !w->stop;
    if (on && w->jobs) {
        job = w->jobs;
        w->jobs = job->next;
        if (!w->jobs)
            w->jobs_end = &w->jobs;
    }
    pthread_mutex_unlock(&w->lock);
    *ret = job;
    return on;
}

static struct result *new_result(uint64_t client)
{
    struct result *result = calloc(1, sizeof(*result));

    if (result) {
        result->client = client;
        result->share = -1;
    }
    return result;
}

/* What changed while the job was done, for each client that wants to know. */
static void push_lines(struct worker *w)
{
    uint64_t client = 0;
    char *lines;

    while ((lines = follow_lines(w->follow, &client)) ||
           (lines = tracer_lines(w->tracer, &client))) {
        struct result *result = new_result(client);
        if (result) {
            result->lines = lines;
            push_result(w, result);
        } else {
            free(lines);
        }
    }
}

/* In turn with other jobs, while there is more. */
static void do_follow(struct worker *w, struct result *result)
{
    result->followed = !follow_run(w->follow) || !worker_follow(w);
}

static void forget(struct worker *w, uint64_t client)
{
    follow_forget(w->follow, client);
    tracer_forget(w->tracer, client);
}

static void do_job(struct worker *w, const struct job *job)
{
    struct result *result = job->kind == JOB_FORGET ? NULL : new_result(job->client);

    if (job->kind == JOB_FORGET)
        forget(w, job->client);
    if (!result)
        return;
    if (job->kind == JOB_REQUEST)
        do_request(w, job, result);
    else if (job->kind == JOB_FOLLOW)
        do_follow(w, result);
    else
        do_poll(w, job->kind == JOB_TICK, result);
    push_result(w, result);
}

static void *work(void *ctx)
{
    struct worker *w = ctx;
    struct job *job;

    while (next_job(w, &job)) {
        if (job)
            do_job(w, job);
        job_free(job);
        w->traces_more = tracer_runs(w->tracer) && tracer_run(w->tracer);
        push_lines(w);
    }
    return NULL;
}

static void worker_free(struct worker *w)
{
    follow_free(w->follow);
    tracer_free(w->tracer);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}

/* Its time limits are of the clock that does not jump. */
static void init_wake(struct worker *w)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int worker_start(struct portcam *pc, struct worker **ret)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->pc = pc;
    w->jobs_end = &w->jobs;
    w->results_end = &w->results;
    w->follow = follow_new(pc);
    w->tracer = tracer_new();
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->fd < 0 || !w->follow || !w->tracer) {
        int failed = w->fd < 0 ? -errno : -ENOMEM;
        worker_free(w);
        return failed;
    }
    pthread_mutex_init(&w->lock, NULL);
    init_wake(w);
    int rc = pthread_create(&w->thread, NULL, work, w);
    if (rc) {
        worker_free(w);
        return -rc;
    }
    *ret = w;
    return 0;
}

/* Waits for the thread: some seconds, but as long as it takes while the card is being changed. */
static bool ended(struct worker *w)
{
    struct timespec until;
    int rc;

    clock_gettime(CLOCK_MONOTONIC, &until);
    do {
        until.tv_sec += GRACE_SECONDS;
        rc = pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &until);
    } while (rc == ETIMEDOUT && w->effect.touches);
    return rc == 0;
}

struct portcam *worker_stop(struct worker *w)
{
    struct portcam *pc = w->pc;

    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    if (!ended(w))
        return NULL;
    while (w->jobs) {
        struct job *job = w->jobs;
        w->jobs = job->next;
        job_free(job);
    }
    while (w->results) {
        struct result *result = w->results;
        w->results = result->next;
        result_free(result);
    }
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    worker_free(w);
    return pc;
}

int worker_fd(const struct worker *w)
{
    return w->fd;
}

static bool push_job(struct worker *w, enum job_kind kind, uint64_t client, const char *who,
                     char *text, size_t len)
{
    struct job *job = calloc(1, sizeof(*job));
    if (!job) {
        free(text);
        return false;
    }
    job->kind = kind;
    job->client = client;
    snprintf(job->who, sizeof(job->who), "%s", who ? who : "");
    job->text = text;
    job->len = len;
    pthread_mutex_lock(&w->lock);
    *w->jobs_end = job;
    w->jobs_end = &job->next;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return true;
}

bool worker_request(struct worker *w, uint64_t client, const char *who, char *text, size_t len)
{
    return push_job(w, JOB_REQUEST, client, who, text, len);
}

bool worker_poll(struct worker *w, bool tick)
{
    return push_job(w, tick ? JOB_TICK : JOB_POLL, 0, NULL, NULL, 0);
}

bool worker_follow(struct worker *w)
{
    return push_job(w, JOB_FOLLOW, 0, NULL, NULL, 0);
}

void worker_forget(struct worker *w, uint64_t client)
{
    (void)push_job(w, JOB_FORGET, client, NULL, NULL, 0); /* else its lines are made in vain */
}

struct result *worker_result(struct worker *w)
{
    uint64_t count;
    pthread_mutex_lock(&w->lock);
    struct result *result = w->results;
    if (result) {
        w->results = result->next;
        if (!w->results)
            w->results_end = &w->results;
        result->next = NULL;
    } else {
        while (read(w->fd, &count, sizeof(count)) < 0 && errno == EINTR)
            ;
    }
    pthread_mutex_unlock(&w->lock);
    return result;
}
