// SPDX-License-Identifier: Apache-2.0
/* Access to the card; see hw.h. */
#include "hw.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/dev.h>
#include <portcam/ring.h>

#include "base/report.h"
#include "driver/err.h"
#include "hw_irq.h"

enum {
    READ_ROWS = 1024, /* rows in one batch of row_read */
    BUFFER = PC_HW_CHUNK * (int)sizeof(struct portcam_connection_image),
    TIMEOUT_MS = 30000,    /* without any progress of the ring */
    NUMBERS_MAX = 1 << 15, /* each has two rows of counters, and those are named with 16 bits */
    ROWS_MAX = 1 << 20,
    WAYS_MAX = 16,
    SCHEDULE_MAX = 1 << 16, /* rows are named with 16 bits */
};

struct pc_hw {
    pthread_mutex_t lock; /* the ring and the buffer: the slow path has a thread of its own */
    struct portcam_dev *dev;
    struct portcam_ring *ring;
    struct portcam_caps caps;
    portcam_line_fn log;
    void *log_ctx;
    int irq_fd[PC_VECTORS]; /* by vector; -1: not connected */
    bool restart;           /* the ring failed */
    void *buffer;           /* BUFFER bytes, the longest answers: row images, connection images */
    uint64_t buffer_iova;
};

/* From here to the end of the function the ring and the buffer are this thread's. */
#define HELD __attribute__((cleanup(give), unused))

static struct pc_hw *take(struct pc_hw *hw)
{
    pthread_mutex_lock(&hw->lock);
    return hw;
}

static void give(struct pc_hw **held)
{
    pthread_mutex_unlock(&(*held)->lock);
}

static int lock_init(pthread_mutex_t *lock)
{
    pthread_mutexattr_t recursive;
    int rc = pthread_mutexattr_init(&recursive);

    if (rc == 0) {
        pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
        rc = pthread_mutex_init(lock, &recursive);
        pthread_mutexattr_destroy(&recursive);
    }
    return -rc;
}

const char *pc_hw_error(void)
{
    return portcam_dev_error();
}

const char *pc_hw_code(int rc)
{
    switch (rc) {
    case -EACCES:
    case -EPERM:
        return "permission";
    case -ETIMEDOUT:
        return "timeout";
    default:
        return "device";
    }
}

const struct portcam_caps *pc_hw_caps(const struct pc_hw *hw)
{
    return &hw->caps;
}

struct portcam_dev *pc_hw_device(struct pc_hw *hw)
{
    return hw->dev;
}

const char *pc_hw_name(const struct pc_hw *hw)
{
    return portcam_dev_info(hw->dev)->name;
}

const char *pc_hw_transport(const struct pc_hw *hw)
{
    return portcam_dev_info(hw->dev)->transport;
}

int pc_hw_register(struct pc_hw *hw, uint32_t offset, uint32_t *ret)
{
    return portcam_reg_read32(hw->dev, offset, ret);
}

int pc_hw_set_register(struct pc_hw *hw, uint32_t offset, uint32_t value)
{
    return portcam_reg_write32(hw->dev, offset, value);
}

/* Rows and stash of a connection table. */
static uint32_t slots_of(uint32_t shape)
{
    return (shape & PORTCAM_CAP_CONNECTIONS_ROWS) + (shape >> PORTCAM_CAP_CONNECTIONS_STASH_SHIFT);
}

static int read_caps(struct pc_hw *hw)
{
    struct portcam_caps *caps = &hw->caps;
    uint32_t frame, units, endpoints[3], records, records_v6;
    const struct {
        uint32_t offset;
        uint32_t *value;
    } registers[] = {
        {PORTCAM_REG_VERSION, &caps->version},
        {PORTCAM_REG_BUILD_ID, &caps->build_id},
        {PORTCAM_REG_CAPS, &caps->flags},
        {PORTCAM_REG_CAP_FRAME, &frame},
        {PORTCAM_REG_CAP_UNITS, &units},
        {PORTCAM_REG_CAP_DOMAINS, &caps->domains},
        {PORTCAM_REG_CAP_ADDRESSES, &caps->addresses},
        {PORTCAM_REG_CAP_SERVICES, &caps->services},
        {PORTCAM_REG_CAP_BACKENDS, &caps->backends},
        {PORTCAM_REG_CAP_ENDPOINTS, &endpoints[0]},
        {PORTCAM_REG_CAP_ENDPOINTS_ANY_PORT, &endpoints[1]},
        {PORTCAM_REG_CAP_ENDPOINTS_ANY, &endpoints[2]},
        {PORTCAM_REG_CAP_CONNECTIONS, &records},
        {PORTCAM_REG_CAP_CONNECTIONS_V6, &records_v6},
        {PORTCAM_REG_CAP_SCHEDULE, &caps->schedule},
    };

    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        int rc = portcam_reg_read32(hw->dev, registers[i].offset, registers[i].value);
        if (rc)
            return rc;
    }
    caps->window = frame & PORTCAM_CAP_FRAME_WINDOW;
    caps->max_frame = frame >> PORTCAM_CAP_FRAME_MAX_FRAME_SHIFT;
    caps->functions = units & PORTCAM_CAP_UNITS_FUNCTIONS;
    caps->connections = slots_of(records);
    caps->connections_v6 = slots_of(records_v6);
    for (unsigned t = 0; t < 3; t++) {
        caps->endpoint_rows[t] = endpoints[t] & PORTCAM_CAP_ENDPOINTS_ROWS;
        caps->endpoint_ways[t] = endpoints[t] >> PORTCAM_CAP_ENDPOINTS_WAYS_SHIFT;
    }
    return 0;
}

/* Could there be a card of this shape? Everything that sizes memory or indexes it is bounded from here on. */
static bool sane_caps(const struct portcam_caps *caps)
{
    const uint32_t sizes[] = {caps->domains, caps->addresses, caps->services, caps->backends};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (sizes[i] == 0 || sizes[i] > NUMBERS_MAX)
            return false;
    }
    for (unsigned t = 0; t < 3; t++) {
        if (caps->endpoint_ways[t] == 0 || caps->endpoint_ways[t] > WAYS_MAX ||
            caps->endpoint_rows[t] == 0 || caps->endpoint_rows[t] > ROWS_MAX ||
            caps->endpoint_rows[t] % caps->endpoint_ways[t] != 0)
            return false;
    }
    if (caps->flags & PORTCAM_CAPS_STATEFUL &&
        (caps->schedule == 0 || caps->schedule > SCHEDULE_MAX ||
         caps->connections + caps->connections_v6 == 0))
        return false;
    return caps->functions >= 2 && caps->window >= 64;
}

static void forward_log(void *ctx, enum portcam_log_level level, const char *line)
{
    struct pc_hw *hw = ctx;
    if (hw->log)
        hw->log(hw->log_ctx, (enum portcam_severity)level, line);
}

int pc_hw_irq_fd(const struct pc_hw *hw, unsigned vector)
{
    return vector < PC_VECTORS ? hw->irq_fd[vector] : -1;
}

/* A card, or a machine, with fewer vectors than are used works, but sleeps less well. */
static void tell_of_vectors(const struct pc_hw *hw)
{
    unsigned vectors = portcam_dev_info(hw->dev)->vectors;
    char line[600];

    if (hw->irq_fd[PORTCAM_VECTOR_COMMANDS] < 0)
        snprintf(line, sizeof(line), "the card is polled: %s", portcam_dev_error());
    else if (vectors < PC_VECTORS)
        snprintf(line, sizeof(line),
                 "the card has %u interrupt vectors and %u are used: what has none is polled; load "
                 "the image that this driver belongs to",
                 vectors, PC_VECTORS);
    else
        return;
    if (hw->log)
        hw->log(hw->log_ctx, PORTCAM_SEVERITY_WARNING, line);
}

static int open_ring(struct pc_hw *hw)
{
    struct portcam_ring_opts opts = {.sz = sizeof(opts)};

    pc_irqs_open(hw->dev, hw->irq_fd);
    opts.irq_fd = hw->irq_fd[PORTCAM_VECTOR_COMMANDS];
    opts.use_irq = opts.irq_fd >= 0;
    tell_of_vectors(hw);
    int rc = portcam_ring_open(hw->dev, &opts, &hw->ring);
    if (rc == 0)
        rc = portcam_dma_alloc(hw->dev, BUFFER, 64, &hw->buffer, &hw->buffer_iova);
    return rc;
}

void pc_hw_close(struct pc_hw *hw)
{
    if (!hw)
        return;
    portcam_ring_close(hw->ring);
    if (hw->buffer)
        portcam_dma_free(hw->dev, hw->buffer);
    portcam_dev_close(hw->dev);
    pc_irqs_close(hw->irq_fd);
    pthread_mutex_destroy(&hw->lock);
    free(hw);
}

int pc_hw_open(const char *device, portcam_line_fn log, void *log_ctx,
               struct portcam_report *report, struct pc_hw **ret)
{
    struct pc_hw *hw = calloc(1, sizeof(*hw));
    struct portcam_dev_opts opts = {.sz = sizeof(opts), .log = forward_log, .log_ctx = hw};

    if (!hw)
        return -ENOMEM;
    int rc = lock_init(&hw->lock);
    if (rc) {
        free(hw);
        return rc;
    }
    hw->log = log;
    hw->log_ctx = log_ctx;
    memset(hw->irq_fd, -1, sizeof(hw->irq_fd));
    rc = portcam_dev_open(device, &opts, &hw->dev);
    if (rc == 0)
        rc = read_caps(hw);
    if (rc == 0 && !sane_caps(&hw->caps)) {
        pc_report_add(
            report, "device",
            "device %s: its capability registers tell impossible sizes; reset the card or "
            "load another build",
            device);
        pc_hw_close(hw);
        return -EPROTO;
    }
    if (rc == 0)
        rc = open_ring(hw);
    if (rc) {
        pc_report_add(report, pc_hw_code(rc), "device %s: %s", device, pc_hw_error());
        pc_hw_close(hw);
        return rc;
    }
    *ret = hw;
    return 0;
}

static int run(struct pc_hw *hw, struct portcam_command *commands, unsigned count,
               struct portcam_completion *ret_failed)
{
    struct pc_hw *locked HELD = take(hw);
    int rc = 0;

    if (hw->restart)
        rc = portcam_ring_restart(hw->ring);
    if (rc)
        return rc;
    rc = portcam_ring_run(hw->ring, commands, count, TIMEOUT_MS, ret_failed);
    hw->restart = rc && rc != -EREMOTEIO;
    return rc;
}

int pc_hw_run(struct pc_hw *hw, struct portcam_command *commands, unsigned count,
              unsigned *ret_index, unsigned *ret_status)
{
    struct portcam_completion failed = {0};
    int rc = run(hw, commands, count, &failed);

    if (rc == -EREMOTEIO) {
        if (ret_index)
            *ret_index = failed.cookie < count ? failed.cookie : 0;
        if (ret_status)
            *ret_status = failed.status;
    }
    return rc;
}

static int read_rows(struct pc_hw *hw, unsigned table, uint32_t first, uint32_t count,
                     struct portcam_command *commands, struct pc_image *ret)
{
    struct pc_hw *locked HELD = take(hw);
    const struct portcam_row_image *rows = hw->buffer;

    memset(commands, 0, count * sizeof(*commands));
    memset(hw->buffer, 0, count * sizeof(*rows));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = hw->buffer_iova + i * sizeof(*rows);
        commands[i].opcode = PORTCAM_OPCODE_ROW_READ;
        commands[i].table_id = (uint16_t)table;
        commands[i].row = first + i;
        memcpy(commands[i].data, &address, sizeof(address));
    }
    int rc = pc_hw_run(hw, commands, count, NULL, NULL);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        if (rows[i].table_id != table || rows[i].row != first + i)
            return -EPROTO;
        if (rows[i].flags & PORTCAM_ROW_IMAGE_VALID)
            pc_image_set(ret, table, first + i, rows[i].data, -1);
    }
    return rc;
}

int pc_hw_read_image(struct pc_hw *hw, struct pc_image *ret)
{
    struct portcam_command *commands = calloc(READ_ROWS, sizeof(*commands));
    int rc = commands ? 0 : -ENOMEM;

    for (unsigned t = 0; rc == 0 && t < PORTCAM_TABLE_MAX; t++) {
        for (uint32_t row = 0; rc == 0 && row < ret->rows[t]; row += READ_ROWS) {
            uint32_t left = ret->rows[t] - row;
            rc = read_rows(hw, t, row, left < READ_ROWS ? left : READ_ROWS, commands, ret);
        }
    }
    free(commands);
    return rc;
}

int pc_hw_counters(struct pc_hw *hw, unsigned table, uint32_t row, uint32_t count,
                   struct portcam_counter *ret)
{
    struct pc_hw *locked HELD = take(hw);
    const struct portcam_counter_row *rows = hw->buffer;

    while (count > 0) {
        uint32_t n = count < PORTCAM_BUILD_MAX_COUNT ? count : PORTCAM_BUILD_MAX_COUNT;
        struct portcam_command command = {.opcode = PORTCAM_OPCODE_COUNTER_READ,
                                          .table_id = (uint16_t)table,
                                          .row = row,
                                          .count = n};
        memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
        int rc = pc_hw_run(hw, &command, 1, NULL, NULL);
        if (rc)
            return rc;
        for (uint32_t i = 0; i < n; i++)
            ret[i] = (struct portcam_counter){rows[i].packets, rows[i].octets};
        row += n;
        ret += n;
        count -= n;
    }
    return 0;
}

/* ---- connection records ---- */

uint32_t pc_hw_slots(const struct pc_hw *hw)
{
    return hw->caps.connections + hw->caps.connections_v6;
}

static bool is_record(const struct pc_hw *hw, const struct portcam_connection_image *i)
{
    return (i->family == PORTCAM_FAMILY_4 || i->family == PORTCAM_FAMILY_6) &&
           i->state > PORTCAM_CONNECTION_STATE_NONE && i->state < PORTCAM_CONNECTION_STATE_MAX &&
           i->service < hw->caps.services && i->backend < hw->caps.backends &&
           i->endpoint < hw->caps.backends && i->address < hw->caps.addresses;
}

int pc_hw_connections(struct pc_hw *hw, uint32_t slot, uint32_t count,
                      struct portcam_connection_image *ret, uint32_t *ret_count)
{
    struct pc_hw *locked HELD = take(hw);
    const struct portcam_connection_image *images = hw->buffer;
    struct portcam_command command = {
        .opcode = PORTCAM_OPCODE_CONNECTION_READ, .row = slot, .count = count};
    uint32_t n = 0;

    memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
    memset(hw->buffer, 0, count * sizeof(*images));
    int rc = pc_hw_run(hw, &command, 1, NULL, NULL);
    if (rc)
        return rc;
    for (; n < count && images[n].family; n++) {
        ret[n] = images[n];
        if (!is_record(hw, &ret[n]) || ret[n].slot < slot || ret[n].slot - slot >= count ||
            (n > 0 && ret[n].slot <= ret[n - 1].slot)) {
            return pc_fail(-EPROTO, "the card tells of a connection that cannot be, in slot %u",
                           ret[n].slot);
        }
    }
    *ret_count = n;
    return 0;
}

int pc_hw_end_connections(struct pc_hw *hw, struct portcam_connection_image *images, uint32_t count,
                          uint32_t *ret_ended)
{
    struct pc_hw *locked HELD = take(hw);
    const struct portcam_connection_image *last = hw->buffer;
    struct portcam_command *commands = calloc(count + 1, sizeof(*commands));
    uint32_t ended = 0;

    if (!commands)
        return -ENOMEM;
    memset(hw->buffer, 0, count * sizeof(*last));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = hw->buffer_iova + i * sizeof(*last);
        commands[i].opcode = PORTCAM_OPCODE_CONNECTION_DELETE;
        commands[i].row = images[i].slot;
        commands[i].count = images[i].generation;
        memcpy(commands[i].data, &address, sizeof(address));
    }
    int rc = pc_hw_run(hw, commands, count, NULL, NULL);
    free(commands);
    if (rc == -EREMOTEIO) /* some were others, or gone */
        rc = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct portcam_connection_image record = last[i], other = images[ended];
        if (!is_record(hw, &record) || record.slot != images[i].slot ||
            record.generation != images[i].generation)
            continue;
        images[i] = other;
        images[ended++] = record;
    }
    *ret_ended = ended;
    return rc;
}

int pc_hw_insert_connections(struct pc_hw *hw, const struct portcam_connection_image *images,
                             uint32_t count, uint32_t *ret_made, unsigned *ret_status)
{
    struct portcam_command command = {.opcode = PORTCAM_OPCODE_CONNECTION_INSERT, .count = count};
    struct portcam_completion failed = {0};
    struct pc_hw *locked HELD = take(hw);

    memcpy(hw->buffer, images, count * sizeof(*images));
    memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
    int rc = run(hw, &command, 1, &failed);
    if (rc && rc != -EREMOTEIO)
        return rc;
    if (rc && failed.result >= count)
        return pc_fail(-EPROTO, "the card tells of %u connections where there were %u",
                       failed.result, count);
    *ret_made = rc ? failed.result : count;
    *ret_status = rc ? failed.status : (unsigned)PORTCAM_STATUS_OK;
    return 0;
}

int pc_hw_insert_connection(struct pc_hw *hw, const struct portcam_connection_image *image,
                            unsigned *ret_status)
{
    uint32_t made = 0;
    return pc_hw_insert_connections(hw, image, 1, &made, ret_status);
}

int pc_hw_backends(struct pc_hw *hw, uint32_t first, uint32_t count,
                   struct portcam_backend_state *ret)
{
    struct pc_hw *locked HELD = take(hw);
    while (count > 0) {
        uint32_t n = count < PC_HW_CHUNK ? count : PC_HW_CHUNK;
        struct portcam_command command = {
            .opcode = PORTCAM_OPCODE_BACKEND_READ, .row = first, .count = n};
        memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
        int rc = pc_hw_run(hw, &command, 1, NULL, NULL);
        if (rc)
            return rc;
        memcpy(ret, hw->buffer, n * sizeof(*ret));
        first += n;
        ret += n;
        count -= n;
    }
    return 0;
}

int pc_hw_dma_test(struct pc_hw *hw)
{
    struct pc_hw *locked HELD = take(hw);
    uint8_t *bytes = hw->buffer;
    uint64_t target = hw->buffer_iova + 4096;
    struct portcam_command command = {.opcode = PORTCAM_OPCODE_SELF_TEST};

    for (unsigned i = 0; i < 64; i++)
        bytes[i] = (uint8_t)(0xa5 ^ (i * 7));
    memset(bytes + 4096, 0, 64);
    memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
    memcpy(command.data + 8, &target, sizeof(target));
    int rc = pc_hw_run(hw, &command, 1, NULL, NULL);
    if (rc)
        return rc;
    return memcmp(bytes, bytes + 4096, 64) == 0 ? 0 : -EILSEQ;
}

int pc_hw_reset(struct pc_hw *hw)
{
    struct pc_hw *locked HELD = take(hw);
    int rc = portcam_dev_reset(hw->dev);
    if (rc)
        return rc;
    rc = portcam_ring_restart(hw->ring);
    hw->restart = rc != 0;
    return rc;
}

void pc_hw_was_reset(struct pc_hw *hw)
{
    hw->restart = true;
}

int pc_hw_alive(struct pc_hw *hw)
{
    int rc = portcam_dev_alive(hw->dev);
    if (rc == 0 && portcam_dev_get_state(hw->dev) == PORTCAM_DEV_RELEASE_WANTED)
        rc = -ESTALE;
    return rc;
}

unsigned pc_hw_poll_fds(const struct pc_hw *hw, int *fds, unsigned max)
{
    int all[PORTCAM_DEV_POLL_FDS];
    unsigned n = portcam_dev_poll_fds(hw->dev, all);
    if (n > max)
        n = max;
    memcpy(fds, all, n * sizeof(all[0]));
    return n;
}
