// SPDX-License-Identifier: Apache-2.0
/* New connections and packets a second of the C model's connection table on one core, at the default size and at a
 * million records, and of the whole model with one stateful service. A new connection is what a SYN costs: a lookup that
 * misses, and the insert; a packet is a lookup in its direction, both in turn, and its record's event. Keys are random and
 * visited in another order than they were made in. Prints a line for each. Usage: bench_connections [SECONDS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connections.h"
#include "device.h"
#include "rng.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct pc_insert connection(struct pc_rng *r)
{
    struct pc_insert i = {.key = {.client = {.port = (uint16_t)pc_rng_next(r)}, .protocol = 6},
                          .public_end = {.address = 1, .port = 443},
                          .endpoint = 1,
                          .slot = PC_SLOT_ANY};
    pc_rng_bytes(r, i.key.client.ip, 4);
    return i;
}

/* Fill the table; seconds for `records`, or a negative number if an insert was refused. */
static double fill(struct pc_connections *c, const struct pc_insert *flow, unsigned records)
{
    struct pc_packet syn = {.tcp_flags = PC_TCP_SYN, .len = 64};
    unsigned slot, made = 0;
    double start = now();
    for (unsigned n = 0; n < records; n++)
        if (pc_connections_forward(c, &flow[n].key, 0, flow[n].public_end) < 0)
            made += pc_connections_insert(c, &flow[n], &syn, &slot) == PC_RESULT_OK;
    double spent = now() - start;
    return made == records ? spent : -1;
}

static double pass(struct pc_connections *c, const struct pc_insert *flow, unsigned records)
{
    struct pc_packet ack[2] = {{.from = PC_FROM_CLIENT, .tcp_flags = PC_TCP_ACK, .len = 64},
                               {.from = PC_FROM_BACKEND, .tcp_flags = PC_TCP_ACK, .len = 64}};
    struct pc_packet_result ret = {.ended = NULL};
    double start = now();
    unsigned missed = 0;
    for (unsigned n = 0; n < records; n++) {
        const struct pc_insert *f = &flow[(n * 7919u) & (records - 1)];
        int slot = n & 1 ? pc_connections_reverse(c, &f->key, f->endpoint)
                         : pc_connections_forward(c, &f->key, 0, f->public_end);
        if (slot < 0)
            missed++;
        else
            pc_connections_packet(c, (unsigned)slot, &ack[n & 1], &ret);
    }
    double spent = now() - start;
    return missed ? -1 : spent;
}

static int measure(unsigned records, double seconds)
{
    struct pc_rng r = pc_rng_stream(1, "bench_connections");
    struct pc_connection_sizes sizes = {
        .rows = {records}, .backends = 1, .secret = {pc_rng_next(&r), pc_rng_next(&r)}};
    struct pc_connections *c = pc_connections_new(&sizes);
    struct pc_insert *flow = malloc(sizeof(*flow) * records);
    double filling = 0, passing = 0, begin = now();
    unsigned rounds = 0;
    bool ok = c && flow;
    for (unsigned n = 0; ok && n < records; n++)
        flow[n] = connection(&r);
    for (; ok && (rounds == 0 || now() - begin < seconds); rounds++) {
        pc_connections_clear(c);
        double f = fill(c, flow, records), p = pass(c, flow, records);
        ok = f >= 0 && p >= 0;
        filling += f;
        passing += p;
    }
    if (ok)
        printf("connections: %.2f million new/s, %.2f million packets/s on one core (table of %u "
               "records, full)\n",
               (double)records * rounds / filling / 1e6, (double)records * rounds / passing / 1e6,
               records);
    else
        printf("connections: NOT MEASURED, a table of %u records refused or lost some\n", records);
    pc_connections_free(c);
    free(flow);
    return ok;
}

/* ---- the whole model ---- */

enum { FLOWS = 65536, LEN = 64, BACKENDS = 8 };

static void fill_rows(struct pc_tables *t)
{
    struct portcam_domain_row domain = {0};
    struct portcam_address_row address = {
        .ip = {203, 0, 113, 1}, .family = 4, .prefix = 32, .vlan = PORTCAM_VLAN_ANY};
    struct portcam_service_row service = {.port = 80,
                                          .protocol = 6,
                                          .flags = PORTCAM_SERVICE_ROW_EXACT_PORT |
                                                   PORTCAM_SERVICE_ROW_EXACT_PROTOCOL,
                                          .mode = PORTCAM_MODE_STATEFUL,
                                          .slots_log2 = 3};
    struct portcam_public_row public_row = {.ip = {203, 0, 113, 1}, .family = 4};
    struct portcam_schedule_row schedule = {.reserved = {0}};
    unsigned buckets = pc_tables_rows(t, PORTCAM_TABLE_ENDPOINT) / PORTCAM_BUILD_ENDPOINT_WAYS;
    memset(schedule.slot, 0xff, sizeof(schedule.slot));
    for (unsigned i = 0; i < BACKENDS; i++) {
        struct portcam_backend_row b = {.ip = {10, 0, 0, (uint8_t)i},
                                        .family = 4,
                                        .port = 8080,
                                        .egress = 1,
                                        .weight = 1,
                                        .endpoint = (uint16_t)i};
        struct portcam_endpoint_row e = {.ip = {10, 0, 0, (uint8_t)i},
                                         .family = 4,
                                         .protocol = 6,
                                         .port = 8080,
                                         .backend = (uint16_t)i,
                                         .flags = PORTCAM_ENDPOINT_ROW_STATEFUL};
        pc_tables_set(t, PORTCAM_TABLE_BACKEND, i, &b);
        unsigned row = pc_endpoint_bucket(0, &e, buckets);
        while (pc_tables_get(t, PORTCAM_TABLE_ENDPOINT, row))
            row += buckets;
        pc_tables_set(t, PORTCAM_TABLE_ENDPOINT, row, &e);
        schedule.slot[4 * i] = (uint8_t)i;
        schedule.slot[4 * i + 1] = 0;
    }
    pc_tables_set(t, PORTCAM_TABLE_DOMAIN, 0, &domain);
    pc_tables_set(t, PORTCAM_TABLE_ADDRESS, 0, &address);
    pc_tables_set(t, PORTCAM_TABLE_SERVICE, 0, &service);
    pc_tables_set(t, PORTCAM_TABLE_PUBLIC, 0, &public_row);
    pc_tables_set(t, PORTCAM_TABLE_SCHEDULE, 0, &schedule);
    pc_tables_build(t);
}

/* A TCP frame; checksums may be wrong, they only change by the same amount. */
static void segment(uint8_t f[LEN], const uint8_t src[6], const uint8_t dst[6], unsigned flags)
{
    static const uint8_t head[34] = {2, 0, 0,    0, 0, 1,  2, 0, 0, 0, 0,  2,
                                     8, 0, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 6};
    memset(f, 0, LEN);
    memcpy(f, head, sizeof(head));
    memcpy(f + 26, src, 4);
    memcpy(f + 30, dst, 4);
    memcpy(f + 34, src + 4, 2);
    memcpy(f + 36, dst + 4, 2);
    f[46] = 0x50;
    f[47] = (uint8_t)flags;
}

/* The reply to a frame as it left; the client's ACK. */
static void answer_and_ack(uint8_t (*frame)[2][LEN], const uint8_t *left, const uint8_t *syn)
{
    uint8_t src[6], dst[6];
    memcpy(src, left + 30, 4), memcpy(src + 4, left + 36, 2);
    memcpy(dst, left + 26, 4), memcpy(dst + 4, left + 34, 2);
    segment((*frame)[1], src, dst, PC_TCP_SYN | PC_TCP_ACK);
    memcpy((*frame)[0], syn, LEN);
    (*frame)[0][47] = PC_TCP_ACK;
}

static int measure_model(double seconds)
{
    static const uint8_t service[6] = {203, 0, 113, 1, 0, 80};
    struct pc_rng r = pc_rng_stream(1, "bench_connections model");
    struct pc_sizes sizes = pc_sizes_default();
    struct pc_device *d = pc_device_new(&sizes);
    uint8_t(*frame)[2][LEN] = malloc(sizeof(*frame) * FLOWS), work[LEN], syn[LEN], client[6];
    double filling = 0, passing = 0, begin = now();
    unsigned long made = 0, passed = 0, ok = d && frame;
    struct pc_decision v;
    while (ok && (made == 0 || now() - begin < seconds)) {
        pc_device_reset(d);
        fill_rows(pc_device_tables_rw(d));
        double start = now();
        for (unsigned n = 0; n < FLOWS; n++) {
            pc_rng_bytes(&r, client, sizeof(client));
            client[0] = 192; /* of hosts, not of groups */
            client[5] |= 1;
            segment(syn, client, service, PC_TCP_SYN);
            memcpy(work, syn, LEN);
            pc_device_packet(d, work, LEN, 0, 0, NULL, &v, NULL);
            made += v.reason == PORTCAM_REASON_CONNECTION_NEW;
            answer_and_ack(&frame[n], work, syn);
        }
        filling += now() - start;
        start = now();
        for (unsigned n = 0; n < 2 * FLOWS; n++) {
            unsigned at = (n / 2 * 7919u) & (FLOWS - 1), from = (n + 1) % 2;
            memcpy(work, frame[at][from], LEN);
            pc_device_packet(d, work, LEN, from, 0, NULL, &v, NULL);
            passed += v.reason == PORTCAM_REASON_CONNECTION_FORWARD ||
                      v.reason == PORTCAM_REASON_CONNECTION_REVERSE;
        }
        passing += now() - start;
    }
    ok = ok && passed == 2 * made && made > 0;
    if (ok)
        printf(
            "model: %.2f million new connections/s, %.2f million packets/s of connections on one "
            "core (64-byte TCP, %d records)\n",
            (double)made / filling / 1e6, (double)passed / passing / 1e6, FLOWS);
    else
        printf("model: NOT MEASURED, %lu records, %lu packets of them\n", made, passed);
    pc_device_free(d);
    free(frame);
    return (int)ok;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
    int ok = measure(65536, seconds / 3);
    ok &= measure(1048576, seconds / 3);
    ok &= measure_model(seconds / 3);
    return !ok;
}
