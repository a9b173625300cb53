// SPDX-License-Identifier: Apache-2.0
/*
 * From objects to rows, all tables but the endpoints (endpoints.c). Rows of the ternary tables stand in the order in
 * which they must win: addresses by prefix length, then VLAN; services by what of the key they name, the port counting
 * most, then the address, then the protocol.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

void pc_compile_rows(struct pc_plan *plan)
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
    for (size_t i = 0; i < c->n_backends; i++) {
        const struct pc_cfg_backend *b = &c->backends[i];
        struct portcam_backend_row row = {.family = b->ip.family ? b->ip.family : PORTCAM_FAMILY_4,
                                          .port = (uint16_t)b->port,
                                          .egress = (uint8_t)b->function};
        memcpy(row.ip, b->ip.bytes, sizeof(row.ip));
        memcpy(row.mac, b->mac, sizeof(row.mac));
        if (b->has_mac)
            row.flags |= PORTCAM_BACKEND_ROW_HAS_MAC;
        pc_image_set(plan->image, PORTCAM_TABLE_BACKEND, number_of(plan, PC_BACKEND, (int)i), &row,
                     (int32_t)i);
    }
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
    row->backend = number_of(plan, PC_BACKEND, s->backend);
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
    pc_image_free(plan->image);
    portcam_config_free(plan->config);
    free(plan);
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
    rc = plan->image ? pc_numbers_make(plan, caps, names) : -ENOMEM;
    if (rc == 0) {
        pc_compile_rows(plan);
        rc = pc_compile_ordered(plan);
    }
    if (rc == 0)
        rc = pc_compile_endpoints(plan, caps, before, report);
    if (rc) {
        pc_plan_free(plan);
        return rc;
    }
    *ret = plan;
    return 0;
}
