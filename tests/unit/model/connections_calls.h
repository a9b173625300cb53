/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the connection table, a line each, for its tests. */
#ifndef PC_TEST_CONNECTIONS_CALLS_H
#define PC_TEST_CONNECTIONS_CALLS_H

#include "connection_table.h"
#include "connections_fixture.h"

enum { FIN_ACK = PC_TCP_FIN | PC_TCP_ACK, SYN_ACK = PC_TCP_SYN | PC_TCP_ACK };

static inline int setup(void **state)
{
    *state = fix_table();
    return *state ? 0 : -1;
}

static inline int teardown(void **state)
{
    pc_connections_free(*state);
    return 0;
}

static inline const struct pc_connection *record(const struct pc_connections *c, int slot)
{
    const struct pc_connection *r = pc_connections_get(c, (unsigned)slot);
    assert_non_null(r);
    return r;
}

static inline int forward(const struct pc_connections *c, const struct pc_insert *i)
{
    return pc_connections_forward(c, &i->key, i->service, i->public_end);
}

static inline int reverse(const struct pc_connections *c, const struct pc_insert *i)
{
    return pc_connections_reverse(c, &i->key, i->endpoint);
}

static inline enum pc_result end_of(struct pc_connections *c, unsigned slot)
{
    return pc_connections_delete(c, slot, record(c, (int)slot)->generation, 0, NULL);
}

static inline enum pc_result insert(struct pc_connections *c, const struct pc_insert *i,
                                    unsigned *slot)
{
    struct pc_packet p = fix_packet(PC_FROM_CLIENT, PC_TCP_SYN, 50);
    unsigned local;
    return pc_connections_insert(c, i, &p, slot ? slot : &local);
}

#endif
