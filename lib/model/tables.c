// SPDX-License-Identifier: Apache-2.0
/* Storage and lookups of the tables: see tables.h. One block of rows for each table; the ternary tables have a matcher
 * that is rebuilt when one of their rows changed, the endpoint tables are probed where they lie. */
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "ternary.h"

struct block {
    unsigned rows, used; /* used: rows that are not empty */
    bool changed;
    uint8_t (*row)[PC_ROW_BYTES];
    bool *valid;
};

struct pc_tables {
    struct pc_sizes sizes;
    uint32_t seed;
    uint32_t functions; /* bit n: row n of table function is not empty */
    struct block block[PORTCAM_TABLE_MAX];
    struct pc_ternary *address, *service;
};

struct pc_sizes pc_sizes_default(void)
{
    return (struct pc_sizes){
        .functions = PORTCAM_BUILD_FUNCTIONS,
        .domains = PORTCAM_BUILD_DOMAINS,
        .addresses = PORTCAM_BUILD_ADDRESSES,
        .services = PORTCAM_BUILD_SERVICES,
        .backends = PORTCAM_BUILD_BACKENDS,
        .endpoint_ways = PORTCAM_BUILD_ENDPOINT_WAYS,
        .endpoint_rows = PORTCAM_BUILD_ENDPOINT_ROWS,
        .endpoint_any_port_rows = PORTCAM_BUILD_ENDPOINT_ANY_PORT_ROWS,
        .endpoint_any_rows = PORTCAM_BUILD_ENDPOINT_ANY_ROWS,
        .max_frame = PORTCAM_BUILD_MAX_FRAME,
        .connection_rows = PORTCAM_BUILD_CONNECTION_ROWS,
        .connection_rows_v6 = PORTCAM_BUILD_CONNECTION_ROWS_V6,
        .connection_stash = PORTCAM_BUILD_CONNECTION_STASH,
        .schedule_rows = PORTCAM_BUILD_SCHEDULE_ROWS,
    };
}

static bool power_of_two(unsigned n, unsigned least, unsigned most)
{
    return n >= least && n <= most && (n & (n - 1)) == 0;
}

static bool legal_connections(const struct pc_sizes *s)
{
    if (s->connection_rows == 0)
        return s->connection_rows_v6 == 0;
    return power_of_two(s->connection_rows, 16, 1u << 20) &&
           (s->connection_rows_v6 == 0 || power_of_two(s->connection_rows_v6, 16, 1u << 20)) &&
           s->connection_stash >= 2 && s->connection_stash <= 64;
}

bool pc_sizes_legal(const struct pc_sizes *s)
{
    unsigned least = 2 * s->endpoint_ways; /* two buckets */
    return power_of_two(s->functions, 2, 16) && power_of_two(s->domains, 2, 32768) &&
           power_of_two(s->addresses, 2, 2048) && power_of_two(s->services, 2, 2048) &&
           power_of_two(s->backends, 2, 32768) && power_of_two(s->endpoint_ways, 1, 16) &&
           power_of_two(s->endpoint_rows, least, 65536) &&
           power_of_two(s->endpoint_any_port_rows, least, 65536) &&
           power_of_two(s->endpoint_any_rows, least, 65536) && s->max_frame >= 128 &&
           s->max_frame <= PORTCAM_PUNT_ENTRY - sizeof(struct portcam_punt_header) &&
           legal_connections(s) && power_of_two(s->schedule_rows, 2, 8192);
}

static unsigned block_rows(const struct pc_sizes *s, unsigned table)
{
    switch (table) {
    case PORTCAM_TABLE_DEVICE:
        return 1;
    case PORTCAM_TABLE_FUNCTION:
        return s->functions;
    case PORTCAM_TABLE_DOMAIN:
        return s->domains;
    case PORTCAM_TABLE_ADDRESS:
        return s->addresses;
    case PORTCAM_TABLE_SERVICE:
        return s->services;
    case PORTCAM_TABLE_BACKEND:
        return s->backends;
    case PORTCAM_TABLE_ENDPOINT:
        return s->endpoint_rows;
    case PORTCAM_TABLE_ENDPOINT_ANY_PORT:
        return s->endpoint_any_port_rows;
    case PORTCAM_TABLE_ENDPOINT_ANY:
        return s->endpoint_any_rows;
    case PORTCAM_TABLE_SCHEDULE:
        return s->schedule_rows;
    case PORTCAM_TABLE_TIMEOUT:
        return s->services;
    case PORTCAM_TABLE_PUBLIC:
        return s->addresses;
    case PORTCAM_TABLE_LIMITS:
        return 1;
    default:
        return 0;
    }
}

struct pc_tables *pc_tables_new(const struct pc_sizes *sizes)
{
    struct pc_tables *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->sizes = *sizes;
    t->address = pc_ternary_new(sizes->addresses);
    t->service = pc_ternary_new(sizes->services);
    bool ok = t->address && t->service;
    for (unsigned i = 0; i < PORTCAM_TABLE_MAX; i++) {
        struct block *b = &t->block[i];
        b->rows = block_rows(sizes, i);
        b->row = calloc(b->rows, sizeof(*b->row));
        b->valid = calloc(b->rows, sizeof(*b->valid));
        ok = ok && b->row && b->valid;
    }
    if (!ok) {
        pc_tables_free(t);
        return NULL;
    }
    return t;
}

void pc_tables_free(struct pc_tables *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < PORTCAM_TABLE_MAX; i++) {
        free(t->block[i].row);
        free(t->block[i].valid);
    }
    pc_ternary_free(t->address);
    pc_ternary_free(t->service);
    free(t);
}

const struct pc_sizes *pc_tables_sizes(const struct pc_tables *t)
{
    return &t->sizes;
}

void pc_tables_clear(struct pc_tables *t)
{
    for (unsigned i = 0; i < PORTCAM_TABLE_MAX; i++) {
        struct block *b = &t->block[i];
        memset(b->valid, 0, b->rows * sizeof(*b->valid));
        b->used = 0;
        b->changed = false;
    }
    t->functions = 0;
    pc_ternary_clear(t->address);
    pc_ternary_clear(t->service);
}

unsigned pc_tables_rows(const struct pc_tables *t, unsigned table)
{
    return table < PORTCAM_TABLE_MAX ? t->block[table].rows : 0;
}

void pc_tables_set(struct pc_tables *t, unsigned table, unsigned row, const void *data)
{
    struct block *b = &t->block[table];
    b->changed = true;
    b->used += (data != NULL) - (b->valid[row] ? 1u : 0u);
    b->valid[row] = data != NULL;
    if (data)
        memcpy(b->row[row], data, PC_ROW_BYTES);
    if (table == PORTCAM_TABLE_FUNCTION) /* at most 16 rows */
        t->functions = (t->functions & ~(1u << row)) | (data ? 1u << row : 0);
}

uint32_t pc_tables_functions(const struct pc_tables *t)
{
    return t->functions;
}

const void *pc_tables_get(const struct pc_tables *t, unsigned table, unsigned row)
{
    if (row >= pc_tables_rows(t, table) || !t->block[table].valid[row])
        return NULL;
    return t->block[table].row[row];
}

/* Keys: address {vlan and family, ip}; service {domain, address, port, protocol, with/without ports}. */

static struct pc_ternary_key address_key(bool is_v6, unsigned vlan, const uint8_t ip[16])
{
    struct pc_ternary_key k = {.word = {vlan | (is_v6 ? 1u << 16 : 0)}};
    memcpy(&k.word[1], ip, 16);
    return k;
}

static void add_address(struct pc_ternary *t, unsigned row, const struct portcam_address_row *a)
{
    uint8_t mask[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned bits = a->prefix > i * 8 ? a->prefix - i * 8 : 0;
        mask[i] = (uint8_t)(bits >= 8 ? 255 : 255u << (8 - bits));
    }
    struct pc_ternary_key k = address_key(a->family == PORTCAM_FAMILY_6, a->vlan & 0xfffu, a->ip);
    struct pc_ternary_key m = address_key(true, a->vlan == PORTCAM_VLAN_ANY ? 0 : 0xfff, mask);
    pc_ternary_add(t, row, &k, &m);
}

static struct pc_ternary_key service_key(unsigned domain, unsigned address, unsigned protocol,
                                         bool has_ports, unsigned port)
{
    return (struct pc_ternary_key){.word = {(uint64_t)domain << 48 | (uint64_t)address << 32 |
                                            (uint64_t)port << 16 | (uint64_t)protocol << 8 |
                                            has_ports}};
}

static void add_service(struct pc_ternary *t, unsigned row, const struct portcam_service_row *s)
{
    bool port = s->flags & PORTCAM_SERVICE_ROW_EXACT_PORT;
    bool protocol = s->flags & PORTCAM_SERVICE_ROW_EXACT_PROTOCOL;
    struct pc_ternary_key k = service_key(s->domain, s->address, s->protocol, true, s->port);
    struct pc_ternary_key m = service_key(0xffff, s->address == PORTCAM_ADDRESS_ANY ? 0 : 0xffff,
                                          protocol ? 0xff : 0, port, port ? 0xffff : 0);
    pc_ternary_add(t, row, &k, &m);
}

void pc_tables_build(struct pc_tables *t)
{
    struct block *a = &t->block[PORTCAM_TABLE_ADDRESS];
    if (a->changed) {
        pc_ternary_clear(t->address);
        for (unsigned row = 0; row < a->rows; row++)
            if (a->valid[row])
                add_address(t->address, row, (const void *)a->row[row]);
    }
    struct block *s = &t->block[PORTCAM_TABLE_SERVICE];
    if (s->changed) {
        pc_ternary_clear(t->service);
        for (unsigned row = 0; row < s->rows; row++)
            if (s->valid[row])
                add_service(t->service, row, (const void *)s->row[row]);
    }
    for (unsigned i = 0; i < PORTCAM_TABLE_MAX; i++)
        t->block[i].changed = false;
}

void pc_tables_set_seed(struct pc_tables *t, uint32_t seed)
{
    t->seed = seed;
}

uint32_t pc_tables_seed(const struct pc_tables *t)
{
    return t->seed;
}

unsigned pc_endpoint_bucket(uint32_t seed, const void *row, unsigned buckets)
{
    return pc_crc32c(seed, row, 20) & (buckets - 1);
}

int pc_tables_address(const struct pc_tables *t, const struct pc_parsed *p)
{
    struct pc_ternary_key k = address_key(p->is_v6, p->vlan, p->dst.ip);
    return pc_ternary_lookup(t->address, &k);
}

int pc_tables_service(const struct pc_tables *t, unsigned domain, unsigned address,
                      const struct pc_parsed *p)
{
    struct pc_ternary_key k = service_key(domain, address, p->protocol, p->has_ports, p->dst.port);
    return pc_ternary_lookup(t->service, &k);
}

/* The lowest way whose row equals the key (the first 20 bytes of an endpoint row). */
static int probe(const struct pc_tables *t, unsigned table, const uint8_t key[20], uint32_t hash)
{
    const struct block *b = &t->block[table];
    unsigned buckets = b->rows / t->sizes.endpoint_ways;
    for (unsigned row = hash & (buckets - 1); row < b->rows; row += buckets)
        if (b->valid[row] && memcmp(b->row[row], key, 20) == 0)
            return (int)row;
    return -1;
}

int pc_tables_endpoint(const struct pc_tables *t, const struct pc_parsed *p, unsigned *table)
{
    const unsigned exact = PORTCAM_TABLE_ENDPOINT, any_port = PORTCAM_TABLE_ENDPOINT_ANY_PORT;
    const unsigned any = PORTCAM_TABLE_ENDPOINT_ANY;
    if (!(t->block[exact].used | t->block[any_port].used | t->block[any].used))
        return -1;

    struct portcam_endpoint_row key = {.family = p->is_v6 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4,
                                       .protocol = p->protocol};
    memcpy(key.ip, p->src.ip, 16);
    uint8_t *bytes = (uint8_t *)&key;
    uint32_t common = pc_crc32c(t->seed, bytes, 17);
    int row = -1;
    if (p->has_ports && t->block[exact].used) {
        key.port = p->src.port;
        row = probe(t, *table = exact, bytes, pc_crc32c(common, bytes + 17, 3));
        key.port = 0;
    }
    if (row < 0 && t->block[any_port].used)
        row = probe(t, *table = any_port, bytes, pc_crc32c(common, bytes + 17, 3));
    if (row < 0 && t->block[any].used) {
        key.protocol = 0;
        row = probe(t, *table = any, bytes, pc_crc32c(common, bytes + 17, 3));
    }
    return row;
}
