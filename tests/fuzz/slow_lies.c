// SPDX-License-Identifier: Apache-2.0
/* See slow_lies.h. */
#include "slow_lies.h"

#include "tests/unit/lib/slow_world.h"

enum { HELD_BYTES = 6000, DATAGRAMS = 8 };

static const struct {
    unsigned protocol;
    const char *src, *dst;
    unsigned sport, dport;
} Flows[] = {
    {UDP, "192.0.2.9", "198.51.100.3", 4000, 53},
    {UDP, "10.0.3.1", "192.0.2.9", 5353, 4000},
    {UDP, "192.0.2.9", "198.51.100.1", 4000, 53},
    {UDP, "10.0.0.5", "192.0.2.9", 5353, 4000},
    {SCTP, "192.0.2.9", "198.51.100.3", 4000, 53},
    {TCP, "192.0.2.9", "198.51.100.1", 4000, 80},
    {UDP, "2001:db8:c::9", "2001:db8::3", 4000, 53},
    {SCTP, "2001:db8:c::9", "2001:db8::3", 4000, 53},
    {UDP_LITE, "192.0.2.9", "198.51.100.3", 0, 0},
    {ICMPV6, "2001:db8:c::9", "2001:db8::3", 0, 0},
};
enum { FLOWS = sizeof(Flows) / sizeof(Flows[0]) };

struct reader {
    const uint8_t *at;
    size_t left;
};

static unsigned byte(struct reader *r)
{
    if (r->left == 0)
        return 0;
    r->left--;
    return *r->at++;
}

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static unsigned Sent;
static size_t Longest;

static void came_out(void *ctx, unsigned egress, const uint8_t *frame, size_t len)
{
    (void)ctx;
    (void)frame;
    require(egress < 16, "egress");
    require(len >= 1 && (len <= Longest || len <= PC_ANSWER_FRAME), "length");
    Sent++;
}

static void check(const struct slow *s)
{
    const struct pc_slow_stats *stats = pc_slow_stats(s->engine);
    uint64_t all = stats->held;
    for (unsigned r = 0; r < PORTCAM_REASON_ROWS; r++)
        for (unsigned o = 0; o < PC_SLOW_OUTCOMES; o++)
            all += stats->packets[r][o];
    require(all == s->given, "sum of packets");
    require(stats->held_bytes <= HELD_BYTES, "bytes that wait");
    require(stats->datagrams <= DATAGRAMS, "datagrams");
}

/* A piece of a datagram of one of the flows, perhaps with a byte of it changed. */
static struct frame made(struct reader *r, unsigned flow)
{
    flow %= FLOWS;
    struct frame whole = datagram(Flows[flow].protocol, Flows[flow].src, Flows[flow].sport,
                                  Flows[flow].dst, Flows[flow].dport, 500);
    unsigned from = byte(r) % 64, len = 1 + byte(r) % 64, id = byte(r) % 4, at = byte(r);
    size_t size = whole.end - whole.l4, begin = from * 8 % size, end = begin + len * 8;
    struct frame f = len == 64 ? whole : piece(&whole, begin, end < size ? end : size, id);
    if (at < f.len && at & 1)
        f.b[at] ^= (uint8_t)byte(r);
    return f;
}

static void one(struct slow *s, struct reader *r)
{
    static uint8_t raw[2048];
    unsigned what = byte(r), reason = byte(r), ingress = byte(r);
    if (what < 0xe0 && what & 0x40)
        pass_time(s, byte(r) * 16);
    s->now += what & 1;
    if (what >= 0xe0) {
        size_t len = (what & 0x10 ? byte(r) : byte(r) << 8 | byte(r)) % sizeof(raw);
        len = len < r->left ? len : r->left;
        memcpy(raw, r->at, len);
        r->at += len;
        r->left -= len;
        Longest = len > Longest ? len : Longest;
        give_bytes(s, reason % 72, ingress % 18, raw, len);
        return;
    }
    struct frame f = made(r, what & 0x3f);
    Longest = f.len > Longest ? f.len : Longest;
    give_bytes(s, PORTCAM_REASON_FRAGMENT, ingress & 1, f.b, f.len);
}

void slow_lies(const uint8_t *data, size_t size)
{
    static struct slow *s;
    static const struct pc_slow_limits limits = {
        .datagrams = DATAGRAMS, .fragments = 12, .held_bytes = HELD_BYTES, .datagram_bytes = 4000};
    struct reader r = {data, size};
    if (!s) { /* it goes on from input to input, as a card does */
        s = slow_with(&limits);
        put_limits(s->device, 50, 100, 100);
        s->over.send = came_out;
    }
    pc_connections_clear(pc_device_connections_rw(s->device));
    while (r.left) {
        one(s, &r);
        check(s);
    }
    pass_time(s, 60000);
    check(s);
    require(pc_slow_stats(s->engine)->held == 0 && pc_slow_stats(s->engine)->datagrams == 0,
            "something waits for ever");
}
