// SPDX-License-Identifier: Apache-2.0
/*
 * A frame from a description, for explain: Ethernet, VLAN tag, IP header and the first bytes of layer 4. Layer-4 checksums
 * are left 0, because the frame is never sent and no decision looks at them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "instance/instance.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58, SCTP = 132 };
enum { FRAME_MIN = 60, L4_BYTES = 20 };

struct spec {
    struct pc_ip source, destination;
    unsigned source_port, destination_port, protocol, from;
    int vlan;
    uint8_t mac[6];
};

static int bad(struct portcam_report *report, const char *key, const char *cure)
{
    pc_report_add(report, "usage", "the packet's \"%s\" is missing or wrong; %s", key, cure);
    return -EINVAL;
}

static int read_ip(json_t *spec, const char *key, struct pc_ip *ret, struct portcam_report *report)
{
    const char *text = json_string_value(json_object_get(spec, key));
    if (!text || pc_ip_parse(text, ret))
        return bad(report, key, "give an IP address");
    return 0;
}

static int read_number(json_t *spec, const char *key, long max, long absent, long *ret,
                       struct portcam_report *report)
{
    json_t *value = json_object_get(spec, key);
    *ret = absent;
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return bad(report, key, "give a number in its range");
    *ret = (long)json_integer_value(value);
    return 0;
}

static int read_protocol(json_t *spec, unsigned *ret, struct portcam_report *report)
{
    json_t *value = json_object_get(spec, "protocol");
    if (json_is_string(value) && pc_protocol_parse(json_string_value(value), ret) == 0)
        return 0;
    if (json_is_integer(value) && json_integer_value(value) > 0 &&
        json_integer_value(value) < 256) {
        *ret = (unsigned)json_integer_value(value);
        return 0;
    }
    return bad(report, "protocol", "give tcp, udp, sctp, icmp, icmpv6 or a number");
}

/* A port where there is none would be left out of the frame, and its answer would be another packet's. */
static int check_ports(json_t *spec, unsigned protocol, struct portcam_report *report)
{
    static const char *const keys[] = {"source_port", "destination_port"};
    const char *name = pc_protocol_name(protocol);
    char text[24];

    if (protocol == TCP || protocol == UDP || protocol == SCTP)
        return 0;
    if (!name) {
        snprintf(text, sizeof(text), "protocol %u", protocol);
        name = text;
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!json_object_get(spec, keys[i]))
            continue;
        pc_report_add(report, "usage", "%s has no ports; leave the packet's \"%s\" away", name,
                      keys[i]);
        return -EINVAL;
    }
    return 0;
}

static int read_spec(struct portcam *pc, json_t *json, struct spec *s,
                     struct portcam_report *report)
{
    long sport = 0, dport = 0, vlan = PC_NONE, from = 0;
    const char *mac = json_string_value(json_object_get(json, "mac"));

    int rc = read_protocol(json, &s->protocol, report);
    if (rc == 0)
        rc = check_ports(json, s->protocol, report);
    if (rc == 0)
        rc = read_ip(json, "source", &s->source, report);
    if (rc == 0)
        rc = read_ip(json, "destination", &s->destination, report);
    if (rc == 0)
        rc = read_number(json, "source_port", 65535, 0, &sport, report);
    if (rc == 0)
        rc = read_number(json, "destination_port", 65535, 0, &dport, report);
    if (rc == 0)
        rc = read_number(json, "vlan", PC_VLAN_MAX, PC_NONE, &vlan, report);
    if (rc == 0)
        rc = read_number(json, "from", 255, 0, &from, report);
    if (rc)
        return rc;
    s->source_port = (unsigned)sport;
    s->destination_port = (unsigned)dport;
    s->vlan = (int)vlan;
    s->from = (unsigned)from;
    if (pc->plan->config->has_device_mac)
        memcpy(s->mac, pc->plan->config->device_mac, sizeof(s->mac));
    if (mac && pc_mac_parse(mac, s->mac))
        return bad(report, "mac", "write it as 02:00:00:00:00:01");
    if (s->source.family != s->destination.family)
        return bad(report, "destination", "source and destination are of one IP version");
    return 0;
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void ipv4_header(const struct spec *s, uint8_t *at)
{
    uint32_t sum = 0;

    at[0] = 0x45;
    put16(at + 2, 20 + L4_BYTES);
    at[8] = 64;
    at[9] = (uint8_t)s->protocol;
    memcpy(at + 12, s->source.bytes, 4);
    memcpy(at + 16, s->destination.bytes, 4);
    for (unsigned i = 0; i < 20; i += 2)
        sum += (uint32_t)at[i] << 8 | at[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(at + 10, ~sum & 0xffff);
}

static void ipv6_header(const struct spec *s, uint8_t *at)
{
    at[0] = 0x60;
    put16(at + 4, L4_BYTES);
    at[6] = (uint8_t)s->protocol;
    at[7] = 64;
    memcpy(at + 8, s->source.bytes, 16);
    memcpy(at + 24, s->destination.bytes, 16);
}

static void l4_header(const struct spec *s, uint8_t *at)
{
    if (s->protocol == TCP || s->protocol == UDP || s->protocol == SCTP) {
        put16(at, s->source_port);
        put16(at + 2, s->destination_port);
    }
    if (s->protocol == TCP) {
        at[12] = 5 << 4;
        at[13] = 0x02; /* SYN */
    } else if (s->protocol == UDP) {
        put16(at + 4, L4_BYTES);
    } else if (s->protocol == ICMP) {
        at[0] = 8; /* echo request */
    } else if (s->protocol == ICMPV6) {
        at[0] = 128;
    }
}

int portcam_build_frame(struct portcam *pc, struct json_t *spec, struct portcam_report *report,
                        uint8_t *frame, size_t max, size_t *ret_len)
{
    uint8_t bytes[128] = {0};
    struct spec s = {0};
    size_t at = 12;

    int rc = read_spec(pc, spec, &s, report);
    if (rc)
        return rc;
    bool is_v6 = s.source.family == 6;
    memcpy(bytes, s.mac, sizeof(s.mac));
    bytes[6] = 0x02; /* a local source MAC */
    if (s.vlan > 0) {
        put16(bytes + at, 0x8100);
        put16(bytes + at + 2, (unsigned)s.vlan);
        at += 4;
    }
    put16(bytes + at, is_v6 ? 0x86dd : 0x0800);
    at += 2;
    if (is_v6)
        ipv6_header(&s, bytes + at);
    else
        ipv4_header(&s, bytes + at);
    at += is_v6 ? 40 : 20;
    l4_header(&s, bytes + at);
    at += L4_BYTES;
    if (at < FRAME_MIN)
        at = FRAME_MIN;
    if (at > max)
        return -ENOSPC;
    memcpy(frame, bytes, at);
    *ret_len = at;
    return 0;
}
