// SPDX-License-Identifier: Apache-2.0
/* The verbs of trace; see request.h. Samples are told by whoever keeps the trace: portcamd_trace.c. */
#include <errno.h>
#include <string.h>

#include "portcam/trace.h"
#include "request_call.h"

enum { PORT_MAX = 65535, FUNCTION_MAX = 255 };

/* NULL where it is not there; *rc where it is no text. */
static const char *text(const struct call *c, const char *key, int *rc)
{
    const json_t *value = json_object_get(c->args, key);

    if (value && !json_is_string(value))
        *rc = -EINVAL;
    return json_string_value(value);
}

/* 0 where it is not there; *rc where it is none. */
static unsigned number(const json_t *value, json_int_t least, json_int_t most, int *rc)
{
    json_int_t n = json_integer_value(value);

    if (value && (!json_is_integer(value) || n < least || n > most))
        *rc = -EINVAL;
    return *rc || !value ? 0 : (unsigned)n;
}

static unsigned number_of(const struct call *c, const char *key, json_int_t most, int *rc)
{
    return number(json_object_get(c->args, key), 1, most, rc);
}

/* What may stand on either side of a packet. */
static void take_pairs(const struct call *c, struct portcam_trace_filter *f, int *rc)
{
    const json_t *hosts = json_object_get(c->args, "hosts"),
                 *ports = json_object_get(c->args, "ports");

    if ((hosts && !json_is_array(hosts)) || (ports && !json_is_array(ports)) ||
        json_array_size(hosts) > 2 || json_array_size(ports) > 2)
        *rc = -EINVAL;
    for (size_t i = 0; *rc == 0 && i < 2; i++) {
        f->hosts[i] = json_string_value(json_array_get(hosts, i));
        if (!f->hosts[i] && i < json_array_size(hosts))
            *rc = -EINVAL;
        f->ports[i] = number(json_array_get(ports, i), 1, PORT_MAX, rc);
    }
}

static int take_filter(const struct call *c, struct portcam_trace_filter *ret)
{
    const json_t *ingress = json_object_get(c->args, "ingress");
    const char *version;
    int rc = 0;
    struct portcam_trace_filter f = {
        .sz = sizeof(f),
        .src = text(c, "src", &rc),
        .dst = text(c, "dst", &rc),
        .src_port = number_of(c, "src_port", PORT_MAX, &rc),
        .dst_port = number_of(c, "dst_port", PORT_MAX, &rc),
        .protocol = text(c, "protocol", &rc),
        .by_ingress = ingress != NULL,
        .ingress = number(ingress, 0, FUNCTION_MAX, &rc),
        .domain = text(c, "domain", &rc),
        .address = text(c, "address", &rc),
        .service = text(c, "service", &rc),
        .backend = text(c, "backend", &rc),
        .reasons = text(c, "reasons", &rc),
        .every = number_of(c, "every", PORT_MAX, &rc),
        .rate = number_of(c, "rate", PORT_MAX, &rc),
    };

    take_pairs(c, &f, &rc);
    version = text(c, "version", &rc);
    if (version && strcmp(version, "4") != 0 && strcmp(version, "6") != 0)
        rc = -EINVAL;
    f.version = version ? (unsigned)(version[0] - '0') : 0;
    if (rc == 0)
        *ret = f;
    return rc;
}

int pc_request_trace_start(struct call *c, json_t **ret)
{
    struct portcam_trace_filter filter;
    int rc = 0;
    unsigned most = number(json_object_get(c->args, "count"), 1, INT32_MAX, &rc);

    if (rc == 0)
        rc = take_filter(c, &filter);
    if (rc == 0)
        rc = portcam_trace_open(c->pc, &filter, c->who, c->report, &c->effect->trace);
    if (rc)
        return rc;
    c->effect->trace_most = most;
    *ret = json_pack("{s:s, s:i, s:i}", "event", "trace", "every",
                     (int)(filter.every ? filter.every : 1), "rate",
                     (int)(filter.rate ? filter.rate : PORTCAM_TRACE_RATE));
    return 0;
}

/* The trace of who asks, if there is one: what became of the packets is told as an event. */
int pc_request_trace_stop(struct call *c, json_t **ret)
{
    c->effect->untrace = true;
    *ret = json_pack("{s:b}", "ok", 1);
    return 0;
}
