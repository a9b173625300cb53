// SPDX-License-Identifier: Apache-2.0
/* The mirror of the connection records and the event ring: see mirror.h and docs/mirror.md. */
#include "mirror.h"

#include <string.h>

#include "crc32c.h"

_Static_assert(sizeof(struct portcam_mirror_record) == sizeof(struct portcam_mirror_end),
               "both are a slot of the mirror");

/* ---- life ---- */

void pc_mirror_reset(struct pc_mirror *m)
{
    *m = (struct pc_mirror){.host = m->host};
}

static void stop(struct pc_mirror *m, unsigned reason)
{
    m->running = false;
    m->error = true;
    m->reason = (uint8_t)reason;
}

static bool write_memory(struct pc_mirror *m, uint64_t iova, const void *src, size_t len)
{
    if (m->host.dma_write(m->host.ctx, iova, src, len) == 0)
        return true;
    stop(m, PORTCAM_STATUS_DMA_WRITE_ERROR);
    m->host.failed(m->host.ctx, iova);
    return false;
}

static void check_arm(struct pc_mirror *m)
{
    if (!m->armed || ((int32_t)(m->tail - m->arm) <= 0 && m->dropped == m->dropped_at_arm))
        return;
    m->armed = false;
    m->host.irq(m->host.ctx, PORTCAM_VECTOR_EVENTS);
}

static void start(struct pc_mirror *m)
{
    const struct pc_mirror_rings *r = &m->written;
    m->taken = *r;
    m->error = m->armed = false;
    m->reason = 0;
    m->version = m->tail = m->head = m->dropped = 0;
    bool good = r->base % 4096 == 0;
    if (r->events)
        good = good && r->event_base % 4096 == 0 && r->size_log2 >= 2 && r->size_log2 <= 16;
    if (good) {
        m->running = true;
    } else {
        stop(m, PORTCAM_STATUS_BAD_RING);
        m->host.irq(m->host.ctx, PORTCAM_VECTOR_ERRORS);
    }
}

static void set_control(struct pc_mirror *m, uint32_t value)
{
    bool enable = value & PORTCAM_MIRROR_CONTROL_ENABLE;
    bool rises = enable && !m->enable;
    m->enable = enable;
    m->written.events = value & PORTCAM_MIRROR_CONTROL_EVENTS;
    if (!enable)
        m->running = false;
    else if (rises)
        start(m);
}

/* ---- writes ---- */

/* A slot of the mirror; the next version goes to both ends. */
static bool write_slot(struct pc_mirror *m, uint32_t slot, struct portcam_mirror_record *record)
{
    uint32_t version = m->version + 1 ? m->version + 1 : 1;
    record->version = record->version2 = version;
    if (!write_memory(m, m->taken.base + (uint64_t)slot * sizeof(*record), record, sizeof(*record)))
        return false;
    m->version = version;
    return true;
}

static void write_event(struct pc_mirror *m, enum portcam_event_kind kind, uint32_t slot,
                        uint32_t generation, unsigned state)
{
    uint32_t log2 = m->taken.size_log2;
    if (!m->running || !m->taken.events)
        return;
    if (m->tail - m->head >= 1u << log2) {
        m->dropped++;
        check_arm(m);
        return;
    }
    struct portcam_event event = {
        .slot = slot,
        .generation = generation,
        .version = m->version,
        .kind = (uint8_t)kind,
        .state = (uint8_t)state,
        .lap = (uint16_t)((m->tail >> log2) + 1),
    };
    uint64_t at = m->taken.event_base + (uint64_t)(m->tail & ((1u << log2) - 1)) * sizeof(event);
    if (!write_memory(m, at, &event, sizeof(event)))
        return;
    m->tail++;
    check_arm(m);
}

static bool write_end(struct pc_mirror *m, uint32_t slot, const struct portcam_mirror_end *end)
{
    struct portcam_mirror_record record;
    memcpy(&record, end, sizeof(record));
    return write_slot(m, slot, &record);
}

static unsigned flags_of(const struct pc_connection *r)
{
    return (r->embryonic ? PORTCAM_MIRROR_RECORD_EMBRYONIC : 0) |
           (r->key.kept_port ? PORTCAM_MIRROR_RECORD_KEPT_PORT : 0) |
           (r->key.is_v6 ? PORTCAM_MIRROR_RECORD_IS_V6 : 0);
}

struct portcam_mirror_record pc_mirror_record_of(const struct pc_connection *r)
{
    struct portcam_mirror_record record = {
        .slot = r->slot,
        .generation = r->generation,
        .client_port = r->key.client.port,
        .public_port = r->public_end.port,
        .protocol = r->key.protocol,
        .flags = (uint8_t)flags_of(r),
        .state = r->state,
        .syn_repeats = r->syn_repeats,
        .service = r->service,
        .address = r->public_end.address,
        .backend = r->backend,
        .endpoint = r->endpoint,
        .group = r->key.group,
        .created = r->created,
        .last_used = r->last_used,
        .client_next = r->client_next,
    };
    memcpy(record.client_ip, r->key.client.ip, sizeof(record.client_ip));
    return record;
}

struct portcam_mirror_end pc_mirror_end_of(const struct pc_connection *r,
                                           enum portcam_end_cause cause)
{
    uint32_t lifetime = (r->last_used - r->created) >> 10;
    return (struct portcam_mirror_end){
        .slot = r->slot,
        .generation = r->generation,
        .client_port = r->key.client.port,
        .public_port = r->public_end.port,
        .forward_octets = r->forward.octets,
        .reverse_octets = r->reverse.octets,
        .protocol = r->key.protocol,
        .flags = (uint8_t)flags_of(r),
        .state = PORTCAM_CONNECTION_STATE_NONE,
        .cause = (uint8_t)cause,
        .service = r->service,
        .address = r->public_end.address,
        .backend = r->backend,
        .endpoint = r->endpoint,
        .last_state = r->state,
        .syn_repeats = r->syn_repeats,
        .forward_packets_high = (uint16_t)(r->forward.packets >> 32),
        .forward_packets = (uint32_t)r->forward.packets,
        .reverse_packets = (uint32_t)r->reverse.packets,
        .reverse_packets_high = (uint16_t)(r->reverse.packets >> 32),
        .lifetime = (uint16_t)(lifetime < UINT16_MAX ? lifetime : UINT16_MAX),
    };
}

void pc_mirror_record(void *ctx, enum portcam_event_kind kind, const struct pc_connection *r,
                      enum portcam_end_cause cause)
{
    struct pc_mirror *m = ctx;
    if (!m->running)
        return;
    if (kind == PORTCAM_EVENT_KIND_ENDED || kind == PORTCAM_EVENT_KIND_LEFT) {
        struct portcam_mirror_end end = pc_mirror_end_of(r, cause);
        if (write_end(m, r->slot, &end))
            write_event(m, kind, r->slot, r->generation, PORTCAM_CONNECTION_STATE_NONE);
    } else {
        struct portcam_mirror_record record = pc_mirror_record_of(r);
        if (write_slot(m, r->slot, &record))
            write_event(m, kind, r->slot, r->generation, r->state);
    }
}

void pc_mirror_slot(struct pc_mirror *m, uint32_t slot, const struct pc_connection *r,
                    enum portcam_end_cause cause, enum portcam_event_kind kind)
{
    struct portcam_mirror_end end = {.slot = slot, .cause = (uint8_t)cause};
    struct portcam_mirror_record record;
    if (!m->running)
        return;
    if (r)
        record = pc_mirror_record_of(r);
    else
        memcpy(&record, &end, sizeof(record));
    if (write_slot(m, slot, &record) && kind != PORTCAM_EVENT_KIND_NONE)
        write_event(m, kind, slot, record.generation, record.state);
}

/* ---- commands ---- */

unsigned pc_mirror_copy(struct pc_mirror *m, const struct pc_connections *c, uint32_t first,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count && m->running; i++)
        pc_mirror_slot(m, first + i, pc_connections_get(c, first + i), PORTCAM_END_CAUSE_EMPTY,
                       PORTCAM_EVENT_KIND_NONE);
    return m->running ? PORTCAM_STATUS_OK : PORTCAM_STATUS_NO_MIRROR;
}

static uint32_t sum_of(const struct pc_connection *r)
{
    uint8_t bytes[9];
    memcpy(bytes, &r->slot, 4);
    memcpy(bytes + 4, &r->generation, 4);
    bytes[8] = r->state;
    return pc_crc32c(0, bytes, sizeof(bytes));
}

unsigned pc_mirror_sum(const struct pc_mirror *m, const struct pc_connections *c, uint32_t block,
                       struct portcam_mirror_sum *ret)
{
    if (!m->running)
        return PORTCAM_STATUS_NO_MIRROR;
    *ret = (struct portcam_mirror_sum){.block = block, .version = m->version};
    for (uint32_t i = 0; i < PC_MIRROR_BLOCK; i++) {
        const struct pc_connection *r = pc_connections_get(c, block * PC_MIRROR_BLOCK + i);
        if (!r)
            continue;
        ret->sum += sum_of(r);
        ret->records++;
    }
    return PORTCAM_STATUS_OK;
}

/* ---- registers ---- */

static void set_low(uint64_t *word, uint32_t value)
{
    *word = (*word & 0xffffffff00000000u) | value;
}

static void set_high(uint64_t *word, uint32_t value)
{
    *word = (*word & 0xffffffffu) | (uint64_t)value << 32;
}

bool pc_mirror_reg_read(const struct pc_mirror *m, uint32_t offset, uint32_t *ret)
{
    switch (offset) {
    case PORTCAM_REG_MIRROR_BASE_LO:
        *ret = (uint32_t)m->written.base;
        return true;
    case PORTCAM_REG_MIRROR_BASE_HI:
        *ret = (uint32_t)(m->written.base >> 32);
        return true;
    case PORTCAM_REG_MIRROR_CONTROL:
        *ret = (m->enable ? PORTCAM_MIRROR_CONTROL_ENABLE : 0) |
               (m->written.events ? PORTCAM_MIRROR_CONTROL_EVENTS : 0);
        return true;
    case PORTCAM_REG_MIRROR_STATUS:
        *ret = (m->running ? PORTCAM_MIRROR_STATUS_RUNNING : 0) |
               (m->error ? PORTCAM_MIRROR_STATUS_ERROR : 0) |
               (uint32_t)m->reason << PORTCAM_MIRROR_STATUS_REASON_SHIFT;
        return true;
    case PORTCAM_REG_MIRROR_VERSION:
        *ret = m->version;
        return true;
    case PORTCAM_REG_EVENT_BASE_LO:
        *ret = (uint32_t)m->written.event_base;
        return true;
    case PORTCAM_REG_EVENT_BASE_HI:
        *ret = (uint32_t)(m->written.event_base >> 32);
        return true;
    case PORTCAM_REG_EVENT_SIZE:
        *ret = m->written.size_log2;
        return true;
    case PORTCAM_REG_EVENT_TAIL:
        *ret = m->tail;
        return true;
    case PORTCAM_REG_EVENT_HEAD:
        *ret = m->head;
        return true;
    case PORTCAM_REG_EVENT_DROPPED:
        *ret = m->dropped;
        return true;
    case PORTCAM_REG_EVENT_ARM:
        *ret = m->arm;
        return true;
    default:
        return false;
    }
}

bool pc_mirror_reg_write(struct pc_mirror *m, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case PORTCAM_REG_MIRROR_BASE_LO:
        set_low(&m->written.base, value);
        return true;
    case PORTCAM_REG_MIRROR_BASE_HI:
        set_high(&m->written.base, value);
        return true;
    case PORTCAM_REG_MIRROR_CONTROL:
        set_control(m, value);
        return true;
    case PORTCAM_REG_EVENT_BASE_LO:
        set_low(&m->written.event_base, value);
        return true;
    case PORTCAM_REG_EVENT_BASE_HI:
        set_high(&m->written.event_base, value);
        return true;
    case PORTCAM_REG_EVENT_SIZE:
        m->written.size_log2 = value & PORTCAM_EVENT_SIZE_LOG2;
        return true;
    case PORTCAM_REG_EVENT_HEAD:
        m->head = value;
        return true;
    case PORTCAM_REG_EVENT_ARM:
        m->arm = value;
        m->dropped_at_arm = m->dropped;
        m->armed = true;
        check_arm(m);
        return true;
    default:
        return false;
    }
}
