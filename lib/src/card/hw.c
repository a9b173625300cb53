// SPDX-License-Identifier: Apache-2.0
/* The card opened, its sizes, its registers, batches of commands; see hw.h. */
#include "hw_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"

enum {
    BUFFER = PC_HW_CHUNK * (int)sizeof(struct portcam_connection_image),
    TIMEOUT_MS = 30000,    /* without any progress of the ring */
    NUMBERS_MAX = 1 << 15, /* each has two rows of counters, and those are named with 16 bits */
    ROWS_MAX = 1 << 20,
    WAYS_MAX = 16,
    SCHEDULE_MAX = 1 << 16, /* rows are named with 16 bits */
};

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

int pc_hw_batch(struct pc_hw *hw, struct portcam_command *commands, unsigned count,
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
    int rc = pc_hw_batch(hw, commands, count, &failed);

    if (rc == -EREMOTEIO) {
        if (ret_index)
            *ret_index = failed.cookie < count ? failed.cookie : 0;
        if (ret_status)
            *ret_status = failed.status;
    }
    return rc;
}

/* ---- connection records ---- */

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
