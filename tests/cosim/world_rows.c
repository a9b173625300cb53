// SPDX-License-Identifier: Apache-2.0
/* Random rows of the world. */
#include <string.h>

#include "world.h"

enum { BASE_BACKENDS = 8 }; /* half of them IPv4 */

static uint32_t below(struct world *w, uint32_t n)
{
    return pc_rng_below(&w->rows, n);
}

static bool chance(struct world *w, unsigned percent)
{
    return pc_rng_chance(&w->rows, percent);
}

static uint8_t random_ip(struct world *w, uint8_t *ip)
{
    memset(ip, 0, 16);
    if (chance(w, 50)) {
        memcpy(ip, w->ip4[below(w, WORLD_IPS)], 4);
        return PORTCAM_FAMILY_4;
    }
    memcpy(ip, w->ip6[below(w, WORLD_IPS)], 16);
    return PORTCAM_FAMILY_6;
}

/* Few numbers, so that rows refer to rows that exist. */
static uint16_t number(struct world *w, unsigned rows)
{
    return (uint16_t)(chance(w, 97) ? below(w, rows < 4 ? rows : 4) : below(w, rows));
}

static uint16_t maybe_port(struct world *w)
{
    return chance(w, 25) ? 0 : w->port[below(w, WORLD_PORTS)];
}

static uint8_t protocol(struct world *w)
{
    static const uint8_t known[] = {6, 6, 6, 17, 17, 17, 132, 1, 58, 47, 33, 136};
    return known[below(w, sizeof(known))];
}

static void device_row(struct world *w, struct portcam_device_row *r)
{
    memcpy(r->mac, w->mac[below(w, WORLD_MACS)], 6);
}

static void function_row(struct world *w, struct portcam_function_row *r)
{
    memcpy(r->mac, w->mac[below(w, WORLD_MACS)], 6);
    r->domain = number(w, w->sizes.domains);
    r->flags = (uint8_t)below(w, 8);
}

static void domain_row(struct world *w, struct portcam_domain_row *r)
{
    r->state = chance(w, 60)   ? PORTCAM_DOMAIN_STATE_RUNNING
               : chance(w, 40) ? PORTCAM_DOMAIN_STATE_STOPPED
                               : (uint8_t)below(w, 4);
    r->unknown = (uint8_t)below(w, 3);
    r->home = (uint8_t)below(w, w->sizes.functions);
}

static void address_row(struct world *w, struct portcam_address_row *r)
{
    static const uint8_t lengths4[] = {32, 32, 32, 31, 30, 24, 25, 8, 1, 0};
    static const uint8_t lengths6[] = {128, 128, 128, 127, 121, 120, 64, 65, 9, 0};
    r->family = random_ip(w, r->ip);
    r->prefix = r->family == PORTCAM_FAMILY_4 ? lengths4[below(w, 10)] : lengths6[below(w, 10)];
    if (w->busy && chance(w, 80)) { /* what clients address */
        unsigned vip = 7 + below(w, 4);
        memset(r->ip, 0, 16);
        if (r->family == PORTCAM_FAMILY_4)
            memcpy(r->ip, w->ip4[vip], 4);
        else
            memcpy(r->ip, w->ip6[vip], 16);
        r->prefix = r->family == PORTCAM_FAMILY_4 ? 32 : 128;
    }
    r->vlan = chance(w, w->busy ? 90 : 60) ? PORTCAM_VLAN_ANY : w->vlan[below(w, WORLD_VLANS)];
    r->address = number(w, w->sizes.addresses);
    r->domain = number(w, w->busy ? 2 : w->sizes.domains);
    r->home = (uint8_t)below(w, w->sizes.functions);
}

/* Mostly one, so that ways back are found. */
static uint16_t group(struct world *w)
{
    return (uint16_t)(w->busy && chance(w, 85) ? 0 : below(w, 2));
}

/* The slot tables of all services begin in the first rows of table schedule. */
static void stateful_row(struct world *w, struct portcam_service_row *r)
{
    r->domain = number(w, 2);
    r->mode = PORTCAM_MODE_STATEFUL;
    r->backend = 0;
    r->group = group(w);
    r->schedule = (uint16_t)below(w, 3);
    r->slots_log2 = (uint8_t)below(w, 6);
    r->pick = (uint8_t)below(w, 4);
    bool hashes = r->pick == PORTCAM_PICK_CLIENT_IP || r->pick == PORTCAM_PICK_CLIENT_IP_PORT;
    r->no_record = (uint8_t)below(w, hashes ? 4 : 3);
    r->no_backend = (uint8_t)below(w, 2);
    r->full = (uint8_t)below(w, hashes ? 2 : 1);
    if (pc_rng_below(&w->rows, 3) == 0)
        r->full = PORTCAM_FULL_PUNT;
    if (chance(w, 70)) {
        r->protocol = chance(w, 70) ? 6 : 17;
        r->flags |= PORTCAM_SERVICE_ROW_EXACT_PROTOCOL;
    }
    r->port = w->port[1 + below(w, 3)];
    if (!(r->flags & PORTCAM_SERVICE_ROW_EXACT_PORT) || chance(w, 20))
        r->flags |= PORTCAM_SERVICE_ROW_KEEPS_PORT;
}

static void service_row(struct world *w, struct portcam_service_row *r)
{
    r->domain = number(w, w->sizes.domains);
    r->address = chance(w, 50) ? PORTCAM_ADDRESS_ANY : number(w, w->sizes.addresses);
    r->flags = chance(w, 30) ? 0 : (uint8_t)below(w, 4);
    r->port = w->port[below(w, WORLD_PORTS)];
    r->protocol = protocol(w);
    r->mode = chance(w, 75) ? PORTCAM_MODE_STATIC : PORTCAM_MODE_DELIVER;
    r->service = number(w, w->sizes.services);
    r->backend = number(w, w->sizes.backends);
    if (w->sizes.connection_rows && chance(w, w->busy ? 92 : 50))
        stateful_row(w, r);
}

static void backend_row(struct world *w, struct portcam_backend_row *r)
{
    r->family = random_ip(w, r->ip);
    r->flags = (uint8_t)below(w, 2);
    r->port = maybe_port(w);
    memcpy(r->mac, w->mac[below(w, WORLD_MACS)], 6);
    r->egress = (uint8_t)below(w, w->sizes.functions);
    if (chance(w, w->busy ? 97 : 70)) {
        unsigned n = below(w, WORLD_ENDS);
        memset(r->ip, 0, 16);
        if (r->family == PORTCAM_FAMILY_4)
            memcpy(r->ip, w->end[n].ip4, 4);
        else
            memcpy(r->ip, w->end[n].ip6, 16);
        r->port = chance(w, 70) ? w->end[n].port : 0;
        r->endpoint = (uint16_t)n;
        r->weight = (uint16_t)(chance(w, 85) ? 1 + below(w, 4) : 0);
    }
}

static void schedule_row(struct world *w, struct portcam_schedule_row *r)
{
    for (unsigned i = 0; i < 16; i++) {
        uint16_t n =
            chance(w, 95) ? (uint16_t)below(w, w->busy ? BASE_BACKENDS : 4) : PORTCAM_BACKEND_NONE;
        r->slot[2 * i] = (uint8_t)n;
        r->slot[2 * i + 1] = (uint8_t)(n >> 8);
    }
}

static void timeout_row(struct world *w, struct portcam_timeout_row *r)
{
    uint32_t *t = &r->syn;
    for (unsigned i = 0; i < 8; i++)
        t[i] = 1 + below(w, chance(w, 70) ? 100 : 3000);
    r->domain = number(w, 2);
}

static void public_row(struct world *w, struct portcam_public_row *r)
{
    r->family = random_ip(w, r->ip);
}

static void limits_row(struct world *w, struct portcam_limits_row *r)
{
    r->embryonic = chance(w, 75) ? 0 : 1 + below(w, 24);
    r->reject_rate = (uint16_t)below(w, chance(w, 50) ? 3000 : 65536);
    r->reject_burst = (uint16_t)below(w, 40);
    r->punt_rate = (uint16_t)pc_rng_below(&w->rows, 65536);
    r->punt_burst = (uint16_t)pc_rng_below(&w->rows, 3 + pc_rng_below(&w->rows, 100));
    r->punt_reasons = PORTCAM_PUNT_REASONS;
    if (pc_rng_below(&w->rows, 3) == 0)
        r->punt_reasons &= pc_rng_next(&w->rows);
}

static unsigned endpoint_rows(const struct world *w, unsigned table)
{
    if (table == PORTCAM_TABLE_ENDPOINT)
        return w->sizes.endpoint_rows;
    return table == PORTCAM_TABLE_ENDPOINT_ANY_PORT ? w->sizes.endpoint_any_port_rows
                                                    : w->sizes.endpoint_any_rows;
}

/* The row is in the bucket where lookups find it, in a random way; seldom elsewhere, where none may. */
static uint32_t endpoint_row(struct world *w, unsigned table, struct portcam_endpoint_row *r)
{
    r->family = random_ip(w, r->ip);
    r->protocol = table == PORTCAM_TABLE_ENDPOINT_ANY ? 0 : protocol(w);
    r->port = table == PORTCAM_TABLE_ENDPOINT ? w->port[below(w, WORLD_PORTS)] : 0;
    do {
        memset(r->public_ip, 0, 16);
    } while (random_ip(w, r->public_ip) != r->family);
    r->public_port = maybe_port(w);
    r->service = number(w, w->sizes.services);
    r->backend = number(w, w->sizes.backends);
    r->domain = number(w, w->sizes.domains);
    r->address = number(w, w->sizes.addresses);
    r->flags = chance(w, 80) ? (uint8_t)(below(w, 2) * PORTCAM_ENDPOINT_ROW_HAS_MAC)
                             : (uint8_t)below(w, 4);
    if (w->sizes.connection_rows && chance(w, w->busy ? 95 : 60)) {
        unsigned n = below(w, WORLD_ENDS);
        memset(r->ip, 0, 16);
        if (r->family == PORTCAM_FAMILY_4)
            memcpy(r->ip, w->end[n].ip4, 4);
        else
            memcpy(r->ip, w->end[n].ip6, 16);
        if (table == PORTCAM_TABLE_ENDPOINT)
            r->port = w->end[n].port;
        if (table != PORTCAM_TABLE_ENDPOINT_ANY)
            r->protocol = chance(w, 70) ? 6 : 17;
        r->service = group(w);
        r->backend = (uint16_t)n;
        r->domain = number(w, 2);
        r->flags =
            (uint8_t)(PORTCAM_ENDPOINT_ROW_STATEFUL | below(w, 2) * PORTCAM_ENDPOINT_ROW_HAS_MAC |
                      below(w, 2) * PORTCAM_ENDPOINT_ROW_KEEPS_PORT |
                      below(w, 2) * PORTCAM_ENDPOINT_ROW_ALONE);
    }
    unsigned rows = endpoint_rows(w, table), buckets = rows / w->sizes.endpoint_ways;
    unsigned bucket = pc_endpoint_bucket(w->hash_seed, r, buckets);
    if (chance(w, 3))
        bucket = below(w, buckets);
    return below(w, w->sizes.endpoint_ways) * buckets + bucket;
}

static unsigned random_table(struct world *w)
{
    static const uint8_t table[] = {PORTCAM_TABLE_DEVICE,       PORTCAM_TABLE_FUNCTION,
                                    PORTCAM_TABLE_FUNCTION,     PORTCAM_TABLE_DOMAIN,
                                    PORTCAM_TABLE_DOMAIN,       PORTCAM_TABLE_DOMAIN,
                                    PORTCAM_TABLE_ADDRESS,      PORTCAM_TABLE_ADDRESS,
                                    PORTCAM_TABLE_ADDRESS,      PORTCAM_TABLE_ADDRESS,
                                    PORTCAM_TABLE_ADDRESS,      PORTCAM_TABLE_SERVICE,
                                    PORTCAM_TABLE_SERVICE,      PORTCAM_TABLE_SERVICE,
                                    PORTCAM_TABLE_SERVICE,      PORTCAM_TABLE_SERVICE,
                                    PORTCAM_TABLE_SERVICE,      PORTCAM_TABLE_SERVICE,
                                    PORTCAM_TABLE_SERVICE,      PORTCAM_TABLE_BACKEND,
                                    PORTCAM_TABLE_BACKEND,      PORTCAM_TABLE_BACKEND,
                                    PORTCAM_TABLE_ENDPOINT,     PORTCAM_TABLE_ENDPOINT,
                                    PORTCAM_TABLE_ENDPOINT,     PORTCAM_TABLE_ENDPOINT_ANY_PORT,
                                    PORTCAM_TABLE_ENDPOINT_ANY, PORTCAM_TABLE_SCHEDULE,
                                    PORTCAM_TABLE_SCHEDULE,     PORTCAM_TABLE_SCHEDULE,
                                    PORTCAM_TABLE_TIMEOUT,      PORTCAM_TABLE_PUBLIC,
                                    PORTCAM_TABLE_BACKEND,      PORTCAM_TABLE_ENDPOINT,
                                    PORTCAM_TABLE_LIMITS,       PORTCAM_TABLE_DOMAIN,
                                    PORTCAM_TABLE_DOMAIN};
    return table[below(w, sizeof(table))];
}

static void family_end(struct world *w, unsigned end, uint8_t family, uint8_t ip[16])
{
    memset(ip, 0, 16);
    if (family == PORTCAM_FAMILY_4)
        memcpy(ip, w->end[end].ip4, 4);
    else
        memcpy(ip, w->end[end].ip6, 16);
}

bool world_base_row(struct world *w, unsigned n, struct portcam_command *c)
{
    enum { ADDRESSES = 8, SERVICES = 12, ENDS = 4 * WORLD_ENDS, ANY_PORT = 2 * WORLD_ENDS };
    _Alignas(8) uint8_t row[PC_ROW_BYTES] = {0};
    memset(c, 0, sizeof(*c));
    c->opcode = PORTCAM_OPCODE_ROW_WRITE;
    c->row = n;
    if (n < 2) {
        c->table_id = PORTCAM_TABLE_DOMAIN;
        struct portcam_domain_row *r = (void *)row;
        r->unknown = (uint8_t)below(w, 3);
    } else if ((c->row = n -= 2) < ADDRESSES) {
        c->table_id = PORTCAM_TABLE_ADDRESS;
        struct portcam_address_row *r = (void *)row;
        r->family = n < 4 ? PORTCAM_FAMILY_4 : PORTCAM_FAMILY_6;
        memcpy(r->ip, n < 4 ? w->ip4[7 + n % 4] : w->ip6[7 + n % 4], n < 4 ? 4 : 16);
        r->prefix = n < 4 ? 32 : 128;
        r->vlan = PORTCAM_VLAN_ANY;
        r->address = (uint16_t)n;
        r->domain = (uint16_t)(n % 2);
    } else if ((c->row = n -= ADDRESSES) < SERVICES) {
        c->table_id = PORTCAM_TABLE_SERVICE;
        struct portcam_service_row *r = (void *)row;
        r->address = PORTCAM_ADDRESS_ANY;
        r->flags = n % 3 ? PORTCAM_SERVICE_ROW_EXACT_PORT : 0;
        r->service = (uint16_t)(n % 4);
        stateful_row(w, r);
        r->domain = (uint16_t)(n % 2);
    } else if ((c->row = n -= SERVICES) < BASE_BACKENDS) {
        c->table_id = PORTCAM_TABLE_BACKEND;
        struct portcam_backend_row *r = (void *)row;
        r->family = n < BASE_BACKENDS / 2 ? PORTCAM_FAMILY_4 : PORTCAM_FAMILY_6;
        r->endpoint = (uint16_t)(n % WORLD_ENDS);
        family_end(w, r->endpoint, r->family, r->ip);
        r->port = chance(w, 70) ? w->end[r->endpoint].port : 0;
        r->weight = (uint16_t)(1 + below(w, 4));
        r->egress = (uint8_t)below(w, w->sizes.functions);
    } else if ((n -= BASE_BACKENDS) < ENDS) {
        c->table_id = PORTCAM_TABLE_ENDPOINT;
        struct portcam_endpoint_row *r = (void *)row;
        unsigned end = n % WORLD_ENDS, kind = n / WORLD_ENDS;
        r->family = kind % 2 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4;
        family_end(w, end, r->family, r->ip);
        r->protocol = kind / 2 ? 17 : 6;
        r->port = w->end[end].port;
        r->backend = (uint16_t)end;
        r->flags = PORTCAM_ENDPOINT_ROW_STATEFUL;
        unsigned buckets = w->sizes.endpoint_rows / w->sizes.endpoint_ways;
        c->row = below(w, w->sizes.endpoint_ways) * buckets +
                 pc_endpoint_bucket(w->hash_seed, r, buckets);
    } else if ((n -= ENDS) < ANY_PORT) {
        c->table_id = PORTCAM_TABLE_ENDPOINT_ANY_PORT;
        struct portcam_endpoint_row *r = (void *)row;
        unsigned end = n % WORLD_ENDS;
        r->family = n < WORLD_ENDS ? PORTCAM_FAMILY_4 : PORTCAM_FAMILY_6;
        family_end(w, end, r->family, r->ip);
        r->protocol = 6;
        r->backend = (uint16_t)end;
        r->flags = PORTCAM_ENDPOINT_ROW_STATEFUL;
        unsigned buckets = w->sizes.endpoint_any_port_rows / w->sizes.endpoint_ways;
        c->row = below(w, w->sizes.endpoint_ways) * buckets +
                 pc_endpoint_bucket(w->hash_seed, r, buckets);
    } else if ((c->row = n -= ANY_PORT) < 8) {
        c->table_id = PORTCAM_TABLE_SCHEDULE;
        schedule_row(w, (void *)row);
    } else if ((c->row = n -= 8) < 4) {
        c->table_id = PORTCAM_TABLE_TIMEOUT;
        timeout_row(w, (void *)row);
    } else if ((c->row = n -= 4) < ADDRESSES) {
        c->table_id = PORTCAM_TABLE_PUBLIC;
        struct portcam_public_row *r = (void *)row;
        r->family = n < 4 ? PORTCAM_FAMILY_4 : PORTCAM_FAMILY_6;
        memcpy(r->ip, n < 4 ? w->ip4[7 + n] : w->ip6[3 + n], n < 4 ? 4 : 16);
    } else if (n == ADDRESSES) {
        c->row = 0;
        c->table_id = PORTCAM_TABLE_LIMITS;
        limits_row(w, (void *)row);
    } else {
        return false;
    }
    memcpy(c->data, row, sizeof(row));
    return true;
}

void world_row(struct world *w, struct portcam_command *c)
{
    _Alignas(8) uint8_t row[PC_ROW_BYTES] = {0};
    unsigned table = random_table(w);
    memset(c, 0, sizeof(*c));
    c->opcode = chance(w, w->busy ? 95 : 88) ? PORTCAM_OPCODE_ROW_WRITE : PORTCAM_OPCODE_ROW_DELETE;
    c->table_id = (uint16_t)table;
    switch (table) {
    case PORTCAM_TABLE_DEVICE:
        device_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_FUNCTION:
        c->row = below(w, w->sizes.functions < 5 ? w->sizes.functions : 5);
        function_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_DOMAIN:
        c->row = number(w, w->busy ? 2 : w->sizes.domains);
        domain_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_ADDRESS:
        c->row = below(w, w->sizes.addresses < 40 ? w->sizes.addresses : 40);
        if (chance(w, 10))
            c->row = below(w, w->sizes.addresses);
        address_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_SERVICE:
        c->row = below(w, w->sizes.services < 70 ? w->sizes.services : 70);
        if (chance(w, 10))
            c->row = below(w, w->sizes.services);
        service_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_BACKEND:
        c->row = w->busy ? below(w, BASE_BACKENDS) : number(w, w->sizes.backends);
        backend_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_SCHEDULE:
        c->row = below(w, 8);
        schedule_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_TIMEOUT:
        c->row = number(w, w->sizes.services);
        timeout_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_PUBLIC:
        c->row = w->busy ? below(w, 8) : number(w, w->sizes.addresses);
        public_row(w, (void *)row);
        break;
    case PORTCAM_TABLE_LIMITS:
        limits_row(w, (void *)row);
        break;
    default:
        c->row = endpoint_row(w, table, (void *)row);
        break;
    }
    if (c->opcode == PORTCAM_OPCODE_ROW_WRITE && !w->calm && pc_rng_below(&w->rows, 1000) < 4)
        pc_rng_bytes(&w->rows, row + below(w, 44), 4); /* maybe refused: then the set aborts */
    memcpy(c->data, row, sizeof(row));
}
