// SPDX-License-Identifier: Apache-2.0
/* Steps 7 and 8 of docs/pipeline.md section 4: a slot, its candidates, and which of them it is. */
#include "crc32c.h"
#include "stateful_step.h"

/* ---- rows ---- */

const struct portcam_backend_row *pc_step_backend(const struct step *s, unsigned backend)
{
    return pc_tables_get(s->t, PORTCAM_TABLE_BACKEND, backend);
}

bool pc_step_is_own_family(const struct step *s, unsigned family)
{
    return (family == PORTCAM_FAMILY_6) == s->p->is_v6;
}

/* ---- step 7: a slot and its candidates ---- */

static unsigned client_hash(const struct step *s)
{
    const struct pc_tuple *client = &s->p->src;
    bool with_port = s->service->pick == PORTCAM_PICK_CLIENT_IP_PORT;
    uint8_t port[2] = {0};
    if (with_port) {
        port[0] = (uint8_t)(client->port >> 8);
        port[1] = (uint8_t)client->port;
    }
    return pc_crc32c(pc_crc32c(0, client->ip, sizeof(client->ip)), port, sizeof(port));
}

static unsigned random_index(struct step *s)
{
    if (s->choice)
        return s->choice->index;
    uint64_t state = s->see ? s->see->random : 0;
    state = state * 6364136223846793005u + 1442695040888963407u;
    if (s->act)
        s->act->random = state;
    return (unsigned)(state >> 48);
}

static unsigned slot_index(struct step *s)
{
    switch (s->service->pick) {
    case PORTCAM_PICK_COUNTER:
        return s->see ? s->see->counter[s->service->service] : 0;
    case PORTCAM_PICK_LEAST:
        return random_index(s);
    default:
        return client_hash(s) & 0xffff;
    }
}

static bool is_usable(const struct step *s, unsigned backend)
{
    const struct portcam_backend_row *b = pc_step_backend(s, backend);
    return b && pc_step_is_own_family(s, b->family) && b->weight != 0;
}

void pc_step_pick(struct step *s)
{
    s->d->index = (int)slot_index(s);
    unsigned slot = (unsigned)s->d->index & ((1u << s->service->slots_log2) - 1);
    const struct portcam_schedule_row *row =
        pc_tables_get(s->t, PORTCAM_TABLE_SCHEDULE, s->service->schedule + slot / 8);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *at = row ? row->slot + (slot % 8) * 4 + i * 2u : NULL;
        unsigned backend = at ? at[0] | (unsigned)at[1] << 8 : PORTCAM_BACKEND_NONE;
        s->d->candidate[i] = is_usable(s, backend) ? (int)backend : -1;
    }
}

bool pc_step_has_candidate(const struct step *s)
{
    return s->d->candidate[0] >= 0 || s->d->candidate[1] >= 0;
}

/* ---- step 8: one of the candidates ---- */

/* Usable and not ambiguous; `own` is the slot of the packet's own record, or -1. */
static bool may_take(const struct step *s, int backend, int own)
{
    if (backend < 0)
        return false;
    int other = pc_step_reverse(s, pc_step_backend(s, (unsigned)backend)->endpoint);
    return other < 0 || other == own;
}

/* Fewer active connections for its weight than the first? */
static bool second_is_less(const struct step *s)
{
    uint64_t active[2] = {0, 0}, weight[2];
    for (unsigned i = 0; i < 2; i++) {
        unsigned backend = (unsigned)s->d->candidate[i];
        active[i] = pc_step_active(s, backend);
        weight[i] = pc_step_backend(s, backend)->weight;
    }
    return active[1] * weight[0] < active[0] * weight[1];
}

/* The backend, or -1. */
int pc_step_choose(struct step *s, int own)
{
    struct pc_decision *d = s->d;
    bool first = may_take(s, d->candidate[0], own);
    bool second = may_take(s, d->candidate[1], own);
    d->free_choice = first && second && s->service->pick == PORTCAM_PICK_LEAST;
    if (d->free_choice)
        d->second = s->choice ? s->choice->second : second_is_less(s);
    else
        d->second = !first && second;
    return first || second ? d->candidate[d->second] : -1;
}
