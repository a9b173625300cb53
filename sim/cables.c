// SPDX-License-Identifier: Apache-2.0
/* Ports plugged into functions: see cables.h. */
#include "cables.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portcam_defs.h"
#include "ports/port.h"

#define FUNCTIONS PORTCAM_BUILD_FUNCTIONS
#define BATCH 64      /* frames taken from a port before the others have their turn */
#define BACKLOG 1024  /* frames that a full port may owe */
#define RETRY_US 1000 /* until a full port is tried again */

/* A frame that its port had no room for. */
struct owed {
    struct owed *next;
    size_t len;
    uint8_t bytes[];
};

struct cable {
    struct cables *cables;
    unsigned function;
    struct pc_port *port;
    struct event *readable;
    bool ended, paused; /* capture at its end; the engine has no room */
    struct owed *owed, **owed_tail;
    size_t owes;
    uint64_t lost;
};

struct cables {
    struct event_base *base;
    struct pc_engine *engine;
    cables_say say;
    cables_wake wake;
    void *ctx;
    struct event *retry;
    bool listening;
    struct cable cable[FUNCTIONS];
};

__attribute__((format(printf, 2, 3))) static void say(const struct cables *c, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    c->say(text);
}

/* ---- out of the card ---- */

static void owe(struct cable *a, const uint8_t *frame, size_t len)
{
    struct owed *o = a->owes < BACKLOG ? malloc(sizeof(*o) + len) : NULL;
    if (!o) {
        a->lost++;
        return;
    }
    o->next = NULL;
    o->len = len;
    memcpy(o->bytes, frame, len);
    *a->owed_tail = o;
    a->owed_tail = &o->next;
    if (a->owes++ == 0)
        event_add(a->cables->retry, &(struct timeval){.tv_usec = RETRY_US});
}

static void pay(struct cable *a)
{
    struct owed *o = a->owed;
    a->owed = o->next;
    if (!a->owed)
        a->owed_tail = &a->owed;
    a->owes--;
    free(o);
}

void cables_send(struct cables *c, unsigned function, const uint8_t *frame, size_t len)
{
    struct cable *a = &c->cable[function < FUNCTIONS ? function : 1];
    if (!a->port)
        return;
    if (a->owes || pc_port_send(a->port, frame, len) == -EAGAIN)
        owe(a, frame, len);
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct cables *c = ctx;
    bool more = false;
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        struct cable *a = &c->cable[f];
        while (a->owed && pc_port_send(a->port, a->owed->bytes, a->owed->len) != -EAGAIN)
            pay(a);
        more = more || a->owed;
    }
    if (more)
        event_add(c->retry, &(struct timeval){.tv_usec = RETRY_US});
    c->wake(c->ctx);
}

/* ---- into the card ---- */

static void end(struct cable *a)
{
    a->ended = true;
    if (a->readable)
        event_del(a->readable);
}

/* Take frames from a port while the engine has room; without room stop listening until it has. */
static void take(struct cable *a)
{
    uint8_t frame[PC_PORT_MAX_FRAME];
    struct pc_engine *e = a->cables->engine;
    for (int i = 0; i < BATCH && !a->ended; i++) {
        if (!e->room(e->self, a->function)) {
            a->paused = true;
            if (a->readable)
                event_del(a->readable);
            return;
        }
        ssize_t len = pc_port_recv(a->port, frame, sizeof(frame));
        if (len == 0)
            return;
        if (len > 0) {
            e->push(e->self, a->function, frame, (size_t)len);
            continue;
        }
        if (len != -ENODATA)
            say(a->cables, "function %u: %s", a->function, pc_port_message(a->port));
        if (len != -EPROTO)
            end(a);
    }
}

static void on_port(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct cable *a = ctx;
    take(a);
    a->cables->wake(a->cables->ctx);
}

void cables_resume(struct cables *c)
{
    if (!c->listening)
        return;
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        struct cable *a = &c->cable[f];
        if (!a->port || a->ended)
            continue;
        if (a->paused && c->engine->room(c->engine->self, f)) {
            a->paused = false;
            if (a->readable)
                event_add(a->readable, NULL);
        }
        if (!a->readable)
            take(a); /* a file: read as fast as the engine takes */
    }
}

void cables_listen(struct cables *c)
{
    c->listening = true;
    for (unsigned f = 0; f < FUNCTIONS; f++)
        if (c->cable[f].readable && !c->cable[f].ended)
            event_add(c->cable[f].readable, NULL);
    c->wake(c->ctx);
}

bool cables_ended(const struct cables *c)
{
    for (unsigned f = 0; f < FUNCTIONS; f++)
        if (c->cable[f].port && (!c->cable[f].ended || c->cable[f].owes))
            return false;
    return true;
}

/* ---- plugging ---- */

static bool plug(struct cables *c, unsigned function, const char *spec)
{
    struct cable *a = &c->cable[function];
    char err[256];
    if (a->port) {
        say(c, "function %u has two ports; give each function one --net or --host", function);
        return false;
    }
    a->port = pc_port_open(spec, err, sizeof(err));
    if (!a->port) {
        say(c, "%s", err);
        return false;
    }
    int fd = pc_port_fd(a->port);
    if (fd < 0)
        return true;
    a->readable = event_new(c->base, fd, EV_READ | EV_PERSIST, on_port, a);
    return a->readable;
}

bool cables_plug_net(struct cables *c, const char *spec)
{
    return plug(c, 0, spec);
}

bool cables_plug_host(struct cables *c, const char *text)
{
    char *rest;
    unsigned long function = strtoul(text, &rest, 10);
    if (rest == text || *rest != '=') {
        for (function = 1; function < FUNCTIONS && c->cable[function].port;)
            function++;
        rest = NULL;
    }
    if (function < 1 || function >= FUNCTIONS) {
        say(c, "--host %s: host functions are 1 to %u", text, FUNCTIONS - 1);
        return false;
    }
    return plug(c, (unsigned)function, rest ? rest + 1 : text);
}

struct cables *cables_new(struct event_base *base, struct pc_engine *engine, cables_say told,
                          cables_wake wake, void *ctx)
{
    struct cables *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->base = base;
    c->engine = engine;
    c->say = told;
    c->wake = wake;
    c->ctx = ctx;
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        c->cable[f].cables = c;
        c->cable[f].function = f;
        c->cable[f].owed_tail = &c->cable[f].owed;
    }
    c->retry = event_new(base, -1, 0, on_retry, c);
    if (!c->retry) {
        free(c);
        return NULL;
    }
    return c;
}

void cables_free(struct cables *c)
{
    if (!c)
        return;
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        struct cable *a = &c->cable[f];
        if (a->lost)
            say(c, "function %u: %llu %s lost because nobody took them", f,
                (unsigned long long)a->lost, a->lost == 1 ? "frame" : "frames");
        while (a->owed)
            pay(a);
        if (a->readable)
            event_free(a->readable);
        pc_port_close(a->port);
    }
    event_free(c->retry);
    free(c);
}
