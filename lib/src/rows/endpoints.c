// SPDX-License-Identifier: Apache-2.0
/*
 * The endpoint tables: for every static and stateful service the rows by which replies are found, each placed in its bucket. A row
 * that is in the card already stays where it is, so a change set touches only what is new; others take the lowest free
 * way of their bucket. All ways of a table share one bucket index, so a full bucket has no other place to move a row to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "plan.h"

#define KEY_BYTES 20 /* of a row: address, family, protocol, port */

enum { TCP = 6, UDP = 17, SCTP = 132 };

struct endpoint {
    unsigned table; /* 0 endpoint, 1 endpoint_any_port, 2 endpoint_any */
    int32_t service;
    bool exact; /* its service names the protocol: wins over a row of one that does not */
    bool placed;
    struct portcam_endpoint_row row;
};

/* Of a static service: all that a reply needs. */
static void add_static(struct endpoint *e, const struct pc_plan *plan, size_t index, int backend)
{
    const struct pc_cfg_service *s = &plan->config->services[index];

    memcpy(e->row.public_ip, s->ip.bytes, sizeof(e->row.public_ip));
    if (s->port != PC_NONE)
        e->row.public_port = (uint16_t)s->port;
    e->row.service = plan->numbers[PC_SERVICE].number[index];
    e->row.backend = plan->numbers[PC_BACKEND].number[backend];
    e->row.address = plan->numbers[PC_ADDRESS].number[s->address];
    if (s->strict)
        e->row.flags |= PORTCAM_ENDPOINT_ROW_STRICT;
}

/* Of a stateful one: how the record is found, and the rest only where there may be none. */
static void add_stateful(struct endpoint *e, const struct pc_plan *plan, size_t index, int backend)
{
    const struct pc_cfg_service *s = &plan->config->services[index];

    e->row.service = plan->group[index];
    e->row.backend = plan->endpoint[backend];
    e->row.flags |= PORTCAM_ENDPOINT_ROW_STATEFUL;
    if (s->keeps_port)
        e->row.flags |= PORTCAM_ENDPOINT_ROW_KEEPS_PORT;
    if (pc_service_no_record(s) != PORTCAM_NO_RECORD_HASH &&
        pc_service_full(s) != PORTCAM_FULL_HASH)
        return;
    e->row.flags |= PORTCAM_ENDPOINT_ROW_ALONE;
    memcpy(e->row.public_ip, s->ip.bytes, sizeof(e->row.public_ip));
    if (s->port != PC_NONE)
        e->row.public_port = (uint16_t)s->port;
    e->row.address = plan->numbers[PC_ADDRESS].number[s->address];
}

static void add(struct endpoint *list, size_t *n, const struct pc_plan *plan, size_t index,
                int backend, unsigned table, unsigned protocol)
{
    const struct portcam_config *c = plan->config;
    const struct pc_cfg_service *s = &c->services[index];
    const struct pc_cfg_backend *b = &c->backends[backend];
    struct endpoint *e = &list[(*n)++];

    e->table = table;
    e->service = (int32_t)index;
    e->exact = s->protocol != PC_NONE;
    memcpy(e->row.ip, b->ip.bytes, sizeof(e->row.ip));
    e->row.family = b->ip.family;
    e->row.protocol = (uint8_t)protocol;
    if (s->port != PC_NONE)
        e->row.port = (uint16_t)(b->port ? b->port : (unsigned)s->port);
    e->row.domain = plan->numbers[PC_DOMAIN].number[s->domain];
    if (b->has_mac)
        e->row.flags |= PORTCAM_ENDPOINT_ROW_HAS_MAC;
    if (s->mode == PORTCAM_MODE_STATEFUL)
        add_stateful(e, plan, index, backend);
    else
        add_static(e, plan, index, backend);
}

static void add_all(struct endpoint *list, size_t *n, const struct pc_plan *plan, size_t index,
                    int backend)
{
    const struct pc_cfg_service *s = &plan->config->services[index];

    if (s->port == PC_NONE) {
        add(list, n, plan, index, backend, s->protocol == PC_NONE ? 2 : 1,
            s->protocol == PC_NONE ? 0 : (unsigned)s->protocol);
    } else if (s->protocol != PC_NONE) {
        add(list, n, plan, index, backend, 0, (unsigned)s->protocol);
    } else {
        add(list, n, plan, index, backend, 0, TCP);
        add(list, n, plan, index, backend, 0, UDP);
        add(list, n, plan, index, backend, 0, SCTP);
    }
}

static size_t collect(struct endpoint *list, const struct pc_plan *plan)
{
    const struct portcam_config *c = plan->config;
    size_t n = 0;

    for (size_t i = 0; i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        if (s->mode == PORTCAM_MODE_STATIC)
            add_all(list, &n, plan, i, s->backend);
        for (size_t k = 0; s->mode == PORTCAM_MODE_STATEFUL && k < s->n_backends; k++)
            add_all(list, &n, plan, i, s->backend_at[k]);
    }
    return n;
}

static int by_key(const void *left, const void *right)
{
    const struct endpoint *a = left, *b = right;
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    int order = memcmp(&a->row, &b->row, KEY_BYTES);
    if (order == 0)
        order = (int)b->exact - (int)a->exact;
    return order ? order : (a->service > b->service) - (a->service < b->service);
}

/*
 * One row for each key: the check lets two static services have one only when both turn it back the same way, and rows of
 * stateful ones have the same group and endpoint.
 */
static size_t unique(struct endpoint *list, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && list[kept - 1].table == list[i].table &&
            memcmp(&list[kept - 1].row, &list[i].row, KEY_BYTES) == 0) {
            if (!(list[i].row.flags & PORTCAM_ENDPOINT_ROW_KEEPS_PORT))
                list[kept - 1].row.flags &= (uint8_t)~PORTCAM_ENDPOINT_ROW_KEEPS_PORT;
            continue;
        }
        list[kept++] = list[i];
    }
    return kept;
}

struct shape {
    uint32_t ways, buckets;
};

static uint32_t bucket_of(uint32_t seed, const void *row, const struct shape *shape)
{
    return shape->buckets ? pc_crc32c(seed, row, KEY_BYTES) % shape->buckets : 0;
}

/* Gives the endpoint a row of its bucket: the one that holds its key in `before` if `stay`, else a free one. */
static bool place(struct pc_plan *plan, struct endpoint *e, const struct shape *shape,
                  const struct pc_image *before, bool stay)
{
    unsigned table = PORTCAM_TABLE_ENDPOINT + e->table;
    uint32_t bucket = bucket_of(plan->seed, &e->row, shape);

    for (uint32_t way = 0; way < shape->ways; way++) {
        uint32_t row = way * shape->buckets + bucket;
        const struct pc_image_row *old = before ? &before->table[table][row] : NULL;
        if (plan->image->table[table][row].valid)
            continue;
        if (stay && (!old || !old->valid || memcmp(old->data, &e->row, KEY_BYTES) != 0))
            continue;
        pc_image_set(plan->image, table, row, &e->row, e->service);
        e->placed = true;
        return true;
    }
    return false;
}

int pc_compile_endpoints(struct pc_plan *plan, const struct portcam_caps *caps,
                         const struct pc_image *before, struct portcam_report *report)
{
    const struct portcam_config *c = plan->config;
    struct shape shapes[3];
    size_t most = 1;
    int rc = 0;

    for (size_t i = 0; i < c->n_services; i++)
        most += 3 * c->services[i].n_backends;
    struct endpoint *list = calloc(most, sizeof(*list));

    if (!list)
        return -ENOMEM;
    for (unsigned t = 0; t < 3; t++) {
        shapes[t].ways = caps->endpoint_ways[t];
        shapes[t].buckets = shapes[t].ways ? caps->endpoint_rows[t] / shapes[t].ways : 0;
    }
    size_t n = collect(list, plan);
    if (n)
        qsort(list, n, sizeof(*list), by_key);
    n = unique(list, n);
    for (size_t i = 0; i < n; i++)
        place(plan, &list[i], &shapes[list[i].table], before, true);
    for (size_t i = 0; i < n; i++) {
        const struct shape *shape = &shapes[list[i].table];
        const struct pc_cfg_service *s = &c->services[list[i].service];
        if (list[i].placed || place(plan, &list[i], shape, before, false))
            continue;
        pc_report_at(
            report, "full", c->file, s->line,
            "service \"%s\": its bucket of the %s table is full (%u rows, %u in use, %u ways "
            "a bucket); remove another service, use another backend port, or "
            "run `portcam device reset`, which draws another hash seed",
            s->name, pc_table_name(PORTCAM_TABLE_ENDPOINT + list[i].table),
            caps->endpoint_rows[list[i].table],
            (unsigned)pc_image_count(plan->image, PORTCAM_TABLE_ENDPOINT + list[i].table),
            shape->ways);
        rc = -ENOSPC;
    }
    free(list);
    return rc;
}
