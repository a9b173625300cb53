/* SPDX-License-Identifier: Apache-2.0 */
/* The traffic of the benches: 64-byte TCP frames of 2,048 flows to 1,000 services on 200 addresses. Even frames go to the
 * services, each odd one is the reply of the frame before it. Checksums are right. */
#ifndef PC_BENCH_FRAMES_H
#define PC_BENCH_FRAMES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    BENCH_SERVICES = 1000,
    BENCH_ADDRESSES = 200,
    BENCH_FRAMES = 4096,
    BENCH_LEN = 64,
    BENCH_SERVER_PORT = 8080
};

static inline void bench_put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void bench_public_ip(uint8_t *ip, unsigned service)
{
    const uint8_t a[4] = {198, 51, 100, (uint8_t)(service % BENCH_ADDRESSES)};
    memcpy(ip, a, 4);
}

static inline unsigned bench_public_port(unsigned service)
{
    return 80 + service / BENCH_ADDRESSES;
}

static inline void bench_server_ip(uint8_t *ip, unsigned service)
{
    const uint8_t a[4] = {10, 0, (uint8_t)(1 + (service >> 8)), (uint8_t)service};
    memcpy(ip, a, 4);
}

static inline uint32_t bench_sum(uint32_t sum, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    return sum;
}

static inline uint16_t bench_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* Frame i of BENCH_FRAMES. The client is 192.0.2.1, with a port for each flow. */
static inline void bench_frame(uint8_t f[BENCH_LEN], unsigned i)
{
    static const uint8_t client[4] = {192, 0, 2, 1};
    unsigned flow = i / 2, service = flow * 7919u % BENCH_SERVICES;
    uint8_t *ip = f + 14, *tcp = f + 34;
    memset(f, 0, BENCH_LEN);
    f[0] = f[6] = 2;
    f[5] = i & 1 ? 2 : 1;
    f[11] = i & 1 ? 4 : 3;
    bench_put16(f + 12, 0x0800);
    ip[0] = 0x45;
    ip[3] = 40;
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = 6;
    if (i & 1) {
        bench_server_ip(ip + 12, service);
        memcpy(ip + 16, client, 4);
        bench_put16(tcp, BENCH_SERVER_PORT);
        bench_put16(tcp + 2, 1024 + flow);
    } else {
        memcpy(ip + 12, client, 4);
        bench_public_ip(ip + 16, service);
        bench_put16(tcp, 1024 + flow);
        bench_put16(tcp + 2, bench_public_port(service));
    }
    tcp[12] = 0x50;
    tcp[13] = 0x10;
    bench_put16(tcp + 14, 0x2000);
    bench_put16(ip + 10, bench_fold(bench_sum(0, ip, 20)));
    bench_put16(tcp + 16, bench_fold(bench_sum(6 + 20, ip + 12, 28)));
}

#endif
