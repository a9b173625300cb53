// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers of groups and endpoints: what services and backends that share endpoints have in common (config_endpoints.c). A
 * number is the lowest of its members, and stays what it was in the card as long as a member of then is in it: records
 * are found by it. No two groups and no two endpoints have one number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

/* Members of one kind, by index: their class, and the number that it had in the card. */
struct members {
    const struct pc_numbers *n;
    int *root; /* index of one member of the class, PC_NONE: in no class */
    int *old;  /* PC_NONE: none */
};

static int members_new(struct members *m, const struct pc_numbers *n)
{
    m->n = n;
    m->root = calloc(n->count + 1, sizeof(*m->root));
    m->old = calloc(n->count + 1, sizeof(*m->old));
    for (size_t i = 0; m->root && m->old && i < n->count; i++)
        m->root[i] = m->old[i] = PC_NONE;
    return m->root && m->old ? 0 : -ENOMEM;
}

static void members_free(struct members *m)
{
    free(m->root);
    free(m->old);
}

/* Those of the card come first, then own numbers, then any. */
enum pass { OLD, OWN, ANY, PASSES };

/* Numbers for the classes, by their roots, in the order of the members' own numbers. */
static void number_classes(const struct members *m, int *of_class, bool *used)
{
    size_t any = 0;

    for (enum pass pass = OLD; pass < PASSES; pass++) {
        for (size_t own = 0; own < m->n->room; own++) {
            int32_t i = m->n->index[own];
            if (i < 0 || m->root[i] == PC_NONE || of_class[m->root[i]] != PC_NONE)
                continue;
            while (pass == ANY && used[any])
                any++;
            int number = pass == OLD ? m->old[i] : pass == OWN ? (int)own : (int)any;
            if (number == PC_NONE || used[number])
                continue;
            of_class[m->root[i]] = number;
            used[number] = true;
        }
    }
}

static int assign(const struct members *m, uint16_t *ret)
{
    int *of_class = calloc(m->n->count + 1, sizeof(*of_class));
    bool *used = calloc(m->n->room + 1, sizeof(*used));
    int rc = of_class && used ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < m->n->count; i++)
        of_class[i] = PC_NONE;
    if (rc == 0)
        number_classes(m, of_class, used);
    for (size_t i = 0; rc == 0 && i < m->n->count; i++) {
        if (m->root[i] != PC_NONE)
            ret[i] = (uint16_t)of_class[m->root[i]];
    }
    free(of_class);
    free(used);
    return rc;
}

/* The index of a number that its object had before, or PC_NONE. */
static int kept(const struct pc_numbers *n, size_t number)
{
    int32_t i = number < n->room ? n->index[number] : PC_NONE;
    return i < 0 || n->fresh[i] ? PC_NONE : i;
}

static int groups(struct pc_plan *plan, const struct pc_image *before)
{
    const struct portcam_config *c = plan->config;
    struct members m;
    int rc = members_new(&m, &plan->numbers[PC_SERVICE]);

    for (size_t i = 0; rc == 0 && i < c->n_services; i++) {
        if (c->services[i].mode == PORTCAM_MODE_STATEFUL)
            m.root[i] = c->services[i].group;
    }
    for (uint32_t r = 0; rc == 0 && before && r < before->rows[PORTCAM_TABLE_SERVICE]; r++) {
        const struct pc_image_row *at = &before->table[PORTCAM_TABLE_SERVICE][r];
        const struct portcam_service_row *row = (const void *)at->data;
        int i = at->valid && row->mode == PORTCAM_MODE_STATEFUL ? kept(m.n, row->service) : PC_NONE;
        if (i != PC_NONE && row->group < m.n->room)
            m.old[i] = row->group;
    }
    if (rc == 0)
        rc = assign(&m, plan->group);
    members_free(&m);
    return rc;
}

/* The address of each endpoint number that records may have in the card; to be freed. */
static const uint8_t **endpoint_ips(const struct pc_image *image, size_t room)
{
    const uint8_t **ips = calloc(room + 1, sizeof(*ips));

    for (unsigned t = PORTCAM_TABLE_ENDPOINT; ips && image && t <= PORTCAM_TABLE_ENDPOINT_ANY;
         t++) {
        for (uint32_t r = 0; r < image->rows[t]; r++) {
            const struct portcam_endpoint_row *row = (const void *)image->table[t][r].data;
            if (image->table[t][r].valid && row->flags & PORTCAM_ENDPOINT_ROW_STATEFUL &&
                row->backend < room)
                ips[row->backend] = row->ip;
        }
    }
    return ips;
}

static int old_endpoint(const struct pc_image *before, const uint8_t **ips, size_t room,
                        const struct pc_cfg_backend *b, uint16_t number)
{
    const struct pc_image_row *at = &before->table[PORTCAM_TABLE_BACKEND][number];
    const struct portcam_backend_row *row = (const void *)at->data;

    if (!at->valid || row->endpoint >= room || !ips[row->endpoint] || row->port != b->port ||
        row->family != b->ip.family || memcmp(row->ip, b->ip.bytes, sizeof(row->ip)) != 0 ||
        memcmp(row->ip, ips[row->endpoint], sizeof(row->ip)) != 0)
        return PC_NONE;
    return row->endpoint;
}

static int endpoints(struct pc_plan *plan, const struct pc_image *before)
{
    const struct portcam_config *c = plan->config;
    const struct pc_numbers *n = &plan->numbers[PC_BACKEND];
    const uint8_t **ips = endpoint_ips(before, n->room);
    struct members m;
    int rc = members_new(&m, n);

    if (!ips)
        rc = -ENOMEM;
    for (size_t i = 0; rc == 0 && i < c->n_services; i++) {
        const struct pc_cfg_service *s = &c->services[i];
        for (size_t k = 0; s->mode == PORTCAM_MODE_STATEFUL && k < s->n_backends; k++)
            m.root[s->backend_at[k]] = c->backends[s->backend_at[k]].endpoint;
    }
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        plan->stateful[i] = m.root[i] != PC_NONE;
        if (before && plan->stateful[i] && !n->fresh[i])
            m.old[i] = old_endpoint(before, ips, n->room, &c->backends[i], n->number[i]);
    }
    if (rc == 0)
        rc = assign(&m, plan->endpoint);
    members_free(&m);
    free(ips);
    return rc;
}

int pc_compile_groups(struct pc_plan *plan, const struct pc_image *before)
{
    int rc = groups(plan, before);
    return rc ? rc : endpoints(plan, before);
}
