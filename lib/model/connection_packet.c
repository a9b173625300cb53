// SPDX-License-Identifier: Apache-2.0
/* A packet of a connection record: docs/connections.md sections 4 and 5. */
#include "connection_table.h"

#define PC_PACKETS_MASK ((1ull << 48) - 1)

static void count(struct pc_connection *r, const struct pc_packet *p)
{
    struct portcam_counter_row *row = p->from == PC_FROM_CLIENT ? &r->forward : &r->reverse;
    row->packets = (row->packets + 1) & PC_PACKETS_MASK;
    row->octets += p->len;
}

static void enter(struct pc_connections *c, struct pc_connection *r, enum pc_connection_state state)
{
    pc_active_add(c, r->backend, pc_state_is_active(state) - pc_state_is_active(r->state));
    r->state = (uint8_t)state;
}

static unsigned prove(struct pc_connections *c, struct pc_connection *r)
{
    if (!r->embryonic)
        return 0;
    r->embryonic = false;
    c->embryonic--;
    return PC_EFFECT_PROVEN;
}

/* Effects of a client's PC_PROTOCOL_TCP packet; `before` is the state it met. */
static unsigned client_effects(struct pc_connections *c, struct pc_connection *r,
                               enum pc_connection_state before, enum pc_tcp_class class_of,
                               const struct pc_packet *p)
{
    uint32_t behind = pc_tcp_end(p->seq, p->payload, p->tcp_flags);
    bool opening = before == PC_STATE_SYN_SEEN || before == PC_STATE_SYN_ACK_SEEN;
    if (class_of == PC_CLASS_SYN && opening) {
        r->client_next = behind;
        r->syn_repeats += r->syn_repeats < UINT8_MAX ? 1 : 0;
        c->backend[r->backend].syn_repeats++;
        return PC_EFFECT_SYN_REPEAT;
    }
    if (class_of == PC_CLASS_ACK || class_of == PC_CLASS_FIN) {
        if ((int32_t)(behind - r->client_next) > 0)
            r->client_next = behind;
        if (before != PC_STATE_SYN_SEEN && before != PC_STATE_RESET)
            return prove(c, r);
    }
    if (class_of == PC_CLASS_SYN_ACK && before == PC_STATE_SYN_ACK_SEEN)
        return prove(c, r);
    return 0;
}

static unsigned backend_effects(struct pc_connections *c, const struct pc_connection *r,
                                enum pc_connection_state before, enum pc_tcp_class class_of,
                                uint32_t now)
{
    struct pc_backend_counters *b = &c->backend[r->backend];
    if (before != PC_STATE_SYN_SEEN)
        return 0;
    if (class_of == PC_CLASS_RST) {
        b->syn_resets++;
        return PC_EFFECT_SYN_RESET;
    }
    if (r->state == PC_STATE_SYN_ACK_SEEN && r->syn_repeats == 0) {
        uint32_t ms = now - r->created;
        b->syn_ack_count++;
        b->syn_ack_ms += ms;
        b->syn_ack_ms_max = ms > b->syn_ack_ms_max ? ms : b->syn_ack_ms_max;
        return PC_EFFECT_SYN_ACK;
    }
    return 0;
}

enum pc_meeting pc_connection_meets(const struct pc_connection *r, const struct pc_packet *p)
{
    bool port_reuse = false;
    if (r->key.protocol == PC_PROTOCOL_TCP)
        pc_tcp_next(r->state, p->from, pc_tcp_class(p->tcp_flags), &port_reuse);
    if (!port_reuse)
        return PC_MEETS_PASS;
    if (p->backend_accepts && (int32_t)(p->seq - r->client_next) > 0)
        return PC_MEETS_KEEP;
    return PC_MEETS_RESCHEDULE;
}

static unsigned keep(struct pc_connections *c, struct pc_connection *r, const struct pc_packet *p,
                     struct pc_ended *ended)
{
    pc_record_finish(c, r, PC_END_PORT_REUSE, p->now, ended);
    pc_record_begin(c, r, p);
    return PC_EFFECT_KEPT;
}

static unsigned tcp_packet(struct pc_connections *c, struct pc_connection *r,
                           const struct pc_packet *p, struct pc_ended *ended)
{
    enum pc_connection_state before = r->state;
    enum pc_tcp_class class_of = pc_tcp_class(p->tcp_flags);
    bool port_reuse;
    enum pc_connection_state after = pc_tcp_next(before, p->from, class_of, &port_reuse);
    if (port_reuse)
        return pc_connection_meets(r, p) == PC_MEETS_KEEP ? keep(c, r, p, ended)
                                                          : (unsigned)PC_EFFECT_RESCHEDULE;
    count(r, p);
    if (class_of == PC_CLASS_ODD)
        return 0;
    enter(c, r, after);
    r->last_used = p->now;
    return p->from == PC_FROM_CLIENT ? client_effects(c, r, before, class_of, p)
                                     : backend_effects(c, r, before, class_of, p->now);
}

void pc_connections_packet(struct pc_connections *c, unsigned slot, const struct pc_packet *p,
                           struct pc_packet_result *ret)
{
    struct pc_connection *r = &c->entry[slot].r;
    bool was_embryonic = r->embryonic;
    ret->before = r->state;
    if (r->key.protocol == PC_PROTOCOL_TCP) {
        ret->effects = (uint8_t)tcp_packet(c, r, p, ret->ended);
    } else {
        count(r, p);
        r->last_used = p->now;
        ret->effects = 0;
        if (p->from == PC_FROM_BACKEND) {
            enter(c, r, PC_STATE_REPLIED);
            ret->effects = (uint8_t)prove(c, r);
        }
    }
    ret->after = r->state;
    if (!(ret->effects & PC_EFFECT_KEPT) &&
        (r->state != ret->before || r->embryonic != was_embryonic))
        pc_record_tell(c, PORTCAM_EVENT_KIND_CHANGED, r, PORTCAM_END_CAUSE_EMPTY);
}
