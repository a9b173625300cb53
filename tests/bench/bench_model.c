// SPDX-License-Identifier: Apache-2.0
/* Packets a second of the C model on one core: 64-byte TCP frames, half to services and half replies, over a table of
 * 1,000 static services on 200 addresses. Prints one line. Usage: bench_model [SECONDS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"

#define SERVICES 1000
#define ADDRESSES 200
#define FRAMES 4096
#define LEN 64

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void public_ip(uint8_t *ip, unsigned address)
{
    const uint8_t a[4] = {198, 51, 100, (uint8_t)address};
    memcpy(ip, a, 4);
}

static void server_ip(uint8_t *ip, unsigned service)
{
    const uint8_t a[4] = {10, 0, (uint8_t)(service >> 8), (uint8_t)service};
    memcpy(ip, a, 4);
}

static void fill(struct pc_tables *t)
{
    struct portcam_domain_row domain = {0};
    pc_tables_set(t, PORTCAM_TABLE_DOMAIN, 0, &domain);
    for (unsigned i = 0; i < ADDRESSES; i++) {
        struct portcam_address_row a = {
            .family = 4, .prefix = 32, .vlan = PORTCAM_VLAN_ANY, .address = (uint16_t)i};
        public_ip(a.ip, i);
        pc_tables_set(t, PORTCAM_TABLE_ADDRESS, i, &a);
    }
    unsigned buckets = pc_tables_rows(t, PORTCAM_TABLE_ENDPOINT) / PORTCAM_BUILD_ENDPOINT_WAYS;
    for (unsigned i = 0; i < SERVICES; i++) {
        unsigned address = i % ADDRESSES, port = 80 + i / ADDRESSES;
        struct portcam_service_row s = {.address = (uint16_t)address,
                                        .port = (uint16_t)port,
                                        .protocol = 6,
                                        .flags = 3,
                                        .service = (uint16_t)i,
                                        .backend = (uint16_t)i};
        struct portcam_backend_row b = {.family = 4, .port = 8080, .egress = 1};
        struct portcam_endpoint_row e = {.family = 4,
                                         .protocol = 6,
                                         .port = 8080,
                                         .public_port = (uint16_t)port,
                                         .service = (uint16_t)i,
                                         .backend = (uint16_t)i,
                                         .address = (uint16_t)address};
        server_ip(b.ip, i);
        server_ip(e.ip, i);
        public_ip(e.public_ip, address);
        pc_tables_set(t, PORTCAM_TABLE_SERVICE, i, &s);
        pc_tables_set(t, PORTCAM_TABLE_BACKEND, i, &b);
        unsigned row = pc_endpoint_bucket(0, &e, buckets);
        while (pc_tables_get(t, PORTCAM_TABLE_ENDPOINT, row))
            row += buckets;
        pc_tables_set(t, PORTCAM_TABLE_ENDPOINT, row, &e);
    }
    pc_tables_build(t);
}

static void make_frame(uint8_t *f, unsigned i)
{
    unsigned service = (i * 7919u) % SERVICES;
    memset(f, 0, LEN);
    f[0] = 2;
    put16(f + 12, 0x0800);
    f[14] = 0x45;
    put16(f + 16, 40);
    f[23] = 6;
    put16(f + 34, 1024 + i);
    put16(f + 36, 80 + service / ADDRESSES);
    f[26] = 192;
    public_ip(f + 30, service % ADDRESSES);
    if (i & 1) {
        server_ip(f + 26, service);
        put16(f + 34, 8080);
        f[30] = 192;
    }
    f[46] = 0x50;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
    struct pc_sizes sizes = pc_sizes_default();
    struct pc_device *d = pc_device_new(&sizes);
    uint8_t(*frame)[LEN] = malloc(FRAMES * LEN), work[LEN];
    if (!d || !frame) {
        pc_device_free(d);
        free(frame);
        return 1;
    }
    fill(pc_device_tables_rw(d));
    for (unsigned i = 0; i < FRAMES; i++)
        make_frame(frame[i], i);
    unsigned long long packets = 0;
    double start = now(), end;
    struct pc_decision decision;
    do {
        for (unsigned i = 0; i < FRAMES; i++) {
            memcpy(work, frame[i], LEN);
            pc_device_packet(d, work, LEN, i & 1, NULL, &decision);
        }
        packets += FRAMES;
        end = now();
    } while (end - start < seconds);
    struct portcam_counter_row forward =
        pc_device_counter(d, PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_STATIC_FORWARD);
    struct portcam_counter_row reverse =
        pc_device_counter(d, PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_STATIC_REVERSE);
    bool ok = forward.packets + reverse.packets == packets;
    printf(
        "model: %.2f million packets/s on one core (64-byte TCP, %d services, both directions)%s\n",
        (double)packets / (end - start) / 1e6, SERVICES, ok ? "" : " BUT NOT ALL TRANSLATED");
    pc_device_free(d);
    free(frame);
    return !ok;
}
