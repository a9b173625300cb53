// SPDX-License-Identifier: Apache-2.0
/* Packets a second of the C model on one core, with the traffic of bench_frames.h: half to services and half replies, all
 * services static. Prints one line. Usage: bench_model [SECONDS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_frames.h"
#include "device.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(struct pc_tables *t)
{
    struct portcam_domain_row domain = {0};
    pc_tables_set(t, PORTCAM_TABLE_DOMAIN, 0, &domain);
    for (unsigned i = 0; i < BENCH_ADDRESSES; i++) {
        struct portcam_address_row a = {
            .family = 4, .prefix = 32, .vlan = PORTCAM_VLAN_ANY, .address = (uint16_t)i};
        bench_public_ip(a.ip, i);
        pc_tables_set(t, PORTCAM_TABLE_ADDRESS, i, &a);
    }
    unsigned buckets = pc_tables_rows(t, PORTCAM_TABLE_ENDPOINT) / PORTCAM_BUILD_ENDPOINT_WAYS;
    for (unsigned i = 0; i < BENCH_SERVICES; i++) {
        unsigned address = i % BENCH_ADDRESSES, port = bench_public_port(i);
        struct portcam_service_row s = {.address = (uint16_t)address,
                                        .port = (uint16_t)port,
                                        .protocol = 6,
                                        .flags = 3,
                                        .service = (uint16_t)i,
                                        .backend = (uint16_t)i};
        struct portcam_backend_row b = {.family = 4, .port = BENCH_SERVER_PORT, .egress = 1};
        struct portcam_endpoint_row e = {.family = 4,
                                         .protocol = 6,
                                         .port = BENCH_SERVER_PORT,
                                         .public_port = (uint16_t)port,
                                         .service = (uint16_t)i,
                                         .backend = (uint16_t)i,
                                         .address = (uint16_t)address};
        bench_server_ip(b.ip, i);
        bench_server_ip(e.ip, i);
        bench_public_ip(e.public_ip, i);
        pc_tables_set(t, PORTCAM_TABLE_SERVICE, i, &s);
        pc_tables_set(t, PORTCAM_TABLE_BACKEND, i, &b);
        unsigned row = pc_endpoint_bucket(0, &e, buckets);
        while (pc_tables_get(t, PORTCAM_TABLE_ENDPOINT, row))
            row += buckets;
        pc_tables_set(t, PORTCAM_TABLE_ENDPOINT, row, &e);
    }
    pc_tables_build(t);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
    struct pc_sizes sizes = pc_sizes_default();
    struct pc_device *d = pc_device_new(&sizes);
    uint8_t(*frame)[BENCH_LEN] = malloc(sizeof(*frame) * BENCH_FRAMES), work[BENCH_LEN];
    if (!d || !frame) {
        pc_device_free(d);
        free(frame);
        return 1;
    }
    fill(pc_device_tables_rw(d));
    for (unsigned i = 0; i < BENCH_FRAMES; i++)
        bench_frame(frame[i], i);
    unsigned long long packets = 0;
    double start = now(), end;
    struct pc_decision decision;
    do {
        for (unsigned i = 0; i < BENCH_FRAMES; i++) {
            memcpy(work, frame[i], BENCH_LEN);
            pc_device_packet(d, work, BENCH_LEN, i & 1, 0, NULL, &decision, NULL);
        }
        packets += BENCH_FRAMES;
        end = now();
    } while (end - start < seconds);
    struct portcam_counter_row forward =
        pc_device_counter(d, PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_STATIC_FORWARD);
    struct portcam_counter_row reverse =
        pc_device_counter(d, PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_STATIC_REVERSE);
    bool ok = forward.packets + reverse.packets == packets;
    printf(
        "model: %.2f million packets/s on one core (64-byte TCP, %d services, both directions)%s\n",
        (double)packets / (end - start) / 1e6, BENCH_SERVICES, ok ? "" : " BUT NOT ALL TRANSLATED");
    pc_device_free(d);
    free(frame);
    return !ok;
}
