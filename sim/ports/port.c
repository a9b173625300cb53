// SPDX-License-Identifier: Apache-2.0
/*
 * What all packet ports share: choosing the kind from its text, checking lengths, counting. The null port is
 * here too, because it is nothing but that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/port.h"

static int null_open(struct pc_port *p, const char *arg)
{
    if (!arg)
        return 0;
    snprintf(p->message, sizeof(p->message),
             "\"null\" takes no argument: write null instead of null:%s", arg);
    return -EINVAL;
}

static ssize_t null_recv(struct pc_port *p, void *buf, size_t cap)
{
    (void)p;
    (void)buf;
    (void)cap;
    return -ENODATA; /* it will never have one, so nobody need wait for its end */
}

static int null_send(struct pc_port *p, const void *buf, size_t len)
{
    (void)p;
    (void)buf;
    (void)len;
    return 0;
}

static void null_close(struct pc_port *p)
{
    (void)p;
}

static const struct pc_port_ops null_port = {"null", null_open, null_recv, null_send, null_close};

static const struct pc_port_ops *const kinds[] = {&pc_port_tap, &pc_port_pcap, &pc_port_socket,
                                                  &null_port};

static const struct pc_port_ops *kind_of(const char *spec, size_t len)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strlen(kinds[i]->name) == len && !memcmp(kinds[i]->name, spec, len))
            return kinds[i];
    return NULL;
}

struct pc_port *pc_port_open(const char *spec, char *err, size_t err_len)
{
    const char *colon = strchr(spec, ':');
    size_t len = colon ? (size_t)(colon - spec) : strlen(spec);
    const struct pc_port_ops *ops = kind_of(spec, len);
    struct pc_port *p;
    int rc;

    if (!ops) {
        snprintf(err, err_len,
                 "port \"%.40s\": unknown kind \"%.*s\"; use tap:NAME, pcap:IN,OUT, "
                 "socket:PATH or null",
                 spec, len > 40 ? 40 : (int)len, spec);
        return NULL;
    }
    if (ops != &null_port && (!colon || !colon[1])) {
        snprintf(err, err_len, "port \"%.40s\": nothing after \"%s\"; use %s", spec, ops->name,
                 ops == &pc_port_tap    ? "tap:NAME"
                 : ops == &pc_port_pcap ? "pcap:IN,OUT"
                                        : "socket:PATH");
        return NULL;
    }
    p = calloc(1, sizeof(*p));
    if (!p) {
        snprintf(err, err_len, "out of memory");
        return NULL;
    }
    p->ops = ops;
    p->fd = -1;
    rc = ops->open(p, colon ? colon + 1 : NULL);
    if (rc) {
        snprintf(err, err_len, "port \"%.200s\": %s", spec,
                 p->message[0] ? p->message : strerror(-rc));
        pc_port_close(p);
        return NULL;
    }
    return p;
}

void pc_port_close(struct pc_port *p)
{
    if (!p)
        return;
    p->ops->close(p);
    free(p);
}

int pc_port_fd(const struct pc_port *p)
{
    return p->fd;
}

ssize_t pc_port_recv(struct pc_port *p, void *buf, size_t cap)
{
    ssize_t n = p->ops->recv(p, buf, cap < PC_PORT_MAX_FRAME ? cap : PC_PORT_MAX_FRAME);

    p->stats.rx += n > 0;
    return n;
}

int pc_port_send(struct pc_port *p, const void *buf, size_t len)
{
    int rc;

    if (!len || len > PC_PORT_MAX_FRAME) {
        p->stats.tx_refused++;
        return -EMSGSIZE;
    }
    rc = p->ops->send(p, buf, len);
    p->stats.tx += !rc;
    return rc;
}

const char *pc_port_message(const struct pc_port *p)
{
    return p->message;
}

void pc_port_get_stats(const struct pc_port *p, struct pc_port_stats *out)
{
    *out = p->stats;
}
