// SPDX-License-Identifier: Apache-2.0
/* Steps of stateful services in words: the record that a packet has, or how it gets one; see explain_story.h. */
#include "explain_story.h"

#include <stdio.h>

static void tell_record(struct story *s, const struct portcam_connection_image *i, const char *rule)
{
    const struct pc_decision *d = s->decision;
    char words[120];

    snprintf(words, sizeof(words), "connection %u:%u, state %s", i->slot, i->generation,
             pc_connection_state_name(i->state));
    if (s->stage == PC_STAGE_ENDPOINT)
        pc_story_step(s, rule, 0, -1, "%s: a reply of backend \"%s\"", words,
                      pc_story_backend(s->pc, i->backend));
    else if (!d->began && d->reason == PORTCAM_REASON_CONNECTION_FORWARD)
        pc_story_step(s, rule, PORTCAM_TABLE_BACKEND, i->backend, "%s, is pinned to backend \"%s\"",
                      words, pc_story_backend(s->pc, i->backend));
    else if (d->began && d->index < 0)
        pc_story_step(s, rule, PORTCAM_TABLE_BACKEND, i->backend,
                      "%s: the client begins anew with its old port, and stays at backend \"%s\"",
                      words, pc_story_backend(s->pc, i->backend));
    else
        pc_story_step(s, rule, 0, -1,
                      "%s: the client begins anew with its old port, and needs another backend",
                      words);
}

/* How the slot was picked; a card does not tell its counters and random numbers. */
static void tell_pick(struct story *s)
{
    const struct pc_decision *d = s->decision;
    const struct portcam_service_row *row =
        pc_tables_get(s->pc->model, PORTCAM_TABLE_SERVICE, (unsigned)d->service_row);
    unsigned slots = 1u << row->slots_log2, slot = (unsigned)d->index & (slots - 1);

    if (row->pick == PORTCAM_PICK_COUNTER)
        pc_story_step(s, "P7", 0, -1, "the next of %u %s in turn, for instance slot %u",
                      PC_COUNTED(slots, "slot"), slot);
    else if (row->pick == PORTCAM_PICK_LEAST)
        pc_story_step(
            s, "P7", 0, -1,
            "one of %u %s by chance, for instance slot %u; of its two backends the one with "
            "fewer active connections for its weight",
            PC_COUNTED(slots, "slot"), slot);
    else
        pc_story_step(s, "P7", 0, -1, "the hash of the client's address%s picks slot %u of %u",
                      row->pick == PORTCAM_PICK_CLIENT_IP_PORT ? " and port" : "", slot, slots);
    if (d->candidate[0] < 0 && d->candidate[1] < 0)
        pc_story_step(s, "P7", 0, -1, "no backend of it takes connections");
    else if (d->backend >= 0)
        pc_story_step(s, "P7", PORTCAM_TABLE_BACKEND, d->backend, "backend \"%s\"%s",
                      pc_story_backend(s->pc, d->backend),
                      d->second && !d->free_choice ? ", the second choice" : "");
}

void pc_story_connections(struct story *s)
{
    static const char *const why[] = {
        [PC_CREATE_OK] = "it comes to a loopback address",
        [PC_CREATE_BAD_SOURCE] = "its source is no host",
        [PC_CREATE_BAD_DESTINATION] = "its destination is no host",
        [PC_CREATE_PORT_ZERO] = "its source port is 0",
        [PC_CREATE_LAND] = "source and destination are the same",
        [PC_CREATE_BAD_FLAGS] = "its TCP flags make no sense",
        [PC_CREATE_NOT_SYN] = "it is no SYN",
    };
    const struct pc_decision *d = s->decision;
    bool forward = s->stage == PC_STAGE_SERVICE;
    const char *rule = forward ? "P5" : "P9";
    enum pc_creation creation = pc_may_create(s->parsed);

    if (d->reason == PORTCAM_REASON_SCTP_PORTS || d->reason == PORTCAM_REASON_OTHER_CHECKSUM)
        return;
    if (d->record >= 0 && s->records)
        tell_record(s, &s->records->images[d->record], rule);
    else
        pc_story_step(s, rule, 0, -1, "no connection of this client %s",
                      forward ? "to it" : "with it");
    if (!forward)
        return;
    if (s->parsed->about_flow)
        return;
    if (d->record < 0 && (creation != PC_CREATE_OK || d->loopback))
        pc_story_step(s, "P6", 0, -1, "it cannot begin one: %s",
                      why[d->loopback ? PC_CREATE_OK : creation]);
    if (d->index >= 0)
        tell_pick(s);
    if (d->reason == PORTCAM_REASON_CONNECTION_NEW && d->index >= 0)
        pc_story_step(s, "P8", 0, -1, "a connection begins");
}
