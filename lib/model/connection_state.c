// SPDX-License-Identifier: Apache-2.0
/* The rules of docs/connections.md that need no table: who creates a record, what a packet's flags mean, the next state,
 * timeouts. The two tables below are those of section 4, cell by cell. */
#include "connections.h"

#include <string.h>

enum { TCP = 6 };

uint32_t pc_timeout_of(const struct portcam_timeout_row *t, enum pc_connection_state state)
{
    switch (state) {
    case PC_STATE_SYN_SEEN:
        return t->syn;
    case PC_STATE_SYN_ACK_SEEN:
        return t->syn_ack;
    case PC_STATE_ESTABLISHED:
        return t->established;
    case PC_STATE_CLOSING_CLIENT:
    case PC_STATE_CLOSING_SERVER:
        return t->fin_one;
    case PC_STATE_CLOSING_BOTH:
        return t->fin_both;
    case PC_STATE_RESET_CLIENT:
    case PC_STATE_RESET_SERVER:
    case PC_STATE_RESET:
        return t->reset;
    case PC_STATE_UNREPLIED:
        return t->unreplied;
    case PC_STATE_REPLIED:
        return t->replied;
    default:
        return 0;
    }
}

bool pc_timeout_over(uint32_t now, uint32_t last_used, uint32_t timeout)
{
    return (int32_t)(now - last_used - timeout) >= 0;
}

enum pc_tcp_class pc_tcp_class(unsigned tcp_flags)
{
    if (tcp_flags & PC_TCP_RST)
        return PC_CLASS_RST;
    if (tcp_flags & PC_TCP_SYN) {
        if (tcp_flags & PC_TCP_FIN)
            return PC_CLASS_ODD;
        return tcp_flags & PC_TCP_ACK ? PC_CLASS_SYN_ACK : PC_CLASS_SYN;
    }
    if (!(tcp_flags & PC_TCP_ACK))
        return PC_CLASS_ODD;
    return tcp_flags & PC_TCP_FIN ? PC_CLASS_FIN : PC_CLASS_ACK;
}

uint32_t pc_tcp_end(uint32_t seq, uint32_t payload, unsigned tcp_flags)
{
    return seq + payload + (tcp_flags & PC_TCP_SYN ? 1 : 0) + (tcp_flags & PC_TCP_FIN ? 1 : 0);
}

/* ---- who creates a record ---- */

static bool is_unspecified(bool is_v6, const uint8_t ip[16])
{
    static const uint8_t zero[16];
    return memcmp(ip, zero, is_v6 ? 16 : 4) == 0;
}

/* Multicast, and the limited broadcast of IPv4. */
static bool is_group(bool is_v6, const uint8_t ip[16])
{
    static const uint8_t all[4] = {255, 255, 255, 255};
    if (is_v6)
        return ip[0] == 0xff;
    return ip[0] >> 4 == 0xe || memcmp(ip, all, 4) == 0;
}

static bool is_loopback(bool is_v6, const uint8_t ip[16])
{
    static const uint8_t one[16] = {[15] = 1};
    return is_v6 ? memcmp(ip, one, 16) == 0 : ip[0] == 127;
}

bool pc_is_bad_source(const struct pc_parsed *p)
{
    const uint8_t *ip = p->src.ip;
    if (is_unspecified(p->is_v6, ip) || (!p->is_v6 && ip[0] == 0) || is_group(p->is_v6, ip))
        return true;
    return is_loopback(p->is_v6, ip) && !is_loopback(p->is_v6, p->dst.ip);
}

bool pc_is_land(const struct pc_parsed *p)
{
    return memcmp(p->src.ip, p->dst.ip, p->is_v6 ? 16 : 4) == 0 &&
           (!p->has_ports || p->src.port == p->dst.port);
}

enum pc_creation pc_may_create(const struct pc_parsed *p)
{
    if (pc_is_bad_source(p))
        return PC_CREATE_BAD_SOURCE;
    if (is_unspecified(p->is_v6, p->dst.ip) || is_group(p->is_v6, p->dst.ip))
        return PC_CREATE_BAD_DESTINATION;
    if (p->has_ports && p->src.port == 0)
        return PC_CREATE_PORT_ZERO;
    if (pc_is_land(p))
        return PC_CREATE_LAND;
    if (p->protocol != TCP)
        return PC_CREATE_OK;
    enum pc_tcp_class class_of = pc_tcp_class(p->tcp_flags);
    if (class_of == PC_CLASS_ODD || (p->tcp_flags & PC_TCP_SYN && p->tcp_flags & PC_TCP_RST))
        return PC_CREATE_BAD_FLAGS;
    return class_of == PC_CLASS_SYN ? PC_CREATE_OK : PC_CREATE_NOT_SYN;
}

/* ---- the next state ---- */

enum { SAME = 0, REUSE = PC_STATE_MAX };

#define SYNACK PC_STATE_SYN_ACK_SEEN
#define ESTAB PC_STATE_ESTABLISHED
#define CLIENT PC_STATE_CLOSING_CLIENT
#define SERVER PC_STATE_CLOSING_SERVER
#define BOTH PC_STATE_CLOSING_BOTH
#define RCLIENT PC_STATE_RESET_CLIENT
#define RSERVER PC_STATE_RESET_SERVER
#define RESET PC_STATE_RESET

/* Columns: syn, syn_ack, fin, ack, rst, odd. */
static const uint8_t after_client[PC_STATE_RESET + 1][PC_CLASS_MAX] = {
    [PC_STATE_SYN_SEEN] = {SAME, SAME, SAME, SAME, SAME, SAME},
    [PC_STATE_SYN_ACK_SEEN] = {SAME, ESTAB, CLIENT, ESTAB, SAME, SAME},
    [PC_STATE_ESTABLISHED] = {SAME, SAME, CLIENT, SAME, RCLIENT, SAME},
    [PC_STATE_CLOSING_CLIENT] = {REUSE, SAME, SAME, SAME, RESET, SAME},
    [PC_STATE_CLOSING_SERVER] = {REUSE, SAME, BOTH, SAME, RESET, SAME},
    [PC_STATE_CLOSING_BOTH] = {REUSE, SAME, SAME, SAME, RESET, SAME},
    [PC_STATE_RESET_CLIENT] = {REUSE, SAME, CLIENT, ESTAB, SAME, SAME},
    [PC_STATE_RESET_SERVER] = {REUSE, SAME, SAME, SAME, RESET, SAME},
    [PC_STATE_RESET] = {REUSE, SAME, SAME, SAME, SAME, SAME},
};

static const uint8_t after_backend[PC_STATE_RESET + 1][PC_CLASS_MAX] = {
    [PC_STATE_SYN_SEEN] = {SYNACK, SYNACK, SAME, SAME, RESET, SAME},
    [PC_STATE_SYN_ACK_SEEN] = {SAME, SAME, SERVER, SAME, RESET, SAME},
    [PC_STATE_ESTABLISHED] = {SAME, SAME, SERVER, SAME, RSERVER, SAME},
    [PC_STATE_CLOSING_CLIENT] = {SAME, SAME, BOTH, SAME, RESET, SAME},
    [PC_STATE_CLOSING_SERVER] = {SAME, SAME, SAME, SAME, RESET, SAME},
    [PC_STATE_CLOSING_BOTH] = {SAME, SAME, SAME, SAME, RESET, SAME},
    [PC_STATE_RESET_CLIENT] = {SAME, SAME, SAME, SAME, RESET, SAME},
    [PC_STATE_RESET_SERVER] = {SAME, SAME, SERVER, ESTAB, SAME, SAME},
    [PC_STATE_RESET] = {SAME, SAME, SAME, SAME, SAME, SAME},
};

enum pc_connection_state pc_tcp_next(enum pc_connection_state state, enum pc_direction from,
                                     enum pc_tcp_class class_of, bool *port_reuse)
{
    unsigned cell = SAME;
    if (state <= PC_STATE_RESET)
        cell = (from == PC_FROM_CLIENT ? after_client : after_backend)[state][class_of];
    *port_reuse = cell == REUSE;
    return cell == SAME || cell == REUSE ? state : (enum pc_connection_state)cell;
}

bool pc_state_is_active(enum pc_connection_state state)
{
    return state == PC_STATE_SYN_SEEN || state == PC_STATE_SYN_ACK_SEEN ||
           state == PC_STATE_ESTABLISHED || state == PC_STATE_UNREPLIED ||
           state == PC_STATE_REPLIED;
}

const char *pc_state_name(enum pc_connection_state state)
{
    static const char *const name[PC_STATE_MAX] = {
        "none",           "syn_seen",       "syn_ack_seen", "established",
        "closing_client", "closing_server", "closing_both", "reset_client",
        "reset_server",   "reset",          "unreplied",    "replied",
    };
    return state < PC_STATE_MAX ? name[state] : "unknown";
}
