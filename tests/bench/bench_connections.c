// SPDX-License-Identifier: Apache-2.0
/* New connections and packets a second of the C model's connection table on one core, at the default size and at a
 * million records. A new connection is what a SYN costs: a lookup that misses, and the insert; a packet is a lookup in its
 * direction, both in turn, and its record's event. Keys are random and visited in another order than they were made in.
 * Prints a line for each size. Usage: bench_connections [SECONDS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connections.h"
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
                          .public_end = {.ip = {203, 0, 113, 1}, .port = 443},
                          .backend_end = {.ip = {10, 0, 0, 1}, .port = 8443},
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
        if (pc_connections_forward(c, &flow[n].key, 0, &flow[n].public_end) < 0)
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
        int slot = n & 1 ? pc_connections_reverse(c, &f->key, &f->backend_end)
                         : pc_connections_forward(c, &f->key, 0, &f->public_end);
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
    struct pc_connection_sizes sizes = {.capacity = records,
                                        .embryonic_limit = records,
                                        .services = 1,
                                        .backends = 1,
                                        .secret = {pc_rng_next(&r), pc_rng_next(&r)}};
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

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
    int ok = measure(65536, seconds / 2);
    ok &= measure(1048576, seconds / 2);
    return !ok;
}
