/* SPDX-License-Identifier: Apache-2.0 */
/* The plainest connection table that could be right: a list that is searched from end to end, with the rules of
 * docs/connections.md as bits (how far the handshake is, which FIN, whose RST) instead of a table of states. */
#ifndef PC_TEST_CONNECTIONS_LIST_H
#define PC_TEST_CONNECTIONS_LIST_H

#include "connections_fixture.h"

enum {
    SLOTS_V4 = 12, /* 4 of them are the stash */
    SLOTS = 20,
    STASH = 4,
    CLIENTS = 5,
    SERVICES = 3,
    BACKENDS = 4,
    GROUPS = 2,
    SYN_ACK = PC_TCP_SYN | PC_TCP_ACK
};

enum handshake { ONE, TWO, DONE };
enum reset { NO_RESET, BY_CLIENT, BY_SERVER, FINAL };

struct flow {
    struct pc_connection r; /* without state */
    bool used;
    enum handshake handshake;
    enum reset reset;
    bool client_fin, server_fin, replied;
};

struct list {
    struct flow flow[SLOTS];
    unsigned limit; /* 0: none */
    uint32_t began;
    struct portcam_timeout_row timeouts[SERVICES];
    struct pc_backend_counters backend[BACKENDS]; /* without active and records */
};

static inline enum pc_connection_state state_of(const struct flow *f)
{
    if (!f->used)
        return PC_STATE_NONE;
    if (f->r.key.protocol != FIX_TCP)
        return f->replied ? PC_STATE_REPLIED : PC_STATE_UNREPLIED;
    if (f->reset != NO_RESET)
        return f->reset == BY_CLIENT   ? PC_STATE_RESET_CLIENT
               : f->reset == BY_SERVER ? PC_STATE_RESET_SERVER
                                       : PC_STATE_RESET;
    if (f->client_fin || f->server_fin)
        return !f->server_fin   ? PC_STATE_CLOSING_CLIENT
               : !f->client_fin ? PC_STATE_CLOSING_SERVER
                                : PC_STATE_CLOSING_BOTH;
    return f->handshake == ONE   ? PC_STATE_SYN_SEEN
           : f->handshake == TWO ? PC_STATE_SYN_ACK_SEEN
                                 : PC_STATE_ESTABLISHED;
}

static inline struct pc_connection shown(const struct flow *f)
{
    struct pc_connection r = f->r;
    r.state = (uint8_t)state_of(f);
    return r;
}

static inline int list_forward(const struct list *l, const struct pc_insert *i)
{
    for (int s = 0; s < SLOTS; s++)
        if (l->flow[s].used && fix_same_key(&l->flow[s].r.key, &i->key) &&
            l->flow[s].r.service == i->service &&
            fix_same_end(l->flow[s].r.public_end, i->public_end))
            return s;
    return -1;
}

static inline int list_reverse(const struct list *l, const struct pc_insert *i)
{
    for (int s = 0; s < SLOTS; s++)
        if (l->flow[s].used && fix_same_key(&l->flow[s].r.key, &i->key) &&
            l->flow[s].r.endpoint == i->endpoint)
            return s;
    return -1;
}

static inline unsigned list_embryonic(const struct list *l)
{
    unsigned n = 0;
    for (unsigned s = 0; s < SLOTS; s++)
        n += l->flow[s].used && l->flow[s].r.embryonic;
    return n;
}

static inline void list_begin(struct list *l, unsigned slot, const struct pc_packet *p)
{
    struct flow *f = &l->flow[slot];
    struct pc_connection *r = &f->r;
    bool tcp = r->key.protocol == FIX_TCP;
    *f = (struct flow){.r = *r, .used = true};
    r->slot = slot;
    r->generation = ++l->began;
    r->embryonic = true;
    r->syn_repeats = 0;
    r->client_next = tcp ? p->seq + p->payload + 1 : 0;
    r->created = r->last_used = p->now;
    r->forward = (struct portcam_counter_row){1, p->len};
    r->reverse = (struct portcam_counter_row){0, 0};
    l->backend[r->backend].new_connections++;
}

static inline bool is_free(const struct list *l, bool is_v6, unsigned slot)
{
    return slot < SLOTS && !l->flow[slot].used && is_v6 == (slot >= SLOTS_V4);
}

static inline bool is_full(const struct list *l, bool is_v6)
{
    for (unsigned s = 0; s < SLOTS; s++)
        if (is_free(l, is_v6, s))
            return false;
    return true;
}

/* *slot comes with the place that the table took, where any will do. */
static inline enum pc_result list_insert(struct list *l, const struct pc_insert *i,
                                         const struct pc_packet *p, unsigned *slot)
{
    if (list_forward(l, i) >= 0)
        return PC_RESULT_EXISTS;
    if (list_reverse(l, i) >= 0)
        return PC_RESULT_AMBIGUOUS;
    if (i->full || is_full(l, i->key.is_v6))
        return PC_RESULT_FULL;
    if (l->limit && list_embryonic(l) >= l->limit)
        return PC_RESULT_EMBRYONIC_FULL;
    if (i->slot != PC_SLOT_ANY)
        *slot = i->slot;
    if (!is_free(l, i->key.is_v6, *slot))
        return PC_RESULT_BAD_SLOT;
    struct pc_connection *r = &l->flow[*slot].r;
    r->key = i->key;
    r->service = i->service;
    r->public_end = i->public_end;
    r->backend = i->backend;
    r->endpoint = i->endpoint;
    list_begin(l, *slot, p);
    return PC_RESULT_OK;
}

static inline void list_end(struct list *l, unsigned slot)
{
    l->flow[slot].used = false;
}

static inline unsigned prove(struct flow *f)
{
    bool was = f->r.embryonic;
    f->r.embryonic = false;
    return was ? PC_EFFECT_PROVEN : 0;
}

static inline unsigned client_segment(struct flow *f, bool fin)
{
    if (f->reset == FINAL || f->handshake == ONE)
        return 0;
    if (f->reset == BY_CLIENT)
        f->reset = NO_RESET;
    if (f->reset == NO_RESET) {
        if (fin)
            f->client_fin = true;
        f->handshake = DONE;
    }
    return prove(f);
}

static inline unsigned client_packet(struct list *l, struct flow *f, const struct pc_packet *p)
{
    bool fin = p->tcp_flags & PC_TCP_FIN, ack = p->tcp_flags & PC_TCP_ACK;
    bool open = f->reset == NO_RESET && !f->client_fin && !f->server_fin;
    uint32_t behind = p->seq + p->payload + (fin ? 1 : 0);
    if (p->tcp_flags & PC_TCP_RST) {
        if (f->reset == NO_RESET && open && f->handshake == DONE)
            f->reset = BY_CLIENT;
        else if (!open && f->reset != BY_CLIENT)
            f->reset = FINAL;
        return 0;
    }
    if (p->tcp_flags & PC_TCP_SYN && ack) {
        if (!open || f->handshake != TWO)
            return 0;
        f->handshake = DONE;
        return prove(f);
    }
    if (p->tcp_flags & PC_TCP_SYN) {
        if (f->handshake == DONE)
            return 0;
        f->r.client_next = behind + 1;
        f->r.syn_repeats += f->r.syn_repeats < 255;
        l->backend[f->r.backend].syn_repeats++;
        return PC_EFFECT_SYN_REPEAT;
    }
    if (behind - f->r.client_next - 1 < 0x7fffffff)
        f->r.client_next = behind;
    return client_segment(f, fin);
}

static inline unsigned server_packet(struct list *l, struct flow *f, const struct pc_packet *p)
{
    struct pc_backend_counters *b = &l->backend[f->r.backend];
    bool open = f->reset == NO_RESET && !f->client_fin && !f->server_fin;
    if (p->tcp_flags & PC_TCP_RST) {
        unsigned answers_syn = open && f->handshake == ONE;
        b->syn_resets += answers_syn;
        if (open && f->handshake == DONE)
            f->reset = BY_SERVER;
        else if (f->reset != BY_SERVER)
            f->reset = FINAL;
        return answers_syn ? PC_EFFECT_SYN_RESET : 0;
    }
    if (p->tcp_flags & PC_TCP_SYN) {
        if (!open || f->handshake != ONE)
            return 0;
        f->handshake = TWO;
        if (f->r.syn_repeats)
            return 0;
        uint32_t ms = p->now - f->r.created;
        b->syn_ack_count++;
        b->syn_ack_ms += ms;
        if (ms > b->syn_ack_ms_max)
            b->syn_ack_ms_max = ms;
        return PC_EFFECT_SYN_ACK;
    }
    if (f->reset == BY_SERVER)
        f->reset = NO_RESET;
    if (p->tcp_flags & PC_TCP_FIN && f->reset == NO_RESET && f->handshake != ONE)
        f->server_fin = true;
    return 0;
}

static inline unsigned list_packet(struct list *l, unsigned slot, const struct pc_packet *p)
{
    struct flow *f = &l->flow[slot];
    bool tcp = f->r.key.protocol == FIX_TCP, client = p->from == PC_FROM_CLIENT;
    unsigned flags = p->tcp_flags & (PC_TCP_FIN | PC_TCP_SYN | PC_TCP_RST | PC_TCP_ACK);
    bool closing = f->reset != NO_RESET || f->client_fin || f->server_fin;
    if (tcp && client && closing && flags == PC_TCP_SYN) {
        uint32_t ahead = p->seq - f->r.client_next;
        if (!p->backend_accepts || ahead == 0 || ahead > 0x7fffffff)
            return PC_EFFECT_RESCHEDULE;
        list_begin(l, slot, p);
        return PC_EFFECT_KEPT;
    }
    struct portcam_counter_row *row = client ? &f->r.forward : &f->r.reverse;
    row->packets++;
    row->octets += p->len;
    if (!tcp) {
        f->r.last_used = p->now;
        f->replied = f->replied || !client;
        return client ? 0 : prove(f);
    }
    bool odd = flags == 0 || flags == PC_TCP_FIN || flags == (PC_TCP_SYN | PC_TCP_FIN) ||
               flags == (PC_TCP_SYN | PC_TCP_FIN | PC_TCP_ACK);
    if (odd)
        return 0;
    f->r.last_used = p->now;
    return client ? client_packet(l, f, p) : server_packet(l, f, p);
}

#endif
