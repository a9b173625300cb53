// SPDX-License-Identifier: Apache-2.0
/* The records that a decision sees and changes, wherever they are; see stateful_step.h. */
#include "stateful_step.h"

int pc_step_forward(const struct step *s, struct pc_end public_end)
{
    const struct pc_stateful *see = s->see;
    unsigned service = s->service->service;
    if (!see)
        return -1;
    if (see->ops)
        return see->ops->forward(see->ctx, &s->key, service, public_end);
    return see->connections ? pc_connections_forward(see->connections, &s->key, service, public_end)
                            : -1;
}

int pc_step_reverse(const struct step *s, unsigned endpoint)
{
    const struct pc_stateful *see = s->see;
    if (!see)
        return -1;
    if (see->ops)
        return see->ops->reverse(see->ctx, &s->key, endpoint);
    return see->connections ? pc_connections_reverse(see->connections, &s->key, endpoint) : -1;
}

const struct pc_connection *pc_step_record(const struct step *s, unsigned slot)
{
    return s->see->ops ? s->see->ops->get(s->see->ctx, slot)
                       : pc_connections_get(s->see->connections, slot);
}

uint32_t pc_step_active(const struct step *s, unsigned backend)
{
    const struct pc_stateful *see = s->see;
    if (!see)
        return 0;
    if (see->ops)
        return see->ops->active(see->ctx, backend);
    return see->connections ? pc_connections_backend(see->connections, backend).active : 0;
}

enum pc_result pc_step_insert(struct step *s, struct pc_insert *i, unsigned *slot)
{
    struct pc_stateful *act = s->act;
    if (!s->see)
        return PC_RESULT_OK;
    if (!s->see->ops && !s->see->connections)
        return PC_RESULT_FULL;
    if (!act)
        return s->see->ops ? s->see->ops->may_insert(s->see->ctx, i)
                           : pc_connections_may_insert(s->see->connections, i);
    if (act->ops)
        return act->ops->insert(act->ctx, i, &s->packet, slot);
    enum pc_result result = pc_connections_insert(act->connections, i, &s->packet, slot);
    if (result == PC_RESULT_BAD_SLOT) { /* whoever chose it compares the slots */
        i->slot = PC_SLOT_ANY;
        result = pc_connections_insert(act->connections, i, &s->packet, slot);
    }
    return result;
}

void pc_step_replace(struct step *s, unsigned slot, const struct pc_insert *i)
{
    struct pc_stateful *act = s->act;
    if (act && act->ops)
        act->ops->replace(act->ctx, slot, i, &s->packet);
    else if (act)
        pc_connections_replace(act->connections, slot, pc_step_record(s, slot)->generation, i,
                               &s->packet, NULL);
}

void pc_step_packet(struct step *s, unsigned slot)
{
    struct pc_packet_result ret = {.ended = NULL};
    if (s->act && s->act->ops)
        s->act->ops->packet(s->act->ctx, slot, &s->packet);
    else if (s->act)
        pc_connections_packet(s->act->connections, slot, &s->packet, &ret);
}
