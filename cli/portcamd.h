// SPDX-License-Identifier: Apache-2.0
/*
 * The parts of portcamd. The main thread owns the socket and its clients and never waits for anything; one worker thread
 * owns the card and carries out requests one after another. Between them go lines of text.
 */
#ifndef PC_PORTCAMD_H
#define PC_PORTCAMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "portcam/portcam.h"

/* One line on standard error, as printf. */
void daemon_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

enum { PEER_WHO = 48 /* bytes that say who a client is */ };

/* ---- worker (portcamd_worker.c) ---- */

struct worker;

/* What the worker hands back. The texts are freed by the receiver. */
struct result {
    uint64_t client; /* 0: nobody asked */
    char *answer;    /* NULL: no memory, or nobody asked */
    char *event;     /* for those who monitor, NULL none */
    char *lines;     /* what this client follows, each with its newline; NULL: it asked something */
    int share;       /* a descriptor that goes with the answer, owned by the worker; -1: none */
    bool monitor;    /* the client monitors from now on */
    bool follows;    /* the client is sent lines from now on */
    bool polled;     /* the card was looked after */
    bool followed;   /* its events were */
    int fatal;       /* -errno: the card cannot be served any more */
    struct result *next;
};

/* Starts the thread; it owns pc until worker_stop(). 0 or -errno. */
int worker_start(struct portcam *pc, struct worker **ret);

/*
 * Ends the thread after the request in work; gives the card back. Waiting requests are dropped. NULL when the request
 * does not end and changes nothing: thread and card are still in use, and the process must exit without touching them.
 */
struct portcam *worker_stop(struct worker *worker);

/* Readable when there are results. */
int worker_fd(const struct worker *worker);

/* Takes the text. `who` is the client in words. False without memory: the text is freed and nothing will come. */
bool worker_request(struct worker *worker, uint64_t client, const char *who, char *text,
                    size_t len);

/* Look after the card; its state comes as a result if it changed. `tick`: also what is to be done now and then. */
bool worker_poll(struct worker *worker, bool tick);

/* Follow the events of connections; the result says when this is done. */
bool worker_follow(struct worker *worker);
/* The client is gone. */
void worker_forget(struct worker *worker, uint64_t client);

/* The next result, or NULL. */
struct result *worker_result(struct worker *worker);
void result_free(struct result *result);

/* ---- the slow path (portcamd_slow.c) ---- */

struct slow;

/* Before the worker starts: takes what the card hands over, in a thread of its own. *ret NULL: the card does not, or cannot
 * now, as the log tells. 0 or -ENOMEM. */
int slow_start(struct portcam *pc, struct slow **ret);

/* Before the worker stops. False: the thread does not end; it still uses the card. */
bool slow_stop(struct slow *slow);

/* ---- lines for a client (portcamd_lines.c); all zero: none ---- */

struct lines {
    char *text;
    size_t used, room;
};

/* Adds the newline. Without room or memory nothing is added. */
void lines_add(struct lines *to, const char *line, size_t len);
/* All of them, to be freed; NULL: there are none. */
char *lines_take(struct lines *from);

/* ---- the trace (portcamd_trace.c); of the worker's thread ---- */

struct tracer;
struct portcam_trace;

/* NULL without memory. */
struct tracer *tracer_new(void);
void tracer_free(struct tracer *t);

/* Takes the trace; the client is told of its samples, at most `most` of them (0: all), and of its end. */
void tracer_start(struct tracer *t, uint64_t client, struct portcam_trace *trace, unsigned most);
/* Ends it, if it is that client's, and tells so. */
void tracer_end(struct tracer *t, uint64_t client);
/* The client is gone. */
void tracer_forget(struct tracer *t, uint64_t client);

bool tracer_runs(const struct tracer *t);
/* Take the samples that are there. True: there are more already. */
bool tracer_run(struct tracer *t);
/* As follow_lines(). */
char *tracer_lines(struct tracer *t, uint64_t *client);

/* ---- changes of connections (portcamd_follow.c); of the worker's thread ---- */

struct follow;
struct portcam_watch;

/* Mirrors the card where it can; NULL without memory. */
struct follow *follow_new(struct portcam *pc);
void follow_free(struct follow *f);

/* The client is told of changes that the watch chooses, which is taken. 0 or -errno. */
int follow_add(struct follow *f, uint64_t client, struct portcam_watch *watch);
void follow_forget(struct follow *f, uint64_t client);

/* Follow the events that are there. True: there are more already. */
bool follow_run(struct follow *f);
/* Look whether the mirror runs and is right, a part of it each time. */
void follow_check(struct follow *f);

/* The lines of a client that has any, to be freed; NULL: there are none. */
char *follow_lines(struct follow *f, uint64_t *client);

/* ---- server (portcamd_server.c) ---- */

struct server_opts {
    const char *socket_path;
    const char *group; /* may connect; NULL or unknown: only root and the daemon's own user */
    unsigned clients_max;
    unsigned half_seconds;       /* how long half a request may wait for its end */
    void (*polled)(void *ctx);   /* called when the worker has looked after the card */
    void (*followed)(void *ctx); /* and after its events */
    void *ctx;                   /* of both */
};

struct event_base;

struct server;

/* Listens. 0 or -errno, with a line in the log. */
int server_start(struct event_base *base, const struct server_opts *opts, struct worker *worker,
                 struct server **ret);
/* Stops listening and drops all clients. */
void server_stop(struct server *server);

/* Why the loop ended: 0 or the -errno of a result. */
int server_fatal(const struct server *server);

/* ---- rights (portcamd_user.c, portcamd_peer.c) ---- */

/* From now on as this user, who gets the state directory. 0 or -errno, with a line in the log. */
int become_user(const char *name, const char *state_dir);

/* The listening socket (portcamd_listen.c); -errno with a line in the log. *ret_has_group: members of *ret_group may connect. */
int server_listen(const struct server_opts *opts, bool *ret_has_group, gid_t *ret_group);

/* May a process with these credentials talk to the daemon? (portcamd_peer.c) */
bool peer_allowed(int fd, bool has_group, gid_t group);

/* "process 1234 of user 0" */
void peer_who(int fd, char text[PEER_WHO]);

/* A line and a descriptor. NULL, or why not: another answer waits, or the socket takes nothing. */
const char *peer_send_fd(int fd, bool waits, const char *line, int share);

#endif
