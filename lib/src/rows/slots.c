// SPDX-License-Identifier: Apache-2.0
/*
 * Slot tables of stateful services in table schedule: how large, where, and which backends. A table keeps its place while its
 * size stays; what is new takes the first free place of its size (a power of two, aligned to itself); only when there is
 * none are all placed anew, largest first, which leaves no gaps.
 *
 * Each slot has a second choice: for lc and wlc the other candidate, else the one that is tried when the client has a
 * connection to the first one's endpoint already. It is another slot's first choice, by a permutation of the slots that
 * depends on their number only: so second choices have the same shares, and few of them change when one backend goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "schedule/schedule.h"

enum {
    ROW_SLOTS = 8,      /* slots in a row */
    SLOTS_HASHED = 100, /* for each backend where a hash picks */
    SLOTS_TURNS = 32,   /* where a counter or chance does */
    SLOTS_LIGHTEST = 8, /* for the backend of the least weight */
    SLOTS_WEIGHTS_MAX = 8192,
    ATTEMPTS = 32, /* permutations that are tried for a second choice */
};

static uint32_t rows_of(unsigned log2)
{
    uint32_t slots = 1u << log2;
    return slots < ROW_SLOTS ? 1 : slots / ROW_SLOTS;
}

static unsigned log2_up(uint64_t value)
{
    unsigned log2 = 0;
    while ((1u << log2) < value && (1u << log2) < PC_SLOTS_MAX)
        log2++;
    return log2;
}

static bool is_stateful(const struct pc_plan *plan, size_t service)
{
    return plan->config->services[service].mode == PORTCAM_MODE_STATEFUL;
}

/* ---- sizes ---- */

static unsigned wanted_log2(const struct pc_plan *plan, const struct pc_cfg_service *s)
{
    enum pc_scheduler scheduler = pc_service_scheduler(s);
    bool hashed = scheduler == PC_SCHEDULER_MH || scheduler == PC_SCHEDULER_SH;
    uint64_t sum = 0, least = UINT16_MAX + 1;

    if (s->slots != PC_NONE)
        return log2_up((uint64_t)s->slots);
    uint64_t wanted = s->n_backends * (uint64_t)(hashed ? SLOTS_HASHED : SLOTS_TURNS);
    for (size_t i = 0; i < s->n_backends; i++) {
        unsigned weight = plan->config->backends[s->backend_at[i]].weight;
        sum += weight;
        if (weight && weight < least)
            least = weight;
    }
    if (scheduler != PC_SCHEDULER_RR && scheduler != PC_SCHEDULER_LC) {
        uint64_t weights = SLOTS_LIGHTEST * sum / least;
        if (weights > SLOTS_WEIGHTS_MAX)
            weights = SLOTS_WEIGHTS_MAX;
        if (weights > wanted)
            wanted = weights;
    }
    return log2_up(wanted);
}

/* Services by their numbers; those of the highest give way first. */
static uint32_t total_rows(const struct pc_plan *plan)
{
    uint32_t total = 0;
    for (size_t i = 0; i < plan->config->n_services; i++) {
        if (is_stateful(plan, i))
            total += rows_of(plan->slots_log2[i]);
    }
    return total;
}

/* Halves the largest tables whose size was not given until all fit, or nothing can be halved any more. */
static void shrink(struct pc_plan *plan, uint32_t room)
{
    const struct pc_numbers *n = &plan->numbers[PC_SERVICE];
    uint32_t total = total_rows(plan);

    for (unsigned log2 = 16; log2 > 0 && total > room; log2--) {
        for (size_t number = n->room; number-- > 0 && total > room;) {
            int32_t i = n->index[number];
            const struct pc_cfg_service *s = i < 0 ? NULL : &plan->config->services[i];
            if (!s || !is_stateful(plan, (size_t)i) || s->slots != PC_NONE ||
                plan->slots_log2[i] != log2 || (1u << (log2 - 1)) < s->n_backends)
                continue;
            plan->slots_log2[i]--;
            total -= rows_of(log2) - rows_of(log2 - 1);
        }
    }
}

/* ---- places ---- */

/* `used`: a byte for each row. */
static bool is_free(const uint8_t *used, uint32_t at, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        if (used[at + i])
            return false;
    }
    return true;
}

static void take(struct pc_plan *plan, uint8_t *used, size_t service, uint32_t at)
{
    memset(used + at, 1, rows_of(plan->slots_log2[service]));
    plan->schedule[service] = (int32_t)at;
}

/* Those that are in the card with the same number and size stay. */
static void stay(struct pc_plan *plan, uint8_t *used, uint32_t room, const struct pc_image *before)
{
    const struct pc_numbers *n = &plan->numbers[PC_SERVICE];

    for (uint32_t row = 0; before && row < before->rows[PORTCAM_TABLE_SERVICE]; row++) {
        const struct pc_image_row *at = &before->table[PORTCAM_TABLE_SERVICE][row];
        const struct portcam_service_row *old = (const void *)at->data;
        if (!at->valid || old->mode != PORTCAM_MODE_STATEFUL || old->service >= n->room)
            continue;
        int32_t i = n->index[old->service];
        if (i < 0 || n->fresh[i] || !is_stateful(plan, (size_t)i) ||
            plan->slots_log2[i] != old->slots_log2 || plan->schedule[i] >= 0)
            continue;
        uint32_t rows = rows_of(old->slots_log2);
        if (old->schedule % rows == 0 && old->schedule + rows <= room &&
            is_free(used, old->schedule, rows))
            take(plan, used, (size_t)i, old->schedule);
    }
}

/* Places those that have no place yet, largest first. */
static bool place(struct pc_plan *plan, uint8_t *used, uint32_t room)
{
    const struct pc_numbers *n = &plan->numbers[PC_SERVICE];

    for (int log2 = 16; log2 >= 0; log2--) {
        uint32_t at = 0, rows = rows_of((unsigned)log2);
        for (size_t number = 0; number < n->room; number++) {
            int32_t i = n->index[number];
            if (i < 0 || !is_stateful(plan, (size_t)i) || plan->slots_log2[i] != log2 ||
                plan->schedule[i] >= 0)
                continue;
            while (at + rows <= room && !is_free(used, at, rows))
                at += rows;
            if (at + rows > room)
                return false;
            take(plan, used, (size_t)i, at);
        }
    }
    return true;
}

static int place_all(struct pc_plan *plan, uint32_t room, const struct pc_image *before,
                     struct portcam_report *report)
{
    const struct portcam_config *c = plan->config;
    uint8_t *used = calloc(room + 1, 1);

    if (!used)
        return -ENOMEM;
    stay(plan, used, room, before);
    bool fits = place(plan, used, room);
    if (!fits) {
        memset(used, 0, room);
        for (size_t i = 0; i < c->n_services; i++)
            plan->schedule[i] = PC_NONE;
        fits = place(plan, used, room);
    }
    free(used);
    if (fits)
        return 0;
    size_t i = 0;
    while (!is_stateful(plan, i))
        i++;
    pc_report_at(report, "refused", c->file, c->services[i].line,
                 "the slot tables of all stateful services take %u slots, and this card has %u; "
                 "lower their \"slots\", or leave some away",
                 total_rows(plan) * ROW_SLOTS, room * ROW_SLOTS);
    return -EBADMSG;
}

/* ---- contents ---- */

/* A permutation of 2^log2 numbers, another one for each attempt. */
static uint32_t permuted(uint32_t i, unsigned log2, uint32_t attempt)
{
    uint32_t mask = (1u << log2) - 1, half = (log2 + 1) / 2;

    i = (i + attempt * 0x85ebca6bu + 0x27d4eb2fu) & mask;
    for (unsigned round = 0; round < 3; round++) {
        i = (i * 0x9e3779b1u + attempt) & mask;
        i ^= i >> (half ? half : 1);
    }
    return i & mask;
}

struct slots {
    const struct pc_plan *plan;
    unsigned log2;
    uint16_t *first, *second;
    uint32_t
        *next; /* of each slot, the next one with another endpoint; itself when there is none */
};

static uint16_t endpoint_of(const struct pc_plan *plan, uint16_t number)
{
    int32_t index = plan->numbers[PC_BACKEND].index[number];
    return index < 0 ? number : plan->endpoint[index];
}

/* The next slot that differs, round and round; two passes backwards, the first for what is beyond the end. */
static void find_next(struct slots *s, bool endpoints)
{
    uint32_t n = 1u << s->log2;

    for (uint32_t i = 0; i < n; i++)
        s->next[i] = i;
    for (uint32_t i = 2 * n; i-- > 0;) {
        uint32_t at = i % n, after = (i + 1) % n;
        uint16_t a = s->first[at], b = s->first[after];
        bool differs = endpoints ? endpoint_of(s->plan, a) != endpoint_of(s->plan, b) : a != b;
        if (differs)
            s->next[at] = after;
        else if (s->next[after] != after)
            s->next[at] = s->next[after];
    }
}

static void choose_seconds(struct slots *s)
{
    uint32_t n = 1u << s->log2;

    for (unsigned pass = 0; pass < 2; pass++) { /* other endpoints, then other backends */
        find_next(s, pass == 0);
        for (uint32_t i = 0; i < n; i++) {
            uint16_t own = s->first[i];
            uint32_t at = s->next[i];
            if (s->second[i] != PC_SLOT_NONE || at == i)
                continue;
            for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
                uint32_t other = permuted(i, s->log2, attempt);
                if (pass == 0 ? endpoint_of(s->plan, s->first[other]) != endpoint_of(s->plan, own)
                              : s->first[other] != own) {
                    at = other;
                    break;
                }
            }
            s->second[i] = s->first[at];
        }
    }
}

/* Backends that take connections, or, where there is none, backups. Returns how many. */
static size_t members(const struct pc_plan *plan, const struct pc_cfg_service *s,
                      struct pc_schedule_backend *list)
{
    const struct portcam_config *c = plan->config;
    size_t n = 0;

    for (unsigned backup = 0; backup < 2 && n == 0; backup++) {
        for (size_t i = 0; i < s->n_backends; i++) {
            int at = s->backend_at[i];
            if (c->backends[at].weight == 0 || c->backends[at].backup != (backup != 0))
                continue;
            list[n++] = (struct pc_schedule_backend){c->backends[at].name,
                                                     plan->numbers[PC_BACKEND].number[at],
                                                     (uint16_t)c->backends[at].weight};
        }
    }
    return n;
}

static void write_rows(struct pc_plan *plan, size_t service, const struct slots *s)
{
    uint32_t n = 1u << s->log2, rows = rows_of(s->log2);

    for (uint32_t r = 0; r < rows; r++) {
        struct portcam_schedule_row row = {0};
        for (uint32_t k = 0; k < ROW_SLOTS; k++) {
            uint32_t slot = r * ROW_SLOTS + k;
            uint16_t pair[2] = {PC_SLOT_NONE, PC_SLOT_NONE};
            if (slot < n) {
                pair[0] = s->first[slot];
                pair[1] = s->second[slot];
            }
            memcpy(row.slot + (size_t)4 * k, pair, sizeof(pair));
        }
        pc_image_set(plan->image, PORTCAM_TABLE_SCHEDULE, (uint32_t)plan->schedule[service] + r,
                     &row, (int32_t)service);
    }
}

/* Weights by measured times. `work` has room for all. */
static int measured(const struct pc_plan *plan, struct pc_schedule_backend *list, size_t n,
                    struct pc_schedule_work *work)
{
    uint32_t *response = calloc(n + 1, sizeof(*response));
    uint16_t *weight = calloc(n + 1, sizeof(*weight));
    int rc = response && weight ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        json_int_t us = json_integer_value(json_object_get(plan->response, list[i].name));
        response[i] = us > 0 && us <= UINT32_MAX ? (uint32_t)us : 0;
    }
    if (rc == 0)
        pc_schedule_fast(list, response, n, work, weight);
    for (size_t i = 0; rc == 0 && i < n; i++)
        list[i].weight = weight[i];
    free(response);
    free(weight);
    return rc;
}

static int fill(struct pc_plan *plan, size_t service)
{
    const struct pc_cfg_service *s = &plan->config->services[service];
    struct slots slots = {.plan = plan, .log2 = plan->slots_log2[service]};
    size_t n_slots = (size_t)1 << slots.log2;
    struct pc_schedule_backend *list = calloc(s->n_backends + 1, sizeof(*list));
    struct pc_schedule_work *work = calloc(s->n_backends + 1, sizeof(*work));
    int rc = -ENOMEM;

    slots.first = calloc(n_slots, sizeof(*slots.first));
    slots.second = calloc(n_slots, sizeof(*slots.second));
    slots.next = calloc(n_slots, sizeof(*slots.next));
    if (list && work && slots.first && slots.second && slots.next) {
        size_t n = members(plan, s, list);
        rc = pc_service_scheduler(s) == PC_SCHEDULER_FAST ? measured(plan, list, n, work) : 0;
        if (rc == 0)
            rc = pc_schedule(pc_service_scheduler(s), list, n, work, slots.first, n_slots);
    }
    if (rc >= 0) {
        memset(slots.second, 0xff, n_slots * sizeof(*slots.second));
        if (rc > 0)
            choose_seconds(&slots);
        write_rows(plan, service, &slots);
        rc = 0;
    }
    free(list);
    free(work);
    free(slots.first);
    free(slots.second);
    free(slots.next);
    return rc;
}

int pc_compile_slots(struct pc_plan *plan, const struct portcam_caps *caps,
                     const struct pc_image *before, struct portcam_report *report)
{
    const struct portcam_config *c = plan->config;
    bool any = false;

    for (size_t i = 0; i < c->n_services; i++) {
        plan->schedule[i] = PC_NONE;
        if (!is_stateful(plan, i))
            continue;
        any = true;
        plan->slots_log2[i] = (uint8_t)wanted_log2(plan, &c->services[i]);
    }
    if (!any)
        return 0;
    shrink(plan, caps->schedule);
    int rc = place_all(plan, caps->schedule, before, report);
    for (size_t i = 0; rc == 0 && i < c->n_services; i++) {
        if (is_stateful(plan, i))
            rc = fill(plan, i);
    }
    return rc;
}
