// SPDX-License-Identifier: Apache-2.0
/* Records in the words of the configuration, and filters for them; see connections.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"

const char *pc_connection_state_name(unsigned state)
{
#define NAME(value, name, about) [value] = (name),
    static const char *const names[] = {PORTCAM_CONNECTION_STATE_LIST(NAME)};
#undef NAME
    return state < PORTCAM_CONNECTION_STATE_MAX ? names[state] : "unknown";
}

/* ---- to JSON ---- */

/* Index of the object with this number in the running configuration, or PC_NONE. */
static int index_of(const struct portcam *pc, enum pc_kind kind, unsigned number)
{
    const struct pc_numbers *n = &pc->plan->numbers[kind];
    return number < n->room ? n->index[number] : PC_NONE;
}

static json_t *name_json(const struct portcam *pc, enum pc_kind kind, unsigned number)
{
    int index = index_of(pc, kind, number);
    return index < 0 ? json_null()
                     : json_string(pc_object_name(pc->plan->config, kind, (size_t)index));
}

/* {"address", "port"}; without a port where there is none, null where the address is not known. */
static json_t *end_json(const struct pc_ip *ip, unsigned port)
{
    char text[PC_IP_TEXT];
    json_t *object = json_object();

    if (ip->family)
        pc_ip_format(ip, text);
    json_object_set_new(object, "address", ip->family ? json_string(text) : json_null());
    if (port)
        json_object_set_new(object, "port", json_integer(port));
    return object;
}

static struct pc_ip public_ip(const struct portcam *pc, unsigned address)
{
    int index = index_of(pc, PC_ADDRESS, address);
    const struct pc_cfg_address *a = index < 0 ? NULL : &pc->plan->config->addresses[index];
    return a && a->length == pc_ip_bits(&a->ip) ? a->ip : (struct pc_ip){.family = 0};
}

/* Where the backend gets the packets. */
static json_t *server_json(const struct portcam *pc, const struct portcam_connection_image *i)
{
    int index = index_of(pc, PC_BACKEND, i->backend);
    const struct pc_cfg_backend *b = index < 0 ? NULL : &pc->plan->config->backends[index];
    struct pc_ip none = {.family = 0};

    return end_json(b ? &b->ip : &none, b && b->port && i->public_port ? b->port : i->public_port);
}

/* Milliseconds until the record ends if nothing comes; -1: it does not. */
static json_int_t left_ms(const struct portcam *pc, const struct portcam_connection_image *i,
                          uint32_t idle)
{
    static const unsigned of_state[PORTCAM_CONNECTION_STATE_MAX] = {
        [PORTCAM_CONNECTION_STATE_SYN_SEEN] = 0,
        [PORTCAM_CONNECTION_STATE_SYN_ACK_SEEN] = 1,
        [PORTCAM_CONNECTION_STATE_ESTABLISHED] = 2,
        [PORTCAM_CONNECTION_STATE_CLOSING_CLIENT] = 3,
        [PORTCAM_CONNECTION_STATE_CLOSING_SERVER] = 3,
        [PORTCAM_CONNECTION_STATE_CLOSING_BOTH] = 4,
        [PORTCAM_CONNECTION_STATE_RESET_CLIENT] = 5,
        [PORTCAM_CONNECTION_STATE_RESET_SERVER] = 5,
        [PORTCAM_CONNECTION_STATE_RESET] = 5,
        [PORTCAM_CONNECTION_STATE_UNREPLIED] = 6,
        [PORTCAM_CONNECTION_STATE_REPLIED] = 7};
    int index = index_of(pc, PC_SERVICE, i->service);
    const struct portcam_config *c = pc->plan->config;

    if (index < 0 || c->services[index].mode != PORTCAM_MODE_STATEFUL)
        return -1;
    const struct pc_cfg_service *s = &c->services[index];
    if (c->domains[s->domain].state == PORTCAM_DOMAIN_STATE_PAUSED)
        return -1;
    uint32_t timeout = s->timeouts[of_state[i->state]] ? s->timeouts[of_state[i->state]]
                                                       : PcTimeoutDefaults[of_state[i->state]];
    return idle < timeout ? (json_int_t)(timeout - idle) : 0;
}

/* What passed since then; a packet may have come after the clock was read. */
static uint32_t since(uint32_t now, uint32_t then)
{
    return (int32_t)(now - then) < 0 ? 0 : now - then;
}

static json_t *counter(uint64_t packets, uint64_t octets)
{
    return json_pack("{s:I, s:I}", "packets", (json_int_t)packets, "octets", (json_int_t)octets);
}

static void add_rest(const struct portcam *pc, const struct portcam_connection_image *i,
                     json_t *object)
{
    int service = index_of(pc, PC_SERVICE, i->service);
    const struct portcam_config *c = pc->plan->config;

    json_object_set_new(object, "domain",
                        service < 0 ? json_null() : json_string(c->services[service].domain_name));
    json_object_set_new(object, "slot", json_integer(i->slot));
    json_object_set_new(object, "generation", json_integer(i->generation));
    json_object_set_new(object, "client_next", json_integer(i->client_next));
    json_object_set_new(object, "service_number", json_integer(i->service));
    json_object_set_new(object, "backend_number", json_integer(i->backend));
    json_object_set_new(object, "endpoint_number", json_integer(i->endpoint));
    json_object_set_new(object, "address_number", json_integer(i->address));
}

json_t *pc_connection_ends_json(const struct portcam *pc, const struct portcam_connection_image *i)
{
    struct pc_ip client = {.family = i->family}, public = public_ip(pc, i->address);
    const char *protocol = pc_protocol_name(i->protocol);

    memcpy(client.bytes, i->client_ip, sizeof(client.bytes));
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "connection",
                     json_sprintf("%u:%u", i->slot, i->generation), "protocol",
                     protocol ? json_string(protocol) : json_integer(i->protocol), "state",
                     pc_connection_state_name(i->state), "client",
                     end_json(&client, i->client_port), "public", end_json(&public, i->public_port),
                     "server", server_json(pc, i), "service", name_json(pc, PC_SERVICE, i->service),
                     "backend", name_json(pc, PC_BACKEND, i->backend));
}

json_t *pc_connection_json(const struct portcam *pc, const struct portcam_connection_image *i,
                           uint32_t now, bool whole)
{
    uint32_t idle = since(now, i->last_used);
    json_int_t left = left_ms(pc, i, idle);
    json_t *object = pc_connection_ends_json(pc, i);
    json_t *more =
        json_pack("{s:b, s:i, s:I, s:I, s:o, s:o, s:o}", "embryonic",
                  (i->flags & PORTCAM_CONNECTION_IMAGE_EMBRYONIC) != 0, "syn_repeats",
                  (int)i->syn_repeats, "age_ms", (json_int_t)since(now, i->created), "idle_ms",
                  (json_int_t)idle, "left_ms", left < 0 ? json_null() : json_integer(left),
                  "forward", counter(i->forward_packets, i->forward_octets), "reverse",
                  counter(i->reverse_packets, i->reverse_octets));
    if (!object || !more || json_object_update(object, more)) {
        json_decref(object);
        object = NULL;
    }
    json_decref(more);
    if (object && whole)
        add_rest(pc, i, object);
    return object;
}

/* ---- filters ---- */

static int bad(struct portcam_report *report, const char *key, const char *cure)
{
    pc_report_add(report, "usage", "\"%s\" of the filter: %s", key, cure);
    return -EINVAL;
}

static int read_name(const struct portcam *pc, const json_t *json, const char *key,
                     enum pc_kind kind, int *ret, struct portcam_report *report)
{
    const json_t *value = json_object_get(json, key);
    const struct pc_numbers *n = &pc->plan->numbers[kind];

    if (!value)
        return 0;
    if (!json_is_string(value))
        return bad(report, key, "give a name");
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(pc_object_name(pc->plan->config, kind, i), json_string_value(value)) == 0) {
            *ret = n->number[i];
            return 0;
        }
    }
    pc_report_add(report, "not_found", "there is no %s \"%.80s\"; `portcam %s show` lists them",
                  key, json_string_value(value), key);
    return -ENOENT;
}

/* "ADDRESS", "IPV4:PORT" or "[IPV6]:PORT". */
static int read_client(const char *text, struct pc_filter *f)
{
    const char *end = text + strlen(text), *colon = strrchr(text, ':');
    char address[PC_IP_TEXT], *rest;

    if (text[0] == '[') {
        end = strchr(++text, ']');
        if (!end || (end[1] && end[1] != ':'))
            return -EINVAL;
        colon = end[1] ? end + 1 : NULL;
    } else if (colon && strchr(text, ':') == colon) {
        end = colon;
    } else {
        colon = NULL;
    }
    if ((size_t)(end - text) >= sizeof(address))
        return -EINVAL;
    snprintf(address, sizeof(address), "%.*s", (int)(end - text), text);
    if (colon) {
        long port = strtol(colon + 1, &rest, 10);
        if (colon[1] < '0' || colon[1] > '9' || *rest || port < 1 || port > 65535)
            return -EINVAL;
        f->client_port = (int)port;
    }
    return pc_ip_parse(address, &f->client);
}

static int read_rest(const json_t *json, struct pc_filter *f, struct portcam_report *report)
{
    const json_t *client = json_object_get(json, "client"), *state = json_object_get(json, "state"),
                 *protocol = json_object_get(json, "protocol");
    unsigned number = 0;

    if (client && (!json_is_string(client) || read_client(json_string_value(client), f)))
        return bad(report, "client", "write it as 192.0.2.7, 192.0.2.7:1234 or [2001:db8::7]:1234");
    if (protocol && json_is_integer(protocol) && json_integer_value(protocol) > 0 &&
        json_integer_value(protocol) < 256)
        f->protocol = (int)json_integer_value(protocol);
    else if (protocol && json_is_string(protocol) &&
             pc_protocol_parse(json_string_value(protocol), &number) == 0)
        f->protocol = (int)number;
    else if (protocol)
        return bad(report, "protocol",
                   "write tcp, udp, sctp, icmp, icmpv6 or a number from 1 to 255");
    for (unsigned s = 1; state && s < PORTCAM_CONNECTION_STATE_MAX; s++) {
        if (json_is_string(state) &&
            strcmp(json_string_value(state), pc_connection_state_name(s)) == 0)
            f->state = (int)s;
    }
    if (state && f->state == PC_NONE)
        return bad(report, "state",
                   "write one of syn_seen, syn_ack_seen, established, closing_client, "
                   "closing_server, closing_both, reset_client, reset_server, reset, unreplied, "
                   "replied");
    return 0;
}

int pc_filter_read(const struct portcam *pc, const json_t *json, struct pc_filter *ret,
                   struct portcam_report *report)
{
    static const char *const keys[] = {"service", "backend", "client", "protocol", "state"};
    struct pc_filter f = {.service = PC_NONE,
                          .backend = PC_NONE,
                          .protocol = PC_NONE,
                          .state = PC_NONE,
                          .client_port = PC_NONE};
    const char *key;
    json_t *value;

    if (!json_is_object(json)) {
        pc_report_add(report, "usage", "a filter is one JSON object");
        return -EINVAL;
    }
    json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            known |= strcmp(key, keys[i]) == 0;
        if (!known) {
            pc_report_add(report, "usage",
                          "a filter has no key \"%.64s\"; its keys are service, backend, client, "
                          "protocol, state",
                          key);
            return -EINVAL;
        }
    }
    int rc = read_name(pc, json, "service", PC_SERVICE, &f.service, report);
    if (rc == 0)
        rc = read_name(pc, json, "backend", PC_BACKEND, &f.backend, report);
    if (rc == 0)
        rc = read_rest(json, &f, report);
    if (rc == 0)
        *ret = f;
    return rc;
}

bool pc_filter_fits(const struct pc_filter *f, const struct portcam_connection_image *i)
{
    return (f->service == PC_NONE || f->service == i->service) &&
           (f->backend == PC_NONE || f->backend == i->backend) &&
           (f->protocol == PC_NONE || f->protocol == i->protocol) &&
           (f->state == PC_NONE || f->state == i->state) &&
           (f->client_port == PC_NONE || f->client_port == i->client_port) &&
           (f->client.family == 0 ||
            (f->client.family == i->family &&
             memcmp(f->client.bytes, i->client_ip, sizeof(i->client_ip)) == 0));
}
