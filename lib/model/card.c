// SPDX-License-Identifier: Apache-2.0
/* Registers and the command ring: see card.h and docs/registers.md. */
#include "card_state.h"

#include <stdlib.h>
#include <string.h>

#define BUILD_ID 0x4d4f444cu /* "MODL" */
#define VECTORS PORTCAM_BUILD_VECTORS

void pc_card_raise(void *card, unsigned vector)
{
    struct pc_card *c = card;
    if (c->host.irq)
        c->host.irq(c->host.ctx, vector);
}

void pc_card_dma_failed(void *card, uint64_t iova)
{
    struct pc_card *c = card;
    c->error_addr = iova;
    c->error_count++;
    pc_card_raise(c, PORTCAM_VECTOR_ERRORS);
}

static int mirror_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    struct pc_card *c = ctx;
    return c->host.dma_write(c->host.ctx, iova, src, len);
}

struct pc_card *pc_card_new_sized(const struct pc_card_host *host, const struct pc_sizes *sizes)
{
    struct pc_card *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->host = *host;
    c->device = pc_device_new(sizes);
    if (!c->device) {
        free(c);
        return NULL;
    }
    pc_punt_rings_connect(c);
    pc_trace_ring_connect(c);
    c->mirror.host = (struct pc_mirror_host){c, mirror_write, pc_card_dma_failed, pc_card_raise};
    struct pc_connections *connections = pc_device_connections_rw(c->device);
    if (connections)
        pc_connections_watch(connections,
                             &(struct pc_connection_watch){&c->mirror, pc_mirror_record});
    return c;
}

struct pc_card *pc_card_new(const struct pc_card_host *host)
{
    struct pc_sizes sizes = pc_sizes_default();
    return pc_card_new_sized(host, &sizes);
}

void pc_card_free(struct pc_card *c)
{
    if (!c)
        return;
    pc_device_free(c->device);
    free(c);
}

void pc_card_reset(struct pc_card *c)
{
    pc_device_reset(c->device);
    c->ring = (struct ring){0};
    pc_mirror_reset(&c->mirror);
    pc_punt_rings_reset(c);
    pc_trace_ring_reset(c);
    c->error_addr = 0;
    c->error_count = 0;
    c->scratch = 0;
}

/* A whole pass takes 500 ms; where time jumps, or stands still, the pass is made at once, or not at all. */
void pc_card_set_time(struct pc_card *c, uint32_t time_ms)
{
    const struct pc_connections *connections = pc_device_connections(c->device);
    uint32_t passed = time_ms - c->time_ms;
    c->time_ms = time_ms;
    if (!connections || passed == 0)
        return;
    unsigned capacity = pc_connections_capacity(connections);
    pc_device_age(c->device, time_ms, passed < 500 ? passed * (capacity / 500 + 1) : capacity);
}

uint32_t pc_card_time(const struct pc_card *c)
{
    return c->time_ms;
}

bool pc_card_holds(const struct pc_card *c)
{
    return c->hold && (int32_t)(c->hold_until - c->time_ms) > 0;
}

struct pc_device *pc_card_device(struct pc_card *c)
{
    return c->device;
}

/* ---- command ring ---- */

static void stop_ring(struct pc_card *c, unsigned reason)
{
    c->ring.running = false;
    c->ring.error = true;
    c->ring.reason = (uint8_t)reason;
    pc_card_raise(c, PORTCAM_VECTOR_ERRORS);
}

static void check_arm(struct pc_card *c)
{
    struct ring *r = &c->ring;
    if (r->armed && (int32_t)(r->cpl_tail - r->arm) > 0) {
        r->armed = false;
        pc_card_raise(c, PORTCAM_VECTOR_COMMANDS);
    }
}

static void complete(struct pc_card *c, const struct portcam_command *cmd)
{
    struct ring *r = &c->ring;
    uint32_t mask = (1u << r->size_log2) - 1;
    struct portcam_completion cpl = {.cookie = cmd->cookie,
                                     .result = c->result.result,
                                     .status = c->result.status,
                                     .sq_head = (uint16_t)r->head,
                                     .lap = (r->cpl_tail >> r->size_log2) + 1};
    uint64_t at = r->cpl_base + (uint64_t)(r->cpl_tail & mask) * sizeof(cpl);
    if (c->host.dma_write(c->host.ctx, at, &cpl, sizeof(cpl)) != 0) {
        pc_card_dma_failed(c, at);
        stop_ring(c, PORTCAM_STATUS_DMA_WRITE_ERROR);
        return;
    }
    r->cpl_tail++;
    check_arm(c);
}

static void self_test(struct pc_card *c, const struct portcam_command *cmd)
{
    uint64_t from, to;
    uint8_t buffer[64];
    memcpy(&from, cmd->data, 8);
    memcpy(&to, cmd->data + 8, 8);
    if (c->host.dma_read(c->host.ctx, from, buffer, sizeof(buffer)) != 0) {
        c->result.status = PORTCAM_STATUS_DMA_READ_ERROR;
        pc_card_dma_failed(c, from);
    } else if (c->host.dma_write(c->host.ctx, to, buffer, sizeof(buffer)) != 0) {
        c->result.status = PORTCAM_STATUS_DMA_WRITE_ERROR;
        pc_card_dma_failed(c, to);
    }
}

static void answer(struct pc_card *c, const struct portcam_command *cmd)
{
    uint64_t to;
    memcpy(&to, cmd->data, 8);
    if (c->host.dma_write(c->host.ctx, to, c->result.answer, c->result.answer_len) == 0)
        return;
    c->result.status = PORTCAM_STATUS_DMA_WRITE_ERROR;
    c->result.result = 0;
    pc_card_dma_failed(c, to);
}

/* Up to the first image that is refused. */
static void insert(struct pc_card *c, const struct portcam_command *cmd)
{
    uint64_t from;
    unsigned slot;
    memcpy(&from, cmd->data, 8);
    while (c->result.status == PORTCAM_STATUS_OK && c->result.result < cmd->count) {
        struct portcam_connection_image image;
        if (c->host.dma_read(c->host.ctx, from, &image, sizeof(image)) != 0) {
            c->result.status = PORTCAM_STATUS_DMA_READ_ERROR;
            pc_card_dma_failed(c, from);
            return;
        }
        c->result.status = (uint8_t)pc_device_insert(c->device, &image, NULL, &slot);
        c->result.result += c->result.status == PORTCAM_STATUS_OK;
        from += sizeof(image);
    }
}

/* mirror_copy and mirror_sum: their range was checked. */
static void mirror_command(struct pc_card *c, const struct portcam_command *cmd)
{
    const struct pc_connections *connections = pc_device_connections(c->device);
    struct portcam_mirror_sum sum;
    if (cmd->opcode == PORTCAM_OPCODE_MIRROR_COPY) {
        c->result.status = (uint8_t)pc_mirror_copy(&c->mirror, connections, cmd->row, cmd->count);
        c->result.result = c->result.status == PORTCAM_STATUS_OK ? cmd->count : 0;
        return;
    }
    c->result.status = (uint8_t)pc_mirror_sum(&c->mirror, connections, cmd->row, &sum);
    if (c->result.status != PORTCAM_STATUS_OK)
        return;
    memcpy(c->result.answer, &sum, sizeof(sum));
    c->result.answer_len = sizeof(sum);
    answer(c, cmd);
}

static void run_one(struct pc_card *c)
{
    struct ring *r = &c->ring;
    uint32_t mask = (1u << r->size_log2) - 1;
    struct portcam_command cmd;
    uint64_t at = r->cmd_base + (uint64_t)(r->head & mask) * sizeof(cmd);
    if (c->host.dma_read(c->host.ctx, at, &cmd, sizeof(cmd)) != 0) {
        pc_card_dma_failed(c, at);
        stop_ring(c, PORTCAM_STATUS_DMA_READ_ERROR);
        return;
    }
    pc_device_command(c->device, &cmd, &c->result);
    if (c->result.status == PORTCAM_STATUS_OK) {
        if (cmd.opcode == PORTCAM_OPCODE_SELF_TEST)
            self_test(c, &cmd);
        else if (cmd.opcode == PORTCAM_OPCODE_CONNECTION_INSERT)
            insert(c, &cmd);
        else if (cmd.opcode == PORTCAM_OPCODE_MIRROR_COPY ||
                 cmd.opcode == PORTCAM_OPCODE_MIRROR_SUM)
            mirror_command(c, &cmd);
        else if (c->result.answer_len)
            answer(c, &cmd);
    }
    r->head++;
    if (c->result.status != PORTCAM_STATUS_OK || cmd.flags & PORTCAM_COMMAND_COMPLETE ||
        r->head == r->doorbell)
        complete(c, &cmd);
}

static void run_ring(struct pc_card *c)
{
    struct ring *r = &c->ring;
    if (!r->running)
        return;
    uint32_t size = 1u << r->size_log2;
    if (r->doorbell - r->head > size) {
        stop_ring(c, PORTCAM_STATUS_BAD_DOORBELL);
        return;
    }
    while (r->running && r->head != r->doorbell && r->cpl_tail - r->cpl_head < size)
        run_one(c);
}

static void set_enable(struct pc_card *c, bool enable)
{
    struct ring *r = &c->ring;
    if (!enable) {
        r->running = false;
        return;
    }
    if (r->running)
        return;
    r->error = false;
    r->reason = 0;
    r->armed = false;
    r->doorbell = r->head = r->cpl_tail = r->cpl_head = 0;
    if (r->size_log2 < 6 || r->size_log2 > 16 || r->cmd_base % 4096 || r->cpl_base % 4096)
        stop_ring(c, PORTCAM_STATUS_BAD_RING);
    else
        r->running = true;
}

/* ---- registers ---- */

static uint32_t connection_shape(const struct pc_sizes *s, uint32_t rows)
{
    return rows ? rows | s->connection_stash << PORTCAM_CAP_CONNECTIONS_STASH_SHIFT : 0;
}

static uint32_t read_capability(const struct pc_sizes *s, uint32_t offset)
{
    uint32_t ways = s->endpoint_ways << PORTCAM_CAP_ENDPOINTS_WAYS_SHIFT;
    switch (offset) {
    case PORTCAM_REG_CAPS:
        return PORTCAM_CAPS_IPV6 | PORTCAM_CAPS_STATIC | PORTCAM_CAPS_DELIVER |
               (s->connection_rows ? PORTCAM_CAPS_STATEFUL | PORTCAM_CAPS_MIRROR : 0) |
               PORTCAM_CAPS_REJECT | PORTCAM_CAPS_PUNT | PORTCAM_CAPS_TRACE;
    case PORTCAM_REG_CAP_FRAME:
        return PORTCAM_BUILD_WINDOW | s->max_frame << PORTCAM_CAP_FRAME_MAX_FRAME_SHIFT;
    case PORTCAM_REG_CAP_UNITS:
        return s->functions | 1u << PORTCAM_CAP_UNITS_RINGS_SHIFT |
               VECTORS << PORTCAM_CAP_UNITS_VECTORS_SHIFT;
    case PORTCAM_REG_CAP_DOMAINS:
        return s->domains;
    case PORTCAM_REG_CAP_ADDRESSES:
        return s->addresses;
    case PORTCAM_REG_CAP_SERVICES:
        return s->services;
    case PORTCAM_REG_CAP_BACKENDS:
        return s->backends;
    case PORTCAM_REG_CAP_ENDPOINTS:
        return s->endpoint_rows | ways;
    case PORTCAM_REG_CAP_ENDPOINTS_ANY_PORT:
        return s->endpoint_any_port_rows | ways;
    case PORTCAM_REG_CAP_ENDPOINTS_ANY:
        return s->endpoint_any_rows | ways;
    case PORTCAM_REG_CAP_CONNECTIONS:
        return connection_shape(s, s->connection_rows);
    case PORTCAM_REG_CAP_CONNECTIONS_V6:
        return connection_shape(s, s->connection_rows_v6);
    case PORTCAM_REG_CAP_SCHEDULE:
        return s->schedule_rows;
    default:
        return 0;
    }
}

static uint32_t read_status(const struct pc_card *c)
{
    return PORTCAM_STATUS_READY |
           (pc_device_change_open(c->device) ? PORTCAM_STATUS_CHANGE_OPEN : 0) |
           (pc_device_epoch(c->device) ? PORTCAM_STATUS_EPOCH : 0) |
           (c->ring.error ? PORTCAM_STATUS_RING_ERROR : 0);
}

uint32_t pc_card_reg_read(struct pc_card *c, uint32_t offset)
{
    const struct ring *r = &c->ring;
    const struct pc_connections *connections = pc_device_connections(c->device);
    uint32_t value;
    if (connections && pc_mirror_reg_read(&c->mirror, offset, &value))
        return value;
    if (pc_punt_rings_read(c, offset, &value) || pc_trace_ring_read(c, offset, &value))
        return value;
    switch (offset) {
    case PORTCAM_REG_MAGIC:
        return PORTCAM_MAGIC;
    case PORTCAM_REG_VERSION:
        return PORTCAM_INTERFACE_MAJOR << PORTCAM_VERSION_MAJOR_SHIFT | PORTCAM_INTERFACE_MINOR;
    case PORTCAM_REG_BUILD_ID:
        return BUILD_ID;
    case PORTCAM_REG_STATUS:
        return read_status(c);
    case PORTCAM_REG_ERROR_ADDR_LO:
        return (uint32_t)c->error_addr;
    case PORTCAM_REG_ERROR_ADDR_HI:
        return (uint32_t)(c->error_addr >> 32);
    case PORTCAM_REG_ERROR_COUNT:
        return c->error_count;
    case PORTCAM_REG_HASH_SEED:
        return pc_tables_seed(pc_device_tables(c->device));
    case PORTCAM_REG_TIME_MS:
        return c->time_ms;
    case PORTCAM_REG_SCRATCH:
        return c->scratch;
    case PORTCAM_REG_HOLD:
        return pc_card_holds(c) ? c->hold_until - c->time_ms : 0;
    case PORTCAM_REG_CONNECTIONS_USED:
        return connections ? pc_connections_used(connections) : 0;
    case PORTCAM_REG_CONNECTIONS_EMBRYONIC:
        return connections ? pc_connections_embryonic(connections) : 0;
    case PORTCAM_REG_CMD_BASE_LO:
        return (uint32_t)r->cmd_base;
    case PORTCAM_REG_CMD_BASE_HI:
        return (uint32_t)(r->cmd_base >> 32);
    case PORTCAM_REG_CPL_BASE_LO:
        return (uint32_t)r->cpl_base;
    case PORTCAM_REG_CPL_BASE_HI:
        return (uint32_t)(r->cpl_base >> 32);
    case PORTCAM_REG_CMD_SIZE:
        return r->size_log2;
    case PORTCAM_REG_CMD_CONTROL:
        return r->running;
    case PORTCAM_REG_CMD_STATUS:
        return (r->running ? PORTCAM_CMD_STATUS_RUNNING : 0) |
               (r->error ? PORTCAM_CMD_STATUS_ERROR : 0) |
               (uint32_t)r->reason << PORTCAM_CMD_STATUS_REASON_SHIFT;
    case PORTCAM_REG_CMD_DOORBELL:
        return r->doorbell;
    case PORTCAM_REG_CMD_HEAD:
        return r->head;
    case PORTCAM_REG_CPL_TAIL:
        return r->cpl_tail;
    case PORTCAM_REG_CPL_HEAD:
        return r->cpl_head;
    case PORTCAM_REG_CMD_ARM:
        return r->arm;
    default:
        return read_capability(pc_tables_sizes(pc_device_tables(c->device)), offset);
    }
}

void pc_card_reg_write(struct pc_card *c, uint32_t offset, uint32_t value)
{
    struct ring *r = &c->ring;
    if (pc_device_connections(c->device) && pc_mirror_reg_write(&c->mirror, offset, value))
        return;
    if (pc_punt_rings_write(c, offset, value) || pc_trace_ring_write(c, offset, value))
        return;
    switch (offset) {
    case PORTCAM_REG_HASH_SEED:
        pc_tables_set_seed(pc_device_tables_rw(c->device), value);
        break;
    case PORTCAM_REG_SCRATCH:
        c->scratch = value;
        break;
    case PORTCAM_REG_HOLD:
        c->hold = value & 0xffff;
        c->hold_until = c->time_ms + (value & 0xffff);
        break;
    case PORTCAM_REG_CMD_BASE_LO:
        pc_set_low(&r->cmd_base, value);
        break;
    case PORTCAM_REG_CMD_BASE_HI:
        pc_set_high(&r->cmd_base, value);
        break;
    case PORTCAM_REG_CPL_BASE_LO:
        pc_set_low(&r->cpl_base, value);
        break;
    case PORTCAM_REG_CPL_BASE_HI:
        pc_set_high(&r->cpl_base, value);
        break;
    case PORTCAM_REG_CMD_SIZE:
        r->size_log2 = value & PORTCAM_CMD_SIZE_LOG2;
        break;
    case PORTCAM_REG_CMD_CONTROL:
        set_enable(c, value & PORTCAM_CMD_CONTROL_ENABLE);
        break;
    case PORTCAM_REG_CMD_DOORBELL:
        r->doorbell = value;
        run_ring(c);
        break;
    case PORTCAM_REG_CPL_HEAD:
        r->cpl_head = value;
        run_ring(c);
        break;
    case PORTCAM_REG_CMD_ARM:
        r->arm = value;
        r->armed = true;
        check_arm(c);
        break;
    default:
        break;
    }
}
