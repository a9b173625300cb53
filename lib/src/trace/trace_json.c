// SPDX-License-Identifier: Apache-2.0
/* A sample in words: its head as the parser reads it, what the card decided, and the names of the rows that it took. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "decide.h"
#include "stateful.h"
#include "trace/trace.h"

enum { TCP = 6, ICMP = 1, ICMPV6 = 58, ETHERTYPE_AT = 12, VLAN_BYTES = 4 };

static const struct {
    const char *name, *rule, *fate;
} Reasons[] = {
#define REASON(value, name, rule, fate, about) [value] = {name, rule, fate},
    PORTCAM_REASON_LIST(REASON)
#undef REASON
};

/* ---- the packet ---- */

static json_t *end_json(const uint8_t bytes[16], bool is_v6, unsigned port, bool has_port)
{
    struct pc_ip ip = {.family = is_v6 ? 6 : 4};
    char text[PC_IP_TEXT];

    memcpy(ip.bytes, bytes, sizeof(ip.bytes));
    pc_ip_format(&ip, text);
    return has_port ? json_pack("{s:s, s:i}", "address", text, "port", (int)port)
                    : json_pack("{s:s}", "address", text);
}

static json_t *protocol_json(unsigned protocol)
{
    const char *name = pc_protocol_name(protocol);
    return name ? json_string(name) : json_integer(protocol);
}

/* As tcpdump writes them. */
static json_t *tcp_flags_json(uint8_t flags)
{
    static const char letters[] = "FSRP.UEW"; /* by bit */
    char text[sizeof(letters)];
    size_t n = 0;

    for (unsigned bit = 0; bit < 8; bit++) {
        if (flags >> bit & 1)
            text[n++] = letters[bit];
    }
    return json_stringn(text, n);
}

static json_t *about_json(const struct pc_parsed *p)
{
    return json_pack("{s:o, s:o, s:o}", "protocol", protocol_json(p->inner_protocol), "source",
                     end_json(p->inner_src.ip, p->is_v6, p->inner_src.port, p->inner_has_ports),
                     "destination",
                     end_json(p->inner_dst.ip, p->is_v6, p->inner_dst.port, p->inner_has_ports));
}

/* What is behind the IP header, as far as it was parsed. */
static void add_layer4(const struct portcam_trace_sample *s, const struct pc_parsed *p,
                       json_t *object)
{
    bool icmp = p->protocol == (p->is_v6 ? ICMPV6 : ICMP);

    json_object_set_new(object, "protocol", protocol_json(p->protocol));
    if (p->protocol == TCP && p->has_ports) {
        json_object_set_new(object, "tcp_flags", tcp_flags_json(p->tcp_flags));
        json_object_set_new(object, "seq", json_integer(p->seq));
        json_object_set_new(object, "ack", json_integer(p->ack));
        json_object_set_new(object, "payload", json_integer(p->payload));
    }
    if (icmp && !p->fragment.is && p->l4 + 2u <= s->captured) {
        json_object_set_new(object, "icmp_type", json_integer(s->head[p->l4]));
        json_object_set_new(object, "icmp_code", json_integer(s->head[p->l4 + 1]));
    }
    if (p->reason == PORTCAM_REASON_ICMP_ERROR)
        json_object_set_new(object, "about", about_json(p));
}

static void add_ethertype(const struct portcam_trace_sample *s, json_t *object)
{
    size_t at = ETHERTYPE_AT;
    unsigned type = 0;

    for (unsigned tags = 0; tags < 3 && at + 2 <= s->captured; tags++, at += VLAN_BYTES) {
        type = (unsigned)s->head[at] << 8 | s->head[at + 1];
        if (type != 0x8100 && type != 0x88a8)
            break;
    }
    if (type)
        json_object_set_new(object, "ethertype", json_integer(type));
}

static void add_packet(const struct portcam_trace_sample *s, const struct pc_parsed *p,
                       json_t *object)
{
    if (p->vlan)
        json_object_set_new(object, "vlan", json_integer(p->vlan));
    if (!pc_trace_has_addresses(p)) {
        add_ethertype(s, object);
        return;
    }
    json_object_set_new(object, "source", end_json(p->src.ip, p->is_v6, p->src.port, p->has_ports));
    json_object_set_new(object, "destination",
                        end_json(p->dst.ip, p->is_v6, p->dst.port, p->has_ports));
    if (p->protocol)
        add_layer4(s, p, object);
    if (p->fragment.is)
        json_object_set_new(object, "fragment",
                            json_pack("{s:i, s:I, s:b}", "offset", (int)p->fragment.offset, "id",
                                      (json_int_t)p->fragment.id, "more", (int)p->fragment.more));
}

static json_t *head_json(const struct portcam_trace_sample *s)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * sizeof(s->head)];

    for (size_t i = 0; i < s->captured; i++) {
        text[2 * i] = digits[s->head[i] >> 4];
        text[2 * i + 1] = digits[s->head[i] & 15];
    }
    return json_stringn(text, 2 * (size_t)s->captured);
}

/* ---- the decision ---- */

static const char *verdict(const struct portcam_trace_header *h)
{
    if (h->flags & PORTCAM_TRACE_HEADER_PUNTED)
        return "punt";
    if (h->flags & PORTCAM_TRACE_HEADER_DROPPED && !pc_reason_is_reject(h->reason))
        return "drop";
    return Reasons[h->reason].fate;
}

/* Index of the object with this number in the running configuration, or PC_NONE. */
static int index_of(const struct portcam *pc, enum pc_kind kind, unsigned number)
{
    const struct pc_numbers *n = &pc->plan->numbers[kind];
    return number < n->room ? n->index[number] : PC_NONE;
}

/* Its name; the number where nothing has it any more. */
static void add_name(const struct portcam *pc, enum pc_kind kind, const char *key, unsigned number,
                     json_t *object)
{
    int index = index_of(pc, kind, number);

    if (number == PC_TRACE_NONE)
        return;
    json_object_set_new(object, key,
                        index < 0
                            ? json_integer(number)
                            : json_string(pc_object_name(pc->plan->config, kind, (size_t)index)));
}

/* Where a packet to a backend goes: its destination then. */
static json_t *server_json(const struct portcam *pc, const struct portcam_trace_header *h,
                           const struct pc_parsed *p)
{
    int index = index_of(pc, PC_BACKEND, h->backend);
    const struct pc_cfg_backend *b = index < 0 ? NULL : &pc->plan->config->backends[index];

    if (!b || !b->ip.family)
        return NULL;
    return end_json(b->ip.bytes, b->ip.family == 6, b->port ? b->port : p->dst.port, p->has_ports);
}

/* Where a reply seems to come from: its source then. Not known where the address is a range. */
static json_t *public_json(const struct portcam *pc, const struct portcam_trace_header *h,
                           const struct pc_parsed *p)
{
    int address = index_of(pc, PC_ADDRESS, h->address);
    int service = index_of(pc, PC_SERVICE, h->service);
    const struct portcam_config *c = pc->plan->config;

    if (address < 0 || service < 0 ||
        c->addresses[address].length != pc_ip_bits(&c->addresses[address].ip))
        return NULL;
    const struct pc_ip *ip = &c->addresses[address].ip;
    int port = c->services[service].port;
    return end_json(ip->bytes, ip->family == 6, port == PC_NONE ? p->src.port : (unsigned)port,
                    p->has_ports);
}

static void add_becomes(const struct portcam *pc, const struct portcam_trace_header *h,
                        const struct pc_parsed *p, json_t *object)
{
    bool forward = pc_reason_is_forward(h->reason);
    json_t *end = NULL;

    if (p->decided || !(forward || pc_reason_is_reverse(h->reason)))
        return;
    end = forward ? server_json(pc, h, p) : public_json(pc, h, p);
    if (end)
        json_object_set_new(object, "becomes",
                            json_pack("{s:o}", forward ? "destination" : "source", end));
}

/* The card's time is turned into that of the day by the last look at both. */
static double time_of_day(const struct portcam_trace *t, uint32_t time_ms)
{
    return (t->day_ms + (double)(int32_t)(time_ms - t->day_card_ms)) / 1000;
}

json_t *portcam_trace_sample_json(const struct portcam_trace *t,
                                  const struct portcam_trace_sample *s)
{
    const struct portcam_trace_header *h = &s->header;
    struct pc_parsed parsed;
    json_t *object = json_pack(
        "{s:s, s:f, s:I, s:i, s:i, s:s, s:s, s:s, s:b}", "event", "packet", "time",
        time_of_day(t, h->time_ms), "time_ms", (json_int_t)h->time_ms, "ingress", (int)h->ingress,
        "length", (int)h->len, "verdict", verdict(h), "reason", Reasons[h->reason].name, "rule",
        Reasons[h->reason].rule, "reply", (h->flags & PORTCAM_TRACE_HEADER_REPLY) != 0);

    if (!object)
        return NULL;
    pc_trace_parse(s, &parsed);
    if (!(h->flags & (PORTCAM_TRACE_HEADER_DROPPED | PORTCAM_TRACE_HEADER_PUNTED)))
        json_object_set_new(object, "egress", json_integer(h->egress));
    add_packet(s, &parsed, object);
    add_becomes(t->pc, h, &parsed, object);
    add_name(t->pc, PC_DOMAIN, "domain", h->domain, object);
    add_name(t->pc, PC_ADDRESS, "address", h->address, object);
    add_name(t->pc, PC_SERVICE, "service", h->service, object);
    add_name(t->pc, PC_BACKEND, "backend", h->backend, object);
    if (h->connection != PC_TRACE_NO_CONNECTION) {
        json_object_set_new(object, "connection", json_integer(h->connection));
        json_object_set_new(object, "began", json_boolean(h->flags & PORTCAM_TRACE_HEADER_BEGAN));
    }
    json_object_set_new(object, "head", head_json(s));
    return object;
}
