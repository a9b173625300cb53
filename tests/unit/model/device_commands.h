/* SPDX-License-Identifier: Apache-2.0 */
/* Commands to a device without registers, and 64 services whose backends change all at once. */
#ifndef PC_TEST_DEVICE_COMMANDS_H
#define PC_TEST_DEVICE_COMMANDS_H

#include <stdio.h>

#include "sim/rng.h"
#include "world.h"

#define OP(name) PORTCAM_OPCODE_##name
#define S(name) PORTCAM_STATUS_##name
#define T(name) PORTCAM_TABLE_##name

static struct pc_command_result Result; /* of the last command */

static inline unsigned run(struct pc_device *d, const struct portcam_command *c)
{
    memset(&Result, 0xee, sizeof(Result));
    pc_device_command(d, c, &Result);
    return Result.status;
}

static inline unsigned run_op(struct pc_device *d, unsigned opcode)
{
    return run(d, &(struct portcam_command){.opcode = (uint8_t)opcode});
}

static inline unsigned write_row(struct pc_device *d, unsigned table, unsigned row,
                                 const void *data)
{
    struct portcam_command c = {.opcode = OP(ROW_WRITE), .table_id = (uint16_t)table, .row = row};
    memcpy(c.data, data, sizeof(c.data));
    return run(d, &c);
}

/* Services 0 to 63 on ports 1000 to 1063 of one address, service i to backend i. */
enum { SERVICES = 64 };

static inline struct portcam_backend_row backend(unsigned generation, unsigned i)
{
    return (struct portcam_backend_row){.ip = {10, (uint8_t)generation, 0, (uint8_t)i},
                                        .family = PORTCAM_FAMILY_4,
                                        .port = (uint16_t)(1000 * generation + i),
                                        .egress = 1};
}

static inline void write_generation(struct pc_device *d, unsigned generation)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        struct portcam_backend_row b = backend(generation, i);
        assert_int_equal(write_row(d, T(BACKEND), i, &b), S(OK));
    }
}

static inline int setup(void **state)
{
    struct pc_device *d = new_device();
    *state = d;
    if (!d)
        return -1;
    set_domain(d, 0, 0, PORTCAM_POLICY_DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    for (unsigned i = 0; i < SERVICES; i++)
        set_service(d, i, 0, 0, TCP, (int)(1000 + i), PORTCAM_MODE_STATIC, i, i);
    world_build(d);
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    write_generation(d, 1);
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
    return 0;
}

static inline int teardown(void **state)
{
    pc_device_free(*state);
    return 0;
}

/* Every service sends to this generation of backends: both address and port. */
static inline void expect_generation(struct pc_device *d, unsigned generation)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        char ip[16];
        struct frame_spec s = {.src = "192.0.2.9",
                               .dst = "198.51.100.1",
                               .protocol = TCP,
                               .sport = 40000,
                               .dport = (uint16_t)(1000 + i)};
        struct frame f = build_frame(&s);
        snprintf(ip, sizeof(ip), "10.%u.0.%u", generation, i);
        s.dst = ip;
        s.dport = (uint16_t)(1000 * generation + i);
        struct frame want = build_frame(&s);
        assert_int_equal(send_frame(d, &f, 0).reason, PORTCAM_REASON_STATIC_FORWARD);
        assert_memory_equal(f.b, want.b, want.len);
    }
}

/* A row without any meaning that its table takes. */
static inline void plain_row(unsigned table, uint8_t row[PC_ROW_BYTES])
{
    static const uint8_t family_at[PORTCAM_TABLE_MAX] = {
        [T(ADDRESS)] = 16,           [T(BACKEND)] = 16,      [T(ENDPOINT)] = 16,
        [T(ENDPOINT_ANY_PORT)] = 16, [T(ENDPOINT_ANY)] = 16, [T(PUBLIC)] = 16};
    memset(row, 0, PC_ROW_BYTES);
    if (family_at[table])
        row[family_at[table]] = 4;
    for (unsigned i = 0; table == T(TIMEOUT) && i < 8; i++)
        row[4 * i] = 1;
}

#endif
