// SPDX-License-Identifier: Apache-2.0
/* Filter, choice and header of samples: see trace.h. */
#include "trace.h"

#include <string.h>

#define AT(name) ((PORTCAM_REG_TRACE_##name - PORTCAM_REG_TRACE_EVERY) / 4)

/* Bits that there are, of the registers that have not all. */
static uint32_t bits_of(unsigned at)
{
    const uint32_t filter = PORTCAM_TRACE_FILTER_PROTOCOL | PORTCAM_TRACE_FILTER_INGRESS |
                            PORTCAM_TRACE_FILTER_BY_PROTOCOL | PORTCAM_TRACE_FILTER_BY_INGRESS |
                            PORTCAM_TRACE_FILTER_BY_VERSION | PORTCAM_TRACE_FILTER_IPV6 |
                            PORTCAM_TRACE_FILTER_BOTH;
    switch (at) {
    case AT(EVERY):
    case AT(RATE):
    case AT(BURST):
        return 0xffff;
    case AT(FILTER):
        return filter;
    default:
        return UINT32_MAX;
    }
}

static bool place_of(uint32_t offset, unsigned *ret)
{
    if (offset < PORTCAM_REG_TRACE_EVERY || offset > PORTCAM_REG_TRACE_PORT_MASKS || offset % 4)
        return false;
    *ret = (offset - PORTCAM_REG_TRACE_EVERY) / 4;
    return true;
}

bool pc_trace_reg_read(const struct pc_trace *t, uint32_t offset, uint32_t *ret)
{
    unsigned at;
    if (!place_of(offset, &at))
        return false;
    *ret = t->word[at];
    return true;
}

bool pc_trace_reg_write(struct pc_trace *t, uint32_t offset, uint32_t value)
{
    unsigned at;
    if (!place_of(offset, &at))
        return false;
    t->word[at] = value & bits_of(at);
    return true;
}

void pc_trace_start(struct pc_trace *t)
{
    pc_buckets_fill(&t->bucket, 1);
    t->skip = 0;
    t->matched = t->limited = 0;
}

/* ---- the filter ---- */

/* What section 1 knows of a frame that it has found a reason for. */
static bool has_addresses(const struct pc_parsed *p)
{
    switch (p->reason) {
    case PORTCAM_REASON_UNPARSED_SHORT:
    case PORTCAM_REASON_NON_IP:
    case PORTCAM_REASON_UNPARSED_VERSION:
    case PORTCAM_REASON_UNPARSED_IHL:
    case PORTCAM_REASON_UNPARSED_LENGTH:
    case PORTCAM_REASON_OVERSIZE:
        return false;
    default:
        return true;
    }
}

static bool has_protocol(const struct pc_parsed *p)
{
    switch (p->reason) {
    case PORTCAM_REASON_NEIGHBOUR_DISCOVERY:
    case PORTCAM_REASON_ICMP_ERROR:
    case PORTCAM_REASON_ICMP_ERROR_SHORT:
    case PORTCAM_REASON_UNPARSED_L4:
        return true;
    default:
        return !p->decided;
    }
}

static bool is_zero(const uint8_t *mask)
{
    static const uint8_t zero[16];
    return memcmp(mask, zero, sizeof(zero)) == 0;
}

/* Four registers as an address. */
static void address_of(const struct pc_trace *t, unsigned at, uint8_t ret[16])
{
    memcpy(ret, &t->word[at], 16);
}

static bool address_matches(const struct pc_trace *t, unsigned ip_at, unsigned mask_at,
                            const struct pc_parsed *p, const uint8_t *is)
{
    uint8_t ip[16], mask[16], differ = 0;
    address_of(t, ip_at, ip);
    address_of(t, mask_at, mask);
    if (is_zero(mask))
        return true;
    for (unsigned i = 0; i < 16; i++)
        differ |= (uint8_t)((ip[i] ^ is[i]) & mask[i]);
    return has_addresses(p) && differ == 0;
}

/* `shift` 0: of the source of the filter, 16: of its destination. */
static bool port_matches(const struct pc_trace *t, unsigned shift, const struct pc_parsed *p,
                         unsigned is)
{
    unsigned mask = t->word[AT(PORT_MASKS)] >> shift & 0xffff;
    unsigned port = t->word[AT(PORTS)] >> shift & 0xffff;
    return mask == 0 || (!p->decided && ((port ^ is) & mask) == 0);
}

static bool ends_match(const struct pc_trace *t, const struct pc_parsed *p,
                       const struct pc_tuple *src, const struct pc_tuple *dst)
{
    return address_matches(t, AT(SRC_IP_0), AT(SRC_MASK_0), p, src->ip) &&
           address_matches(t, AT(DST_IP_0), AT(DST_MASK_0), p, dst->ip) &&
           port_matches(t, 0, p, src->port) && port_matches(t, 16, p, dst->port);
}

bool pc_trace_matches(const struct pc_trace *t, const struct pc_parsed *p)
{
    uint32_t f = t->word[AT(FILTER)];
    if (f & PORTCAM_TRACE_FILTER_BY_INGRESS &&
        (f & PORTCAM_TRACE_FILTER_INGRESS) >> PORTCAM_TRACE_FILTER_INGRESS_SHIFT != p->ingress)
        return false;
    if (f & PORTCAM_TRACE_FILTER_BY_VERSION &&
        !(has_addresses(p) && p->is_v6 == !!(f & PORTCAM_TRACE_FILTER_IPV6)))
        return false;
    if (f & PORTCAM_TRACE_FILTER_BY_PROTOCOL &&
        !(has_protocol(p) && p->protocol == (f & PORTCAM_TRACE_FILTER_PROTOCOL)))
        return false;
    return ends_match(t, p, &p->src, &p->dst) ||
           (f & PORTCAM_TRACE_FILTER_BOTH && ends_match(t, p, &p->dst, &p->src));
}

/* ---- the choice ---- */

static uint64_t reasons_of(const struct pc_trace *t)
{
    return t->word[AT(REASONS_LO)] | (uint64_t)t->word[AT(REASONS_HI)] << 32;
}

bool pc_trace_chooses(struct pc_trace *t, unsigned reason, uint32_t now)
{
    if (reason >= 64 || !(reasons_of(t) >> reason & 1))
        return false;
    t->matched++;
    if (t->skip) {
        t->skip--;
        return false;
    }
    uint32_t every = t->word[AT(EVERY)];
    t->skip = (uint16_t)(every ? every - 1 : 0);
    if (pc_bucket_take(&t->bucket, t->word[AT(RATE)], t->word[AT(BURST)], now))
        return true;
    t->limited++;
    return false;
}

/* ---- what is told ---- */

static uint16_t number(int n)
{
    return n < 0 ? 0xffff : (uint16_t)n;
}

struct portcam_trace_header pc_trace_header(const struct pc_parsed *p, const struct pc_decision *v,
                                            uint32_t now)
{
    unsigned flags = (v->drop && !v->punt ? PORTCAM_TRACE_HEADER_DROPPED : 0) |
                     (v->punt ? PORTCAM_TRACE_HEADER_PUNTED : 0) |
                     (v->reply ? PORTCAM_TRACE_HEADER_REPLY : 0) |
                     (v->began ? PORTCAM_TRACE_HEADER_BEGAN : 0);
    return (struct portcam_trace_header){
        .reason = v->reason,
        .ingress = p->ingress,
        .len = p->len,
        .time_ms = now,
        .domain = number(v->domain),
        .address = number(v->address),
        .service = number(v->service),
        .egress = v->drop ? 0xff : v->egress,
        .flags = (uint8_t)flags,
        .backend = number(v->backend),
        .connection = v->record < 0 ? UINT32_MAX : (uint32_t)v->record,
    };
}

struct pc_trace_window pc_trace_window_of(const uint8_t *frame, size_t len)
{
    struct pc_trace_window w = {{0}};
    memcpy(w.bytes, frame, len < sizeof(w.bytes) ? len : sizeof(w.bytes));
    return w;
}
