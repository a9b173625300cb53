// SPDX-License-Identifier: Apache-2.0
/* The state machine of connections: the tables of docs/connections.md are those of the code; what each transition is for,
 * as a story of packets; who creates a record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connections_fixture.h"

/* ---- the document ---- */

static enum pc_connection_state state_of(const char *name)
{
    for (unsigned s = 0; s < PC_STATE_MAX; s++)
        if (strcmp(pc_state_name(s), name) == 0)
            return s;
    fail_msg("no state is called %s", name);
    return PC_STATE_NONE;
}

/* Cells of a line "| a | b |": how many. */
static unsigned cells(char *line, char *cell[8])
{
    unsigned n = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, "| \n", &rest); word && n < 8;
         word = strtok_r(NULL, "| \n", &rest))
        cell[n++] = word;
    return n;
}

/* One line of a table of section 4; `from` is PC_DIRECTION_MAX outside of one. Returns cells that were compared. */
static unsigned check_line(char *line, enum pc_direction *from)
{
    char *cell[8];
    if (line[0] != '|') {
        *from = PC_DIRECTION_MAX;
        return 0;
    }
    unsigned n = cells(line, cell);
    if (n == 7 && strcmp(cell[1], "syn") == 0) {
        static const char *const header[] = {"syn", "syn_ack", "fin", "ack", "rst", "odd"};
        for (unsigned k = 0; k < PC_CLASS_MAX; k++)
            assert_string_equal(cell[k + 1], header[k]);
        *from = strcmp(cell[0], "client") == 0 ? PC_FROM_CLIENT : PC_FROM_BACKEND;
        return 0;
    }
    if (*from == PC_DIRECTION_MAX || n != 7 || strcmp(cell[0], "---") == 0)
        return 0;
    enum pc_connection_state state = state_of(cell[0]);
    for (unsigned k = 0; k < PC_CLASS_MAX; k++) {
        bool reuse, want_reuse = strcmp(cell[k + 1], "F.14") == 0;
        bool stays = want_reuse || strcmp(cell[k + 1], "-") == 0;
        enum pc_connection_state want = stays ? state : state_of(cell[k + 1]);
        assert_int_equal(pc_tcp_next(state, *from, k, &reuse), want);
        assert_int_equal(reuse, want_reuse);
    }
    return PC_CLASS_MAX;
}

static void document(void **state)
{
    (void)state;
    FILE *f = fopen("docs/connections.md", "r");
    assert_non_null(f);
    char line[1024];
    enum pc_direction from = PC_DIRECTION_MAX;
    unsigned compared = 0;
    while (fgets(line, sizeof(line), f))
        compared += check_line(line, &from);
    fclose(f);
    assert_int_equal(compared, 2 * 9 * PC_CLASS_MAX);
}

static void other_protocols_have_no_class(void **state)
{
    (void)state;
    for (unsigned s = PC_STATE_UNREPLIED; s <= PC_STATE_REPLIED; s++)
        for (unsigned k = 0; k < 2 * PC_CLASS_MAX; k++) {
            bool reuse = true;
            assert_int_equal(pc_tcp_next(s, k & 1, k / 2, &reuse), s);
            assert_false(reuse);
        }
    assert_string_equal(pc_state_name(PC_STATE_MAX), "unknown");
}

/* ---- stories ---- */

/* Packets "<c or s><flags>=<state>", with ~ where the record is embryonic behind it. They follow the client's SYN. */
struct story {
    const char *name, *packets;
};

static const struct story stories[] = {
    {"S4.36 three packets establish; only the third proves the client",
     "sSA=syn_ack_seen~ cA=established cPA=established sPA=established"},
    {"F.13 a repeated SYN stays syn_seen", "cS=syn_seen~ cS=syn_seen~ sSA=syn_ack_seen~"},
    {"F.13 a SYN repeated after the SYN-ACK stays syn_ack_seen",
     "sSA=syn_ack_seen~ cS=syn_ack_seen~ sSA=syn_ack_seen~ cA=established"},
    {"F.13 SYN with data, answered with data before the third packet",
     "cSP=syn_seen~ sSA=syn_ack_seen~ sPA=syn_ack_seen~ sFA=closing_server~ cA=closing_server"},
    {"F.15 ACK before a SYN-ACK proves nothing", "cA=syn_seen~ cPA=syn_seen~ cFA=syn_seen~"},
    {"F.15 the backend's ACK to a SYN of an old connection is no SYN-ACK", "sA=syn_seen~"},
    {"F.11 the client's RST during the handshake changes nothing",
     "cR=syn_seen~ cRA=syn_seen~ sSA=syn_ack_seen~ cR=syn_ack_seen~ cA=established"},
    {"F.11 F.15 a refused connection is reset, and embryonic still",
     "sRA=reset~ cA=reset~ cFA=reset~ sSA=reset~ sA=reset~"},
    {"F.11 the backend gives up in the handshake", "sSA=syn_ack_seen~ sR=reset~ cA=reset~"},
    {"F.11 a blind RST of the client: its next ACK brings the connection back",
     "sSA=syn_ack_seen~ cA=established cR=reset_client sA=reset_client cA=established"},
    {"F.11 a blind RST of the backend: its next ACK brings the connection back",
     "sSA=syn_ack_seen~ cA=established sR=reset_server cA=reset_server sA=established"},
    {"F.11 a blind RST, then the FIN of that side",
     "sSA=syn_ack_seen~ cA=established cR=reset_client cR=reset_client cFA=closing_client"},
    {"F.11 a blind RST of the backend, then its FIN",
     "sSA=syn_ack_seen~ cA=established sR=reset_server sR=reset_server sFA=closing_server"},
    {"F.11 RST of both sides is the end",
     "sSA=syn_ack_seen~ cA=established cR=reset_client sR=reset cA=reset sA=reset cFA=reset"},
    {"F.11 RST of both sides, the backend first",
     "sSA=syn_ack_seen~ cA=established sR=reset_server cR=reset sA=reset sFA=reset"},
    {"F.11 the other side's FIN says nothing of a RST",
     "sSA=syn_ack_seen~ cA=established cR=reset_client sFA=reset_client cA=established "
     "sR=reset_server cFA=reset_server"},
    {"F.11 RST first, whatever else is set",
     "sSA=syn_ack_seen~ cA=established cRS=reset_client cA=established sRF=reset_server"},
    {"F.11 null, Xmas, SYN+FIN and FIN alone change nothing",
     "sSA=syn_ack_seen~ c0=syn_ack_seen~ cFPU=syn_ack_seen~ cSF=syn_ack_seen~ cF=syn_ack_seen~ "
     "cA=established c0=established cFPU=established cSF=established sSF=established "
     "sF=established cFA=closing_client cSF=closing_client sF=closing_client"},
    {"F.12 half close by the client, data goes on",
     "sSA=syn_ack_seen~ cA=established cFA=closing_client sPA=closing_client cA=closing_client "
     "cFA=closing_client sFA=closing_both cA=closing_both"},
    {"F.12 half close by the backend, data goes on",
     "sSA=syn_ack_seen~ cA=established sFA=closing_server cPA=closing_server sFA=closing_server "
     "sA=closing_server cFA=closing_both sA=closing_both"},
    {"F.12 simultaneous close",
     "sSA=syn_ack_seen~ cA=established cFA=closing_client sFA=closing_both cFA=closing_both "
     "sFA=closing_both sA=closing_both"},
    {"F.12 simultaneous open", "sS=syn_ack_seen~ cSA=established sSA=established cA=established"},
    {"F.12 the client's SYN-ACK without a SYN of the backend", "cSA=syn_seen~"},
    {"F.12 RST ends each closing state",
     "sSA=syn_ack_seen~ cA=established cFA=closing_client cR=reset"},
    {"F.12 RST of the backend after the client's FIN",
     "sSA=syn_ack_seen~ cA=established cFA=closing_client sR=reset"},
    {"F.12 RST of the client after the backend's FIN",
     "sSA=syn_ack_seen~ cA=established sFA=closing_server cR=reset"},
    {"F.12 RST of the backend after its FIN",
     "sSA=syn_ack_seen~ cA=established sFA=closing_server sR=reset"},
    {"F.12 RST of the client after both FINs",
     "sSA=syn_ack_seen~ cFA=closing_client sFA=closing_both cR=reset"},
    {"F.12 RST of the backend after both FINs",
     "sSA=syn_ack_seen~ cFA=closing_client sFA=closing_both sR=reset"},
    {"F.12 FIN as the third packet",
     "sSA=syn_ack_seen~ cFA=closing_client sFA=closing_both cA=closing_both"},
    {"F.12 the backend's FIN before the third packet, which is a FIN",
     "sSA=syn_ack_seen~ sFA=closing_server~ cFA=closing_both"},
    {"F.14 a SYN on an established record is kept",
     "sSA=syn_ack_seen~ cA=established cS=established cSA=established sSA=established "
     "sS=established sA=established"},
    {"F.14 a SYN of the backend is no new connection",
     "sSA=syn_ack_seen~ cA=established cFA=closing_client sS=closing_client sSA=closing_client "
     "sFA=closing_both sS=closing_both cSA=closing_both cR=reset sS=reset cSA=reset"},
};
enum { STORIES = sizeof(stories) / sizeof(stories[0]) };

static unsigned flags_of(const char *text)
{
    static const char letter[] = "FSRPAU";
    unsigned flags = 0;
    for (; *text != '='; text++)
        if (*text != '0')
            flags |= 1u << (strchr(letter, *text) - letter);
    return flags;
}

static void tell(void **state)
{
    const struct story *s = *state;
    struct pc_connections *c = fix_table();
    char text[512], *rest = NULL;
    int slot = fix_open(c, 0, FIX_TCP, 0);
    uint32_t now = 0, packets = 1;
    assert_true(slot >= 0 && strlen(s->packets) < sizeof(text));
    snprintf(text, sizeof(text), "%s", s->packets);
    for (char *p = strtok_r(text, " ", &rest); p; p = strtok_r(NULL, " ", &rest)) {
        unsigned flags = flags_of(p + 1);
        char *want = strchr(p, '=') + 1, *mark = strchr(want, '~');
        if (mark)
            *mark = 0;
        fix_pass(c, slot, p[0] == 'c' ? PC_FROM_CLIENT : PC_FROM_BACKEND, flags, ++now);
        packets++;
        const struct pc_connection *r = pc_connections_get(c, (unsigned)slot);
        assert_string_equal(pc_state_name(r->state), want);
        assert_int_equal(r->embryonic, mark != NULL);
        assert_int_equal(pc_connections_embryonic(c), mark != NULL);
        assert_int_equal(r->forward.packets + r->reverse.packets, packets);
        /* Odd packets are counted, and leave the timer alone. */
        if (pc_tcp_class(flags) != PC_CLASS_ODD)
            assert_int_equal(r->last_used, now);
        else
            assert_int_not_equal(r->last_used, now);
    }
    pc_connections_free(c);
}

/* ---- who creates a record ---- */

static struct pc_parsed packet(unsigned protocol)
{
    return (struct pc_parsed){.src = fix_tuple(198, 51, 100, 7, 40001),
                              .dst = fix_tuple(203, 0, 113, 80, 443),
                              .protocol = (uint8_t)protocol,
                              .has_ports = protocol == FIX_TCP || protocol == FIX_UDP};
}

static enum pc_creation may_create(struct pc_parsed *p, unsigned flags)
{
    p->tcp_flags = (uint8_t)flags;
    return pc_may_create(p);
}

static void creation_by_flags(void **state)
{
    (void)state;
    struct pc_parsed tcp = packet(FIX_TCP), udp = packet(FIX_UDP), icmp = packet(1);
    unsigned created = 0;
    for (unsigned flags = 0; flags < 256; flags++) {
        bool fin = flags & 1, syn = flags & 2, rst = flags & 4, ack = flags & 16;
        enum pc_creation want = PC_CREATE_NOT_SYN;
        if (syn && !fin && !rst && !ack)
            want = PC_CREATE_OK;
        else if ((syn && (fin || rst)) || (!rst && !syn && !ack))
            want = PC_CREATE_BAD_FLAGS;
        assert_int_equal(may_create(&tcp, flags), want);
        assert_int_equal(may_create(&udp, flags), PC_CREATE_OK);
        assert_int_equal(may_create(&icmp, flags), PC_CREATE_OK);
        created += flags < 64 && want == PC_CREATE_OK;
    }
    assert_int_equal(created, 4); /* of 2^6: SYN, with or without PSH and URG */
    assert_int_equal(may_create(&tcp, 0), PC_CREATE_BAD_FLAGS);
    assert_int_equal(may_create(&tcp, 0x29), PC_CREATE_BAD_FLAGS); /* Xmas */
    assert_int_equal(may_create(&tcp, 0xc2), PC_CREATE_OK);        /* ECN setup SYN */
}

static void creation_by_addresses(void **state)
{
    (void)state;
    static const struct {
        uint8_t ip[4];
        enum pc_creation as_source, as_destination;
    } rows[] = {
        {{0, 0, 0, 0}, PC_CREATE_BAD_SOURCE, PC_CREATE_BAD_DESTINATION},
        {{0, 1, 2, 3}, PC_CREATE_BAD_SOURCE, PC_CREATE_OK},
        {{1, 0, 0, 0}, PC_CREATE_OK, PC_CREATE_OK},
        {{126, 255, 255, 255}, PC_CREATE_OK, PC_CREATE_OK},
        {{127, 0, 0, 1}, PC_CREATE_BAD_SOURCE, PC_CREATE_OK},
        {{128, 0, 0, 1}, PC_CREATE_OK, PC_CREATE_OK},
        {{223, 255, 255, 255}, PC_CREATE_OK, PC_CREATE_OK},
        {{224, 0, 0, 1}, PC_CREATE_BAD_SOURCE, PC_CREATE_BAD_DESTINATION},
        {{239, 255, 255, 255}, PC_CREATE_BAD_SOURCE, PC_CREATE_BAD_DESTINATION},
        {{240, 0, 0, 0}, PC_CREATE_OK, PC_CREATE_OK},
        {{255, 255, 255, 254}, PC_CREATE_OK, PC_CREATE_OK},
        {{255, 255, 255, 255}, PC_CREATE_BAD_SOURCE, PC_CREATE_BAD_DESTINATION},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pc_parsed p = packet(FIX_UDP);
        memcpy(p.src.ip, rows[i].ip, 4);
        assert_int_equal(may_create(&p, 0), rows[i].as_source);
        p = packet(FIX_UDP);
        memcpy(p.dst.ip, rows[i].ip, 4);
        assert_int_equal(may_create(&p, 0), rows[i].as_destination);
    }
}

static void creation_v6(void **state)
{
    (void)state;
    struct pc_parsed base = {.is_v6 = true,
                             .src = {.ip = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 40001},
                             .dst = {.ip = {0x20, 1, 0xd, 0xb8, [15] = 2}, .port = 443},
                             .protocol = FIX_TCP,
                             .has_ports = true};
    struct pc_parsed p = base;
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_OK);
    p.src.ip[15] = 2;
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_OK);
    p.src.port = 443;
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_LAND);
    p = base;
    p.src.ip[0] = 0xff;
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_BAD_SOURCE);
    p = base;
    p.dst.ip[0] = 0xff;
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_BAD_DESTINATION);
    p = base;
    memset(p.src.ip, 0, 15);
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_BAD_SOURCE); /* ::1 */
    memset(p.dst.ip, 0, 15);
    p.dst.ip[15] = 1;
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_OK); /* ::1 to ::1 */
    p = base;
    memset(p.dst.ip, 0, 16);
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_BAD_DESTINATION);
    memset(p.src.ip, 0, 16);
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_BAD_SOURCE);
}

static void creation_land_and_port_zero(void **state)
{
    (void)state;
    struct pc_parsed p = packet(FIX_TCP);
    p.src.port = 0;
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_PORT_ZERO);
    p.has_ports = false;
    p.protocol = 47;
    assert_int_equal(may_create(&p, 0), PC_CREATE_OK);
    p.dst = p.src;
    assert_int_equal(may_create(&p, 0), PC_CREATE_LAND);

    p = packet(FIX_TCP);
    memcpy(p.src.ip, p.dst.ip, 16);
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_OK); /* a host and its own address */
    p.src.port = p.dst.port;
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_LAND);
    assert_int_equal(may_create(&p, PC_TCP_ACK), PC_CREATE_LAND);

    p = packet(FIX_TCP);
    p.src = fix_tuple(127, 0, 0, 1, 40001);
    p.dst = fix_tuple(127, 0, 0, 1, 443);
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_OK); /* S2.27 */
    p.dst = fix_tuple(127, 3, 2, 1, 443);
    assert_int_equal(may_create(&p, PC_TCP_SYN), PC_CREATE_OK);
}

/* ---- numbers ---- */

static void timeouts(void **state)
{
    (void)state;
    static const uint32_t seconds[PC_STATE_MAX] = {0,   60, 60, 900, 120, 120,
                                                   120, 10, 10, 10,  300, 300};
    struct portcam_timeout_row t = fix_timeouts();
    for (unsigned s = 0; s < PC_STATE_MAX; s++)
        assert_int_equal(pc_timeout_of(&t, s), seconds[s] * 1000);
    t = (struct portcam_timeout_row){1, 2, 3, 4, 5, 6, 7, 8, 0, {0}};
    static const uint32_t own[PC_STATE_MAX] = {0, 1, 2, 3, 4, 4, 5, 6, 6, 6, 7, 8};
    for (unsigned s = 0; s < PC_STATE_MAX; s++)
        assert_int_equal(pc_timeout_of(&t, s), own[s]);
}

static void time_wraps(void **state)
{
    (void)state;
    static const uint32_t starts[] = {0, 5, 0x7fffffff, 0x80000000, 0xfffffc18, 0xffffffff};
    static const uint32_t lengths[] = {1, 1000, 900000, 0x7fffffff};
    for (unsigned i = 0; i < 6; i++)
        for (unsigned k = 0; k < 4; k++) {
            uint32_t at = starts[i], ms = lengths[k];
            assert_false(pc_timeout_over(at, at, ms));
            assert_false(pc_timeout_over(at + ms - 1, at, ms));
            assert_true(pc_timeout_over(at + ms, at, ms));
            assert_true(pc_timeout_over(at + ms + 0x7fffffff, at, ms));
            assert_false(pc_timeout_over(at - 1, at, ms)); /* a clock that went back */
        }
}

static void segment_ends(void **state)
{
    (void)state;
    assert_int_equal(pc_tcp_end(7, 0, PC_TCP_ACK), 7);
    assert_int_equal(pc_tcp_end(7, 10, PC_TCP_SYN), 18);
    assert_int_equal(pc_tcp_end(7, 10, PC_TCP_FIN | PC_TCP_ACK), 18);
    assert_int_equal(pc_tcp_end(0xffffffff, 0, PC_TCP_SYN), 0);
}

#define PLAIN(name, function)                                                                      \
    {                                                                                              \
        name, function, NULL, NULL, NULL                                                           \
    }

int main(void)
{
    const struct CMUnitTest plain[] = {
        PLAIN("section 4 the tables of the document are those of the code", document),
        PLAIN("section 4 other protocols have no class", other_protocols_have_no_class),
        PLAIN("P6 F.11 S4.48 S4.70 all 256 flag combinations: who creates a record",
              creation_by_flags),
        PLAIN("P6 F.28 who creates a record: IPv4 addresses", creation_by_addresses),
        PLAIN("P6 F.28 who creates a record: IPv6 addresses", creation_v6),
        PLAIN("P6 F.28 LAND and source port 0 create nothing", creation_land_and_port_zero),
        PLAIN("section 5 timeouts: each state has its own, the defaults", timeouts),
        PLAIN("section 5 timeouts are right across the wrap of the counter", time_wraps),
        PLAIN("F.14 the end of a segment", segment_ends),
    };
    enum { PLAINS = sizeof(plain) / sizeof(plain[0]) };
    struct CMUnitTest tests[PLAINS + STORIES];
    memcpy(tests, plain, sizeof(plain));
    for (unsigned i = 0; i < STORIES; i++)
        tests[PLAINS + i] =
            (struct CMUnitTest){stories[i].name, tell, NULL, NULL, (void *)&stories[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
