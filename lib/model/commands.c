// SPDX-License-Identifier: Apache-2.0
/* Commands of the device: see device.h. Rows of an open change set wait in a list and are applied at commit: that is what
 * "all of it or none of it" means. A row that is written again takes the place of what waits for it, so the list never
 * holds more than all rows of all tables, and commands need no memory. */
#include <string.h>

#include "device_state.h"
#include "mirror.h"

static unsigned *place_of(struct pc_device *d, unsigned table, unsigned row)
{
    return &d->place[d->first_row[table] + row];
}

void pc_change_set_empty(struct pc_device *d)
{
    for (unsigned i = 0; i < d->pendings; i++)
        *place_of(d, d->pending[i].table, d->pending[i].row) = 0;
    d->pendings = 0;
    d->open = d->failed = false;
}

static uint64_t command_address(const struct portcam_command *c, unsigned which)
{
    uint64_t address;
    memcpy(&address, c->data + 8u * which, sizeof(address));
    return address;
}

static unsigned change_row(struct pc_device *d, const struct portcam_command *c, bool valid)
{
    if (!pc_tables_rows(d->tables, c->table_id))
        return PORTCAM_STATUS_UNKNOWN_TABLE;
    if (c->row >= pc_tables_rows(d->tables, c->table_id))
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    if (!d->open)
        return PORTCAM_STATUS_NO_CHANGE_SET;
    unsigned status =
        valid ? pc_tables_check(d->tables, c->table_id, c->row, c->data) : PORTCAM_STATUS_OK;
    if (status != PORTCAM_STATUS_OK)
        return status;
    unsigned *place = place_of(d, c->table_id, c->row);
    if (*place == 0)
        *place = ++d->pendings;
    struct pending *p = &d->pending[*place - 1];
    *p = (struct pending){.table = c->table_id, .valid = valid, .row = c->row};
    memcpy(p->data, c->data, sizeof(p->data));
    return PORTCAM_STATUS_OK;
}

static unsigned commit(struct pc_device *d)
{
    if (!d->open)
        return PORTCAM_STATUS_NO_CHANGE_SET;
    if (d->failed)
        return PORTCAM_STATUS_CHANGE_SET_FAILED;
    for (unsigned i = 0; i < d->pendings; i++) {
        const struct pending *p = &d->pending[i];
        pc_tables_set(d->tables, p->table, p->row, p->valid ? p->data : NULL);
    }
    pc_tables_build(d->tables);
    pc_change_set_empty(d);
    d->epoch ^= 1;
    return PORTCAM_STATUS_OK;
}

static unsigned read_row(struct pc_device *d, const struct portcam_command *c,
                         struct pc_command_result *ret)
{
    if (!pc_tables_rows(d->tables, c->table_id))
        return PORTCAM_STATUS_UNKNOWN_TABLE;
    if (c->row >= pc_tables_rows(d->tables, c->table_id))
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    if (command_address(c, 0) % 64)
        return PORTCAM_STATUS_BAD_ALIGNMENT;
    struct portcam_row_image image = {.table_id = c->table_id, .row = c->row};
    const void *data = pc_tables_get(d->tables, c->table_id, c->row);
    if (data) {
        image.flags = PORTCAM_ROW_IMAGE_VALID;
        memcpy(image.data, data, sizeof(image.data));
    }
    memcpy(ret->answer, &image, sizeof(image));
    ret->answer_len = sizeof(image);
    return PORTCAM_STATUS_OK;
}

/* The tests of what is about `count` of `rows` from `row` on. */
static unsigned check_count(const struct portcam_command *c, unsigned rows)
{
    if (c->row >= rows)
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    if (c->count == 0 || c->count > PORTCAM_BUILD_MAX_COUNT)
        return PORTCAM_STATUS_BAD_LENGTH;
    if (c->count > rows - c->row)
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    return PORTCAM_STATUS_OK;
}

static unsigned check_range(const struct portcam_command *c, unsigned rows)
{
    unsigned status = check_count(c, rows);
    if (status == PORTCAM_STATUS_OK && command_address(c, 0) % 64)
        status = PORTCAM_STATUS_BAD_ALIGNMENT;
    return status;
}

static unsigned read_counters(struct pc_device *d, const struct portcam_command *c,
                              struct pc_command_result *ret)
{
    unsigned rows = pc_device_counter_rows(d, c->table_id);
    if (!rows)
        return PORTCAM_STATUS_UNKNOWN_TABLE;
    unsigned status = check_range(c, rows);
    if (status != PORTCAM_STATUS_OK)
        return status;
    ret->result = c->count;
    ret->answer_len = c->count * sizeof(struct portcam_counter_row);
    memcpy(ret->answer, &d->counter[c->table_id][c->row], ret->answer_len);
    return PORTCAM_STATUS_OK;
}

/* ---- records ---- */

struct portcam_backend_state pc_device_backend_state(const struct pc_device *d, unsigned backend)
{
    struct pc_backend_counters b = {0};
    if (d->stateful.connections)
        b = pc_connections_backend(d->stateful.connections, backend);
    return (struct portcam_backend_state){
        .new_connections = b.new_connections,
        .syn_repeats = b.syn_repeats,
        .syn_resets = b.syn_resets,
        .syn_ack_count = b.syn_ack_count,
        .syn_ack_ms = b.syn_ack_ms,
        .syn_ack_ms_max = b.syn_ack_ms_max,
        .active = b.active,
        .records = b.records,
    };
}

static unsigned read_backends(struct pc_device *d, const struct portcam_command *c,
                              struct pc_command_result *ret)
{
    unsigned status = check_range(c, pc_tables_sizes(d->tables)->backends);
    if (status != PORTCAM_STATUS_OK)
        return status;
    for (uint32_t i = 0; i < c->count; i++) {
        struct portcam_backend_state state = pc_device_backend_state(d, c->row + i);
        memcpy(ret->answer + i * sizeof(state), &state, sizeof(state));
    }
    ret->result = c->count;
    ret->answer_len = c->count * sizeof(struct portcam_backend_state);
    return PORTCAM_STATUS_OK;
}

static void add_image(const struct pc_connection *r, struct pc_command_result *ret)
{
    struct portcam_connection_image image = pc_connection_image(r);
    memcpy(ret->answer + ret->answer_len, &image, sizeof(image));
    ret->answer_len += sizeof(image);
}

static unsigned read_connections(struct pc_device *d, const struct portcam_command *c,
                                 struct pc_command_result *ret)
{
    const struct pc_connections *table = d->stateful.connections;
    unsigned status = check_range(c, pc_connections_capacity(table));
    if (status != PORTCAM_STATUS_OK)
        return status;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct pc_connection *r = pc_connections_get(table, c->row + i);
        if (!r)
            continue;
        add_image(r, ret);
        ret->result++;
    }
    return PORTCAM_STATUS_OK;
}

static unsigned delete_connection(struct pc_device *d, const struct portcam_command *c,
                                  struct pc_command_result *ret)
{
    struct pc_connections *table = d->stateful.connections;
    struct pc_ended ended;
    if (c->row >= pc_connections_capacity(table))
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    if (command_address(c, 0) % 64)
        return PORTCAM_STATUS_BAD_ALIGNMENT;
    switch (pc_connections_delete(table, c->row, c->count, 0, &ended)) {
    case PC_RESULT_OK:
        add_image(&ended.record, ret);
        ret->result = 1;
        return PORTCAM_STATUS_OK;
    case PC_RESULT_CHANGED:
        return PORTCAM_STATUS_CHANGED;
    default:
        return PORTCAM_STATUS_NOT_FOUND;
    }
}

/* The images are for the caller: pc_device_insert(). */
static unsigned check_insert(const struct portcam_command *c)
{
    if (c->count == 0 || c->count > PORTCAM_BUILD_MAX_COUNT)
        return PORTCAM_STATUS_BAD_LENGTH;
    return command_address(c, 0) % 64 ? PORTCAM_STATUS_BAD_ALIGNMENT : PORTCAM_STATUS_OK;
}

static unsigned check_mirror(const struct pc_device *d, const struct portcam_command *c)
{
    unsigned slots = pc_connections_capacity(d->stateful.connections);
    if (c->opcode == PORTCAM_OPCODE_MIRROR_COPY)
        return check_count(c, slots);
    if (c->row > (slots - 1) / PC_MIRROR_BLOCK)
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    return command_address(c, 0) % 64 ? PORTCAM_STATUS_BAD_ALIGNMENT : PORTCAM_STATUS_OK;
}

static unsigned execute_on_records(struct pc_device *d, const struct portcam_command *c,
                                   struct pc_command_result *ret)
{
    if (!d->stateful.connections)
        return PORTCAM_STATUS_UNSUPPORTED;
    if (c->opcode == PORTCAM_OPCODE_BACKEND_READ)
        return read_backends(d, c, ret);
    if (c->opcode == PORTCAM_OPCODE_CONNECTION_INSERT)
        return check_insert(c);
    if (c->opcode == PORTCAM_OPCODE_CONNECTION_READ)
        return read_connections(d, c, ret);
    if (c->opcode == PORTCAM_OPCODE_CONNECTION_DELETE)
        return delete_connection(d, c, ret);
    return check_mirror(d, c);
}

/* ---- all of them ---- */

static unsigned execute(struct pc_device *d, const struct portcam_command *c,
                        struct pc_command_result *ret)
{
    switch (c->opcode) {
    case PORTCAM_OPCODE_NOP:
        return PORTCAM_STATUS_OK;
    case PORTCAM_OPCODE_ROW_WRITE:
    case PORTCAM_OPCODE_ROW_DELETE: {
        unsigned status = change_row(d, c, c->opcode == PORTCAM_OPCODE_ROW_WRITE);
        d->failed = d->open && (d->failed || status != PORTCAM_STATUS_OK);
        return status;
    }
    case PORTCAM_OPCODE_ROW_READ:
        return read_row(d, c, ret);
    case PORTCAM_OPCODE_CHANGE_BEGIN:
        if (d->open)
            return PORTCAM_STATUS_CHANGE_SET_OPEN;
        d->open = true;
        return PORTCAM_STATUS_OK;
    case PORTCAM_OPCODE_CHANGE_COMMIT:
        return commit(d);
    case PORTCAM_OPCODE_CHANGE_ABORT:
        pc_change_set_empty(d);
        return PORTCAM_STATUS_OK;
    case PORTCAM_OPCODE_COUNTER_READ:
        return read_counters(d, c, ret);
    case PORTCAM_OPCODE_BACKEND_READ:
    case PORTCAM_OPCODE_CONNECTION_READ:
    case PORTCAM_OPCODE_CONNECTION_DELETE:
    case PORTCAM_OPCODE_CONNECTION_INSERT:
    case PORTCAM_OPCODE_MIRROR_COPY:
    case PORTCAM_OPCODE_MIRROR_SUM:
        return execute_on_records(d, c, ret);
    case PORTCAM_OPCODE_SET_TIME:
        return PORTCAM_STATUS_UNSUPPORTED;
    case PORTCAM_OPCODE_SELF_TEST:
        return command_address(c, 0) % 64 || command_address(c, 1) % 64
                   ? PORTCAM_STATUS_BAD_ALIGNMENT
                   : PORTCAM_STATUS_OK;
    default:
        return PORTCAM_STATUS_UNKNOWN_OPCODE;
    }
}

void pc_device_command(struct pc_device *d, const struct portcam_command *c,
                       struct pc_command_result *ret)
{
    ret->result = 0;
    ret->answer_len = 0;
    ret->status = (uint8_t)execute(d, c, ret);
}
