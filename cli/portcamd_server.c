// SPDX-License-Identifier: Apache-2.0
/*
 * The socket of portcamd. Each client has at most one request with the worker; its next one waits in the client's own
 * buffer, so nobody's requests go before another's for long, and what a client does not read stops only that client.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "portcamd.h"
#include "request.h"

enum {
    OUTPUT_PAUSE = 256 * 1024,     /* unread answers: no more requests are taken */
    OUTPUT_DROP = 4 * 1024 * 1024, /* unread events: the client is dropped */
    LAST_WORDS_US = 100000,        /* for what those who monitor are told at the end */
    CLOSE_SECONDS = 10,            /* for the last words to a client that is sent away */
};

struct peer {
    uint64_t id;
    struct server *server;
    struct bufferevent *bev;
    struct event *half; /* fires when half a request waited too long */
    bool busy;          /* a request is with the worker */
    bool monitor;
    bool follows; /* is sent lines */
    bool ended;   /* sends nothing more: closed after its last answer */
    bool closing; /* closed when the output is written */
    char who[PEER_WHO];
    struct peer *next;
};

struct server {
    struct event_base *base;
    struct server_opts opts;
    struct worker *worker;
    int fd;
    struct event *accept, *results;
    struct peer *peers;
    unsigned count;
    uint64_t last_id;
    bool has_group;
    gid_t group;
    int fatal;
};

static void peer_release(struct peer *peer)
{
    bufferevent_free(peer->bev);
    event_free(peer->half);
    free(peer);
}

static void peer_free(struct server *s, struct peer *peer)
{
    struct peer **at = &s->peers;
    if (peer->follows)
        worker_forget(s->worker, peer->id);
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    s->count--;
    event_add(s->accept, NULL); /* if it waits for a descriptor, there is one now */
    peer_release(peer);
}

static size_t output_length(const struct peer *peer)
{
    return evbuffer_get_length(bufferevent_get_output(peer->bev));
}

static void send_line(struct peer *peer, const char *line)
{
    struct evbuffer *output = bufferevent_get_output(peer->bev);
    evbuffer_add(output, line, strlen(line));
    evbuffer_add(output, "\n", 1);
}

static void send_error(struct peer *peer, const char *code, const char *text)
{
    json_t *error = pc_error(code, NULL, "%s", text);
    char *line = error ? json_dumps(error, JSON_COMPACT) : NULL;
    if (line)
        send_line(peer, line);
    free(line);
    json_decref(error);
}

/* Says why, and closes when it is written. */
static void refuse(struct peer *peer, const char *code, const char *text)
{
    const struct timeval limit = {CLOSE_SECONDS, 0};
    send_error(peer, code, text);
    peer->closing = true;
    bufferevent_set_timeouts(peer->bev, NULL, &limit);
    bufferevent_disable(peer->bev, EV_READ);
    event_del(peer->half);
}

/* Hands the next whole request to the worker. False when the peer is done and must be freed. */
static bool take_request(struct peer *peer)
{
    struct evbuffer *input = bufferevent_get_input(peer->bev);
    const struct timeval half = {peer->server->opts.half_seconds, 0};
    size_t len = 0;
    char *line = NULL, text[80];

    if (peer->busy || peer->closing)
        return true;
    if (output_length(peer) > OUTPUT_PAUSE) {
        bufferevent_disable(peer->bev, EV_READ);
        return true;
    }
    bufferevent_enable(peer->bev, EV_READ);
    do {
        free(line);
        line = evbuffer_readln(input, &len, EVBUFFER_EOL_CRLF);
    } while (line && len == 0);
    if (line && len <= PC_REQUEST_MAX) {
        event_del(peer->half);
        peer->busy = worker_request(peer->server->worker, peer->id, peer->who, line, len);
        if (!peer->busy)
            refuse(peer, "refused", "portcamd is out of memory");
        return true;
    }
    free(line);
    if (line || evbuffer_get_length(input) > PC_REQUEST_MAX) {
        snprintf(text, sizeof(text), "a request is at most %d bytes long; send less",
                 PC_REQUEST_MAX);
        refuse(peer, "too_long", text);
    } else if (peer->ended) {
        peer->closing = true;
        return output_length(peer) > 0;
    } else if (evbuffer_get_length(input) > 0) {
        if (!event_pending(peer->half, EV_TIMEOUT, NULL))
            event_add(peer->half, &half);
    } else {
        event_del(peer->half);
    }
    return true;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    struct peer *peer = ctx;
    (void)bev;
    if (!take_request(peer))
        peer_free(peer->server, peer);
}

static void on_written(struct bufferevent *bev, void *ctx)
{
    struct peer *peer = ctx;
    (void)bev;
    bool done = peer->closing && output_length(peer) == 0 && !peer->busy;
    if (done || !take_request(peer))
        peer_free(peer->server, peer);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct peer *peer = ctx;
    (void)bev;
    if ((what & BEV_EVENT_EOF) && !(what & BEV_EVENT_ERROR) && !peer->monitor && !peer->follows) {
        peer->ended = true; /* it may still read its answers */
        if (take_request(peer))
            return;
    }
    peer_free(peer->server, peer);
}

static void on_half(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    refuse(ctx, "timeout", "the end of the request did not come; send it in one piece");
}

static struct peer *peer_new(struct server *s, int fd)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
    peer->half = peer->bev ? event_new(s->base, -1, EV_TIMEOUT, on_half, peer) : NULL;
    if (!peer->half) {
        if (peer->bev)
            bufferevent_free(peer->bev);
        free(peer);
        return NULL;
    }
    peer->server = s;
    peer->id = ++s->last_id;
    peer_who(fd, peer->who);
    peer->next = s->peers;
    s->peers = peer;
    s->count++;
    bufferevent_setcb(peer->bev, on_read, on_written, on_event, peer);
    /* One byte more than the longest request and its newline tells that it is too long. */
    bufferevent_setwatermark(peer->bev, EV_READ, 0, PC_REQUEST_MAX + 2);
    bufferevent_enable(peer->bev, EV_READ | EV_WRITE);
    return peer;
}

static void on_accept(evutil_socket_t listener, short what, void *ctx)
{
    struct server *s = ctx;
    (void)what;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        /* The client waits in the backlog until another one goes; without others it is tried again. */
        if ((errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) && s->peers)
            event_del(s->accept);
        return;
    }
    bool allowed = peer_allowed(fd, s->has_group, s->group);
    struct peer *peer = peer_new(s, fd);
    if (!peer) {
        close(fd);
    } else if (!allowed) {
        refuse(peer, "permission",
               "only root and members of the daemon's group may talk to portcamd");
    } else if (s->count > s->opts.clients_max) {
        refuse(peer, "busy", "portcamd has too many clients; try again later");
    }
}

/* False: it does not read, and was dropped. */
static bool tell(struct server *s, struct peer *peer, const char *text, bool newline)
{
    struct evbuffer *output = bufferevent_get_output(peer->bev);

    if (output_length(peer) > OUTPUT_DROP) {
        peer_free(s, peer);
        return false;
    }
    evbuffer_add(output, text, strlen(text));
    if (newline)
        evbuffer_add(output, "\n", 1);
    return true;
}

static void tell_monitors(struct server *s, const char *event)
{
    struct peer *next;
    for (struct peer *peer = s->peers; peer; peer = next) {
        next = peer->next;
        if (peer->monitor)
            (void)tell(s, peer, event, true);
    }
}

static void take_answer(struct server *s, struct peer *peer, const struct result *result)
{
    peer->busy = false;
    peer->monitor |= result->monitor;
    peer->follows |= result->follows;
    if (result->answer && result->share >= 0) {
        const char *why = peer_send_fd(bufferevent_getfd(peer->bev), output_length(peer) > 0,
                                       result->answer, result->share);
        if (why)
            send_error(peer, "busy", why);
    } else if (result->answer) {
        send_line(peer, result->answer);
    } else {
        send_error(peer, "refused", "portcamd is out of memory");
    }
    if (!take_request(peer))
        peer_free(s, peer);
}

/* What concerns one client: its answer, or what it follows. */
static void take_result(struct server *s, const struct result *result)
{
    struct peer *peer = s->peers;

    while (peer && peer->id != result->client)
        peer = peer->next;
    if (!peer && (result->lines || result->follows))
        worker_forget(s->worker, result->client); /* it went meanwhile */
    else if (peer && result->lines)
        (void)tell(s, peer, result->lines, false);
    else if (peer)
        take_answer(s, peer, result);
}

static void on_results(evutil_socket_t fd, short what, void *ctx)
{
    struct server *s = ctx;
    struct result *result;
    (void)fd;
    (void)what;
    while ((result = worker_result(s->worker))) {
        if (result->client)
            take_result(s, result);
        if (result->event)
            tell_monitors(s, result->event);
        if (result->polled && s->opts.polled)
            s->opts.polled(s->opts.ctx);
        if (result->followed && s->opts.followed)
            s->opts.followed(s->opts.ctx);
        if (result->fatal) {
            const struct timeval last_words = {0, LAST_WORDS_US};
            s->fatal = result->fatal;
            event_base_loopexit(s->base, &last_words);
        }
        result_free(result);
    }
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    struct peer *next;
    for (struct peer *peer = s->peers; peer; peer = next) {
        next = peer->next;
        peer_release(peer);
    }
    if (s->accept)
        event_free(s->accept);
    if (s->results)
        event_free(s->results);
    if (s->fd >= 0) {
        close(s->fd);
        (void)unlink(s->opts.socket_path);
    }
    free(s);
}

int server_start(struct event_base *base, const struct server_opts *opts, struct worker *worker,
                 struct server **ret)
{
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->base = base;
    s->opts = *opts;
    s->worker = worker;
    s->fd = server_listen(opts, &s->has_group, &s->group);
    if (s->fd < 0) {
        int failed = s->fd;
        free(s);
        return failed;
    }
    s->accept = event_new(base, s->fd, EV_READ | EV_PERSIST, on_accept, s);
    s->results = event_new(base, worker_fd(worker), EV_READ | EV_PERSIST, on_results, s);
    if (!s->accept || !s->results || event_add(s->accept, NULL) || event_add(s->results, NULL)) {
        server_stop(s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

int server_fatal(const struct server *s)
{
    return s->fatal;
}
