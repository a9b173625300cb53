// SPDX-License-Identifier: Apache-2.0
/*
 * From objects to rows, all tables but the endpoints (endpoints.c) and the slot tables (slots.c). Rows of the ternary tables stand in the order in
 * which they must win: addresses by prefix length, then VLAN; services by what of the key they name, the port counting
 * most, then the address, then the protocol.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_slow.h"
#include "plan.h"

static uint16_t number_of(const struct pc_plan *plan, enum pc_kind kind, int index)
{
    return plan->numbers[kind].number[index];
}

static void device_and_functions(struct pc_plan *plan)
{
    const struct portcam_config *c = plan->config;

    if (c->has_device_mac) {
        struct portcam_device_row row = {0};
        memcpy(row.mac, c->device_mac, sizeof(row.mac));
        pc_image_set(plan->image, PORTCAM_TABLE_DEVICE, 0, &row, 0);
    }
    for (size_t i = 0; i < c->n_functions; i++) {
        const struct pc_cfg_function *f = &c->functions[i];
        struct portcam_function_row row = {0};
        memcpy(row.mac, f->mac, sizeof(row.mac));
        if (f->has_mac)
            row.flags |= PORTCAM_FUNCTION_ROW_HAS_MAC;
        if (f->is_default)
            row.flags |= PORTCAM_FUNCTION_ROW_IS_DEFAULT;
        if (f->domain != PC_NONE) {
            row.flags |= PORTCAM_FUNCTION_ROW_HAS_DOMAIN;
            row.domain = number_of(plan, PC_DOMAIN, f->domain);
        }
        pc_image_set(plan->image, PORTCAM_TABLE_FUNCTION, f->number, &row, (int32_t)i);
    }
}

/* Weights count for the candidates of wlc; for those of lc alone every backend that takes connections is one. */
static void weights(const struct portcam_config *c, uint16_t *weight)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < c->n_services; i++) {
            const struct pc_cfg_service *s = &c->services[i];
            if (s->mode != PORTCAM_MODE_STATEFUL ||
                (pc_service_scheduler(s) == PC_SCHEDULER_LC) != (pass == 0))
                continue;
            for (size_t k = 0; k < s->n_backends; k++) {
                unsigned own = c->backends[s->backend_at[k]].weight;
                weight[s->backend_at[k]] = (uint16_t)(pass == 0 && own > 1 ? 1 : own);
            }
        }
    }
}

static int backends(struct pc_plan *plan)
{
    const struct portcam_config *c = plan->config;
    uint16_t *weight = calloc(c->n_backends + 1, sizeof(*weight));

    if (!weight)
        return -ENOMEM;
    weights(c, weight);
    for (size_t i = 0; i < c->n_backends; i++) {
        const struct pc_cfg_backend *b = &c->backends[i];
        struct portcam_backend_row row = {.family = b->ip.family ? b->ip.family : PORTCAM_FAMILY_4,
                                          .port = (uint16_t)b->port,
                                          .egress = (uint8_t)b->function};
        memcpy(row.ip, b->ip.bytes, sizeof(row.ip));
        memcpy(row.mac, b->mac, sizeof(row.mac));
        if (b->has_mac)
            row.flags |= PORTCAM_BACKEND_ROW_HAS_MAC;
        if (plan->stateful[i]) {
            row.weight = weight[i];
            row.endpoint = plan->endpoint[i];
        }
        pc_image_set(plan->image, PORTCAM_TABLE_BACKEND, number_of(plan, PC_BACKEND, (int)i), &row,
                     (int32_t)i);
    }
    free(weight);
    return 0;
}

/* When records of each service end, and what replies to each address get back. */
static int of_records(struct pc_plan *plan)
{
    const struct portcam_config *c = plan->config;
    bool *stateful = calloc(c->n_domains + 1, sizeof(*stateful));

    if (!stateful)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        struct portcam_timeout_row row = {.domain = number_of(plan, PC_DOMAIN, s->domain)};
        uint32_t *ms[PC_TIMEOUTS] = {&row.syn,      &row.syn_ack, &row.established, &row.fin_one,
                                     &row.fin_both, &row.reset,   &row.unreplied,   &row.replied};
        if (s->mode != PORTCAM_MODE_STATEFUL)
            continue;
        stateful[s->domain] = true;
        for (unsigned k = 0; k < PC_TIMEOUTS; k++)
            *ms[k] = s->timeouts[k] ? s->timeouts[k] : PcTimeoutDefaults[k];
        pc_image_set(plan->image, PORTCAM_TABLE_TIMEOUT, number_of(plan, PC_SERVICE, (int)i), &row,
                     (int32_t)i);
    }
    for (size_t i = 0; i < c->n_addresses; i++) {
        const struct pc_cfg_address *a = &c->addresses[i];
        struct portcam_public_row row = {.family = a->ip.family};
        if (!stateful[a->domain] || a->length != pc_ip_bits(&a->ip))
            continue;
        memcpy(row.ip, a->ip.bytes, sizeof(row.ip));
        pc_image_set(plan->image, PORTCAM_TABLE_PUBLIC, number_of(plan, PC_ADDRESS, (int)i), &row,
                     (int32_t)i);
    }
    free(stateful);
    return 0;
}

/* Where something is limited, or told to be. */
static void limits(struct pc_plan *plan, const struct portcam_caps *caps)
{
    const struct portcam_config *c = plan->config;
    const struct pc_cfg_limits *l = &c->limits;
    bool slow = pc_slow_path_runs(c, caps), wanted = l->line > 0 || slow;

    for (size_t i = 0; i < c->n_services && !wanted; i++)
        wanted = c->services[i].mode == PORTCAM_MODE_STATEFUL;
    for (size_t i = 0; i < c->n_domains && !wanted; i++)
        wanted = c->domains[i].unknown == PORTCAM_POLICY_REJECT;
    if (!wanted || plan->image->rows[PORTCAM_TABLE_LIMITS] == 0)
        return;
    struct portcam_limits_row row = {
        .embryonic = l->embryonic == PC_NONE ? (caps->connections + caps->connections_v6) / 4
                                             : (uint32_t)l->embryonic,
        .reject_rate = (uint16_t)(l->reject_rate == PC_NONE ? (int)PC_REJECT_RATE : l->reject_rate),
        .reject_burst =
            (uint16_t)(l->reject_burst == PC_NONE ? (int)PC_REJECT_BURST : l->reject_burst)};
    if (slow)
        pc_slow_path_row(&c->slow_path, &row);
    pc_image_set(plan->image, PORTCAM_TABLE_LIMITS, 0, &row, 0);
}

int pc_compile_rows(struct pc_plan *plan, const struct portcam_caps *caps)
{
    const struct portcam_config *c = plan->config;

    device_and_functions(plan);
    for (size_t i = 0; i < c->n_domains; i++) {
        const struct pc_cfg_domain *d = &c->domains[i];
        struct portcam_domain_row row = {
            .state = (uint8_t)d->state, .unknown = (uint8_t)d->unknown, .home = (uint8_t)d->home};
        pc_image_set(plan->image, PORTCAM_TABLE_DOMAIN, number_of(plan, PC_DOMAIN, (int)i), &row,
                     (int32_t)i);
    }
    limits(plan, caps);
    int rc = of_records(plan);
    return rc ? rc : backends(plan);
}

/* ---- rows in order of priority ---- */

struct ordered {
    unsigned rank; /* lower wins */
    int32_t index;
    union {
        struct portcam_address_row address;
        struct portcam_service_row service;
        uint8_t bytes[PC_IMAGE_ROW];
    } row;
};

static int by_rank(const void *left, const void *right)
{
    const struct ordered *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return memcmp(a->row.bytes, b->row.bytes, sizeof(a->row.bytes));
}

static void order(struct pc_plan *plan, unsigned table, struct ordered *rows, size_t n)
{
    if (n)
        qsort(rows, n, sizeof(*rows), by_rank);
    for (size_t i = 0; i < n; i++)
        pc_image_set(plan->image, table, (uint32_t)i, rows[i].row.bytes, rows[i].index);
}

static void address_row(const struct pc_plan *plan, size_t index, struct ordered *ret)
{
    const struct pc_cfg_address *a = &plan->config->addresses[index];
    struct portcam_address_row *row = &ret->row.address;

    memcpy(row->ip, a->ip.bytes, sizeof(row->ip));
    row->family = a->ip.family;
    row->prefix = (uint8_t)a->length;
    row->vlan = a->vlan == PC_NONE ? PORTCAM_VLAN_ANY : (uint16_t)a->vlan;
    row->address = number_of(plan, PC_ADDRESS, (int)index);
    row->domain = number_of(plan, PC_DOMAIN, a->domain);
    row->home = (uint8_t)a->function;
    ret->rank = 2 * (128 - a->length) + (a->vlan == PC_NONE);
    ret->index = (int32_t)index;
}

static void service_row(const struct pc_plan *plan, size_t index, struct ordered *ret)
{
    const struct pc_cfg_service *s = &plan->config->services[index];
    struct portcam_service_row *row = &ret->row.service;

    row->domain = number_of(plan, PC_DOMAIN, s->domain);
    row->address =
        s->address == PC_NONE ? PORTCAM_ADDRESS_ANY : number_of(plan, PC_ADDRESS, s->address);
    if (s->port != PC_NONE) {
        row->port = (uint16_t)s->port;
        row->flags |= PORTCAM_SERVICE_ROW_EXACT_PORT;
    }
    if (s->protocol != PC_NONE) {
        row->protocol = (uint8_t)s->protocol;
        row->flags |= PORTCAM_SERVICE_ROW_EXACT_PROTOCOL;
    }
    row->mode = (uint8_t)s->mode;
    row->service = number_of(plan, PC_SERVICE, (int)index);
    if (s->mode == PORTCAM_MODE_STATEFUL) {
        row->flags |= s->keeps_port ? PORTCAM_SERVICE_ROW_KEEPS_PORT : 0;
        row->group = plan->group[index];
        row->schedule = (uint16_t)plan->schedule[index];
        row->slots_log2 = plan->slots_log2[index];
        row->pick = (uint8_t)pc_service_pick(s);
        row->no_record = (uint8_t)pc_service_no_record(s);
        row->no_backend = (uint8_t)pc_service_no_backend(s);
        row->full = (uint8_t)pc_service_full(s);
    } else {
        row->backend = number_of(plan, PC_BACKEND, s->backend);
    }
    ret->rank =
        4u * (s->port == PC_NONE) + 2u * (s->address == PC_NONE) + 1u * (s->protocol == PC_NONE);
    ret->index = (int32_t)index;
}

int pc_compile_ordered(struct pc_plan *plan)
{
    const struct portcam_config *c = plan->config;
    size_t most = c->n_addresses > c->n_services ? c->n_addresses : c->n_services;
    struct ordered *rows = calloc(most + 1, sizeof(*rows));

    if (!rows)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_addresses; i++)
        address_row(plan, i, &rows[i]);
    order(plan, PORTCAM_TABLE_ADDRESS, rows, c->n_addresses);
    memset(rows, 0, (most + 1) * sizeof(*rows));
    for (size_t i = 0; i < c->n_services; i++)
        service_row(plan, i, &rows[i]);
    order(plan, PORTCAM_TABLE_SERVICE, rows, c->n_services);
    free(rows);
    return 0;
}

void pc_plan_free(struct pc_plan *plan)
{
    if (!plan)
        return;
    for (enum pc_kind kind = 0; kind < PC_KIND_MAX; kind++) {
        free(plan->numbers[kind].number);
        free(plan->numbers[kind].fresh);
        free(plan->numbers[kind].base);
        free(plan->numbers[kind].index);
    }
    free(plan->stateful);
    free(plan->endpoint);
    free(plan->group);
    free(plan->schedule);
    free(plan->slots_log2);
    json_decref(plan->reserved);
    json_decref(plan->response);
    pc_image_free(plan->image);
    portcam_config_free(plan->config);
    free(plan);
}

static int make_room(struct pc_plan *plan)
{
    const struct portcam_config *c = plan->config;

    plan->stateful = calloc(c->n_backends + 1, sizeof(*plan->stateful));
    plan->endpoint = calloc(c->n_backends + 1, sizeof(*plan->endpoint));
    plan->group = calloc(c->n_services + 1, sizeof(*plan->group));
    plan->schedule = calloc(c->n_services + 1, sizeof(*plan->schedule));
    plan->slots_log2 = calloc(c->n_services + 1, sizeof(*plan->slots_log2));
    return plan->stateful && plan->endpoint && plan->group && plan->schedule && plan->slots_log2
               ? 0
               : -ENOMEM;
}

int pc_plan_make(struct portcam_config *config, const struct portcam_caps *caps, uint32_t seed,
                 json_t *names, const struct pc_image *before, struct portcam_report *report,
                 struct pc_plan **ret)
{
    size_t before_count = pc_report_total(report);
    struct pc_plan *plan = calloc(1, sizeof(*plan));
    int rc;

    if (!plan)
        return -ENOMEM;
    pc_config_caps(config, caps, report);
    if (pc_report_total(report) > before_count) {
        free(plan);
        return -EBADMSG;
    }
    plan->config = pc_config_share(config);
    plan->seed = seed;
    plan->image = pc_image_new(caps);
    rc = plan->image ? make_room(plan) : -ENOMEM;
    if (rc == 0)
        rc = pc_numbers_make(plan, caps, names, before, report);
    if (rc == 0)
        rc = pc_compile_groups(plan, before);
    if (rc == 0)
        rc = pc_compile_endpoints(plan, caps, before, report);
    if (rc == 0)
        rc = pc_compile_slots(plan, caps, before, report);
    if (rc == 0)
        rc = pc_compile_rows(plan, caps);
    if (rc == 0)
        rc = pc_compile_ordered(plan);
    if (rc) {
        pc_plan_free(plan);
        return rc;
    }
    *ret = plan;
    return 0;
}
