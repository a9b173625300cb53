/* SPDX-License-Identifier: Apache-2.0 */
/* A small random world for lockstep: few addresses, ports, MACs and VLANs, so that rows and frames drawn from it meet. Some frames
 * belong to flows of a few clients and servers, often several in a row to one. Frames are mostly well-formed, sometimes cut, mutated or pure noise; rows are mostly valid. Everything follows from the seed. */
#ifndef PC_COSIM_WORLD_H
#define PC_COSIM_WORLD_H

#include "rng.h"
#include "tables.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WORLD_IPS = 12, WORLD_PORTS = 6, WORLD_MACS = 6, WORLD_VLANS = 4, WORLD_FRAME = 9728 };
enum { WORLD_ENDS = 4, WORLD_CLIENTS = 5 };

/* A server of stateful services: its endpoint number is its place in the world. */
struct world_end {
    uint8_t ip4[4], ip6[16];
    uint16_t port;
};

struct world {
    struct pc_sizes sizes;
    uint32_t hash_seed;
    struct pc_rng frames, rows;
    uint8_t ip4[WORLD_IPS][4], ip6[WORLD_IPS][16];
    uint16_t port[WORLD_PORTS];
    uint8_t mac[WORLD_MACS][6];
    uint16_t vlan[WORLD_VLANS];
    struct world_end end[WORLD_ENDS];
    unsigned flow; /* the one that the last frames belonged to */
    bool busy;     /* mostly stateful services and frames of their flows */
    bool calm;     /* no row is damaged, as long as the tables are being filled */
    unsigned stay; /* percent of frames that belong to the flow of the one before */
    /* Where the last record sent its packets, told by the owner: replies come from there. */
    unsigned hint_end;
    uint16_t hint_port; /* 0: the server's own */
};

void world_init(struct world *w, uint64_t seed, const struct pc_sizes *sizes);

/* A frame; its length, 1 to WORLD_FRAME. */
size_t world_frame(struct world *w, uint8_t frame[WORLD_FRAME]);

/* A frame of one of a few flows between clients and services, from either side. */
size_t world_flow_frame(struct world *w, uint8_t *frame);

/* Row `n` of what a busy world begins with, so that services, servers and ways back fit together; false behind the last. */
bool world_base_row(struct world *w, unsigned n, struct portcam_command *c);

/* A random row_write or row_delete (mostly valid, so that most change sets commit). */
void world_row(struct world *w, struct portcam_command *c);

#ifdef __cplusplus
}
#endif

#endif
