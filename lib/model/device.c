// SPDX-License-Identifier: Apache-2.0
/* Packets, counters and commands of the device: see device.h. Rows of an open change set wait in a list and are applied at
 * commit: that is what "all of it or none of it" means. A row that is written again takes the place of what waits for it,
 * so the list never holds more than all rows of all tables, and commands need no memory. */
#include "device.h"

#include <stdlib.h>
#include <string.h>

struct pending {
    uint16_t table;
    bool valid; /* written; else deleted */
    uint32_t row;
    uint8_t data[PC_ROW_BYTES];
};

struct pc_device {
    struct pc_tables *tables;
    bool open, failed;
    unsigned epoch;
    struct pending *pending;
    unsigned pendings;
    unsigned first_row[PORTCAM_TABLE_MAX]; /* of each table, in place */
    unsigned *place; /* for each row of all tables: 1 + its index in pending, or 0 */
    unsigned counter_rows[PORTCAM_COUNTER_TABLE_MAX];
    struct portcam_counter_row *counter[PORTCAM_COUNTER_TABLE_MAX];
};

static bool new_change_set(struct pc_device *d)
{
    unsigned rows = 0;
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++) {
        d->first_row[table] = rows;
        rows += pc_tables_rows(d->tables, table);
    }
    d->pending = calloc(rows, sizeof(*d->pending));
    d->place = calloc(rows, sizeof(*d->place));
    return d->pending && d->place;
}

static unsigned *place_of(struct pc_device *d, unsigned table, unsigned row)
{
    return &d->place[d->first_row[table] + row];
}

static void empty_change_set(struct pc_device *d)
{
    for (unsigned i = 0; i < d->pendings; i++)
        *place_of(d, d->pending[i].table, d->pending[i].row) = 0;
    d->pendings = 0;
    d->open = d->failed = false;
}

struct pc_device *pc_device_new(const struct pc_sizes *sizes)
{
    const unsigned rows[PORTCAM_COUNTER_TABLE_MAX] = {
        [PORTCAM_COUNTER_TABLE_REASON] = PORTCAM_REASON_ROWS,
        [PORTCAM_COUNTER_TABLE_FUNCTION_RX] = sizes->functions,
        [PORTCAM_COUNTER_TABLE_FUNCTION_TX] = sizes->functions,
        [PORTCAM_COUNTER_TABLE_DOMAIN] = 2 * sizes->domains,
        [PORTCAM_COUNTER_TABLE_ADDRESS] = 2 * sizes->addresses,
        [PORTCAM_COUNTER_TABLE_SERVICE] = 2 * sizes->services,
        [PORTCAM_COUNTER_TABLE_BACKEND] = 2 * sizes->backends,
    };
    struct pc_device *d = pc_sizes_legal(sizes) ? calloc(1, sizeof(*d)) : NULL;
    if (!d)
        return NULL;
    d->tables = pc_tables_new(sizes);
    bool ok = d->tables && new_change_set(d);
    for (unsigned i = 0; i < PORTCAM_COUNTER_TABLE_MAX; i++) {
        d->counter_rows[i] = rows[i];
        d->counter[i] = calloc(rows[i], sizeof(*d->counter[i]));
        ok = ok && d->counter[i];
    }
    if (!ok) {
        pc_device_free(d);
        return NULL;
    }
    return d;
}

void pc_device_free(struct pc_device *d)
{
    if (!d)
        return;
    pc_tables_free(d->tables);
    for (unsigned i = 0; i < PORTCAM_COUNTER_TABLE_MAX; i++)
        free(d->counter[i]);
    free(d->pending);
    free(d->place);
    free(d);
}

void pc_device_reset(struct pc_device *d)
{
    pc_tables_clear(d->tables);
    pc_tables_set_seed(d->tables, 0);
    empty_change_set(d);
    d->epoch = 0;
    for (unsigned i = 0; i < PORTCAM_COUNTER_TABLE_MAX; i++)
        memset(d->counter[i], 0, d->counter_rows[i] * sizeof(*d->counter[i]));
}

bool pc_device_change_open(const struct pc_device *d)
{
    return d->open;
}

unsigned pc_device_epoch(const struct pc_device *d)
{
    return d->epoch;
}

const struct pc_tables *pc_device_tables(const struct pc_device *d)
{
    return d->tables;
}

struct pc_tables *pc_device_tables_rw(struct pc_device *d)
{
    return d->tables;
}

unsigned pc_device_counter_rows(const struct pc_device *d, unsigned table)
{
    return table < PORTCAM_COUNTER_TABLE_MAX ? d->counter_rows[table] : 0;
}

struct portcam_counter_row pc_device_counter(const struct pc_device *d, unsigned table,
                                             unsigned row)
{
    if (row >= pc_device_counter_rows(d, table))
        return (struct portcam_counter_row){0};
    return d->counter[table][row];
}

/* ---- packets ---- */

static inline void count(struct pc_device *d, unsigned table, int row, unsigned octets)
{
    if (row < 0)
        return;
    d->counter[table][row].packets++;
    d->counter[table][row].octets += octets;
}

static inline int directed(int number, bool reply)
{
    return number < 0 ? -1 : 2 * number + reply;
}

static void count_packet(struct pc_device *d, const struct pc_parsed *p,
                         const struct pc_decision *v)
{
    unsigned len = p->len;
    count(d, PORTCAM_COUNTER_TABLE_REASON, v->reason, len);
    count(d, PORTCAM_COUNTER_TABLE_FUNCTION_RX, p->ingress, len);
    count(d, PORTCAM_COUNTER_TABLE_FUNCTION_TX, v->drop ? -1 : v->egress, len);
    count(d, PORTCAM_COUNTER_TABLE_DOMAIN, directed(v->domain, v->reply), len);
    count(d, PORTCAM_COUNTER_TABLE_ADDRESS, directed(v->address, v->reply), len);
    count(d, PORTCAM_COUNTER_TABLE_SERVICE, directed(v->service, v->reply), len);
    count(d, PORTCAM_COUNTER_TABLE_BACKEND, directed(v->backend, v->reply), len);
}

void pc_device_explain(const struct pc_device *d, const uint8_t *frame, size_t len,
                       unsigned ingress, struct pc_parsed *parsed, struct pc_decision *ret)
{
    pc_parse(frame, len, ingress, pc_tables_sizes(d->tables)->max_frame, parsed);
    pc_decide(d->tables, parsed, ret);
}

void pc_device_packet(struct pc_device *d, uint8_t *frame, size_t len, unsigned ingress,
                      struct pc_parsed *parsed, struct pc_decision *ret)
{
    struct pc_parsed local;
    if (!parsed)
        parsed = &local;
    pc_device_explain(d, frame, len, ingress, parsed, ret);
    pc_rewrite(d->tables, parsed, ret, frame);
    count_packet(d, parsed, ret);
}

/* ---- commands ---- */

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
    empty_change_set(d);
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

static unsigned read_counters(struct pc_device *d, const struct portcam_command *c,
                              struct pc_command_result *ret)
{
    unsigned rows = pc_device_counter_rows(d, c->table_id);
    if (!rows)
        return PORTCAM_STATUS_UNKNOWN_TABLE;
    if (c->row >= rows)
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    if (c->count == 0 || c->count > PORTCAM_BUILD_MAX_COUNT)
        return PORTCAM_STATUS_BAD_LENGTH;
    if (c->count > rows - c->row)
        return PORTCAM_STATUS_ROW_OUT_OF_RANGE;
    if (command_address(c, 0) % 64)
        return PORTCAM_STATUS_BAD_ALIGNMENT;
    ret->result = c->count;
    ret->answer_len = c->count * sizeof(struct portcam_counter_row);
    memcpy(ret->answer, &d->counter[c->table_id][c->row], ret->answer_len);
    return PORTCAM_STATUS_OK;
}

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
        empty_change_set(d);
        return PORTCAM_STATUS_OK;
    case PORTCAM_OPCODE_COUNTER_READ:
        return read_counters(d, c, ret);
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
