// SPDX-License-Identifier: Apache-2.0
/*
 * The command ring client, see ring.h.
 *
 * Indices are free-running 32-bit numbers; an entry is at index modulo size. A completion is new when its lap word is
 * that of the consumer's index; the word is written last by the card and read first here.
 */
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "err.h"
#include "io.h"
#include "irq.h"

enum { MIN_LOG2 = 6, MAX_LOG2 = 16, DEFAULT_LOG2 = 10, RING_ALIGN = 4096 };
enum { STOP_MS = 1000, CHECK_MS = 100, BATCH = 64 };

struct portcam_ring {
    struct portcam_dev *dev;
    struct portcam_ring_opts opts;
    unsigned log2_size;
    uint32_t size;
    struct portcam_command *commands;
    struct portcam_completion *completions;
    uint64_t commands_iova;
    uint64_t completions_iova;
    uint32_t *cookies;  /* our own copy, by entry: what the card must give back */
    uint32_t tail;      /* next command to write */
    uint32_t pushed;    /* doorbell written up to here */
    uint32_t head;      /* commands known to be finished */
    uint32_t cpl_next;  /* next completion to read */
    uint32_t cpl_told;  /* what CPL_HEAD was set to */
    bool broken;
};

static int write_reg(struct portcam_ring *r, uint32_t offset, uint32_t value)
{
    return portcam_reg_write32(r->dev, offset, value);
}

static int read_reg(struct portcam_ring *r, uint32_t offset, uint32_t *ret)
{
    return portcam_reg_read32(r->dev, offset, ret);
}

static void pause_us(unsigned us)
{
    const struct timespec ts = {.tv_nsec = (long)us * 1000};

    nanosleep(&ts, NULL);
}

/* Waits until (register & mask) == want. */
static int wait_reg(struct portcam_ring *r, uint32_t offset, uint32_t mask, uint32_t want,
                    unsigned timeout_ms, const char *what)
{
    int64_t deadline = pc_now_ms() + timeout_ms;
    unsigned us = 10;

    for (;;) {
        uint32_t value;
        int err = read_reg(r, offset, &value);

        if (err)
            return err;
        if ((value & mask) == want)
            return 0;
        if (pc_now_ms() >= deadline)
            return pc_fail(-ETIMEDOUT, "the card %s within %u ms: reset it", what, timeout_ms);
        pause_us(us);
        if (us < 1000)
            us *= 2;
    }
}

static int stop(struct portcam_ring *r)
{
    int err = write_reg(r, PORTCAM_REG_CMD_CONTROL, 0);

    return err ? err : wait_reg(r, PORTCAM_REG_CMD_STATUS, PORTCAM_CMD_STATUS_RUNNING, 0, STOP_MS,
                                "does not stop its command ring");
}

/* The reason in CMD_STATUS as a sentence. */
static int stopped_by_card(struct portcam_ring *r, uint32_t status)
{
    unsigned reason = (status & PORTCAM_CMD_STATUS_REASON) >> PORTCAM_CMD_STATUS_REASON_SHIFT;
    uint32_t low = 0;
    uint32_t high = 0;

    r->broken = true;
    if (reason == PORTCAM_STATUS_DMA_READ_ERROR || reason == PORTCAM_STATUS_DMA_WRITE_ERROR) {
        int err = read_reg(r, PORTCAM_REG_ERROR_ADDR_LO, &low);

        if (!err)
            err = read_reg(r, PORTCAM_REG_ERROR_ADDR_HI, &high);
        if (err)
            return err;
        return pc_fail(-EIO, "the card stopped its command ring: %s at 0x%08x%08x; "
                       "see the kernel log for IOMMU faults, then restart the ring",
                       portcam_status_text(reason), high, low);
    }
    return pc_fail(-EIO, "the card stopped its command ring: %s; restart the ring",
                   portcam_status_text(reason));
}

static int check_running(struct portcam_ring *r)
{
    uint32_t status;
    int err = read_reg(r, PORTCAM_REG_CMD_STATUS, &status);

    if (err)
        return err;
    if (status & PORTCAM_CMD_STATUS_ERROR || !(status & PORTCAM_CMD_STATUS_RUNNING))
        return stopped_by_card(r, status);
    return 0;
}

static int start(struct portcam_ring *r)
{
    const struct {
        uint32_t offset;
        uint32_t value;
    } setup[] = {
        {PORTCAM_REG_CMD_BASE_LO, (uint32_t)r->commands_iova},
        {PORTCAM_REG_CMD_BASE_HI, (uint32_t)(r->commands_iova >> 32)},
        {PORTCAM_REG_CPL_BASE_LO, (uint32_t)r->completions_iova},
        {PORTCAM_REG_CPL_BASE_HI, (uint32_t)(r->completions_iova >> 32)},
        {PORTCAM_REG_CMD_SIZE, r->log2_size << PORTCAM_CMD_SIZE_LOG2_SHIFT},
        {PORTCAM_REG_CMD_DOORBELL, 0},
        {PORTCAM_REG_CPL_HEAD, 0},
    };
    int err = stop(r);

    if (!err)
        err = wait_reg(r, PORTCAM_REG_STATUS, PORTCAM_STATUS_READY, PORTCAM_STATUS_READY,
                       r->opts.ready_ms, "does not become ready");
    if (err)
        return err;
    memset(r->commands, 0, (size_t)r->size * sizeof(*r->commands));
    memset(r->completions, 0, (size_t)r->size * sizeof(*r->completions));
    r->tail = r->pushed = r->head = r->cpl_next = r->cpl_told = 0;
    for (size_t i = 0; !err && i < sizeof(setup) / sizeof(*setup); i++)
        err = write_reg(r, setup[i].offset, setup[i].value);
    if (!err)
        err = portcam_dev_start(r->dev);
    if (!err)
        err = write_reg(r, PORTCAM_REG_CMD_CONTROL, PORTCAM_CMD_CONTROL_ENABLE);
    if (!err) {
        r->broken = false;
        err = check_running(r);
    }
    return err;
}

static void free_ring(struct portcam_ring *r)
{
    portcam_dma_free(r->dev, r->commands);
    portcam_dma_free(r->dev, r->completions);
    free(r->cookies);
    free(r);
}

static int copy_opts(struct portcam_ring_opts *to, const struct portcam_ring_opts *from)
{
    memset(to, 0, sizeof(*to));
    if (from) {
        if (from->sz < sizeof(from->sz))
            return pc_fail(-EINVAL, "options without their size: set opts.sz = sizeof(opts)");
        for (size_t i = sizeof(*to); i < from->sz; i++)
            if (((const unsigned char *)from)[i])
                return pc_fail(-E2BIG, "an option is newer than this library: update it");
        memcpy(to, from, from->sz < sizeof(*to) ? from->sz : sizeof(*to));
    }
    if (to->log2_size == 0)
        to->log2_size = DEFAULT_LOG2;
    if (to->log2_size < MIN_LOG2 || to->log2_size > MAX_LOG2)
        return pc_fail(-EINVAL, "a ring of 2^%u entries: use %d to %d", to->log2_size, MIN_LOG2,
                       MAX_LOG2);
    if (to->ready_ms == 0)
        to->ready_ms = 10000;
    return 0;
}

int portcam_ring_open(struct portcam_dev *dev, const struct portcam_ring_opts *opts,
                      struct portcam_ring **ret)
{
    struct portcam_ring *r = calloc(1, sizeof(*r));
    void *p;
    int err;

    if (!r)
        return pc_fail(-ENOMEM, "out of memory");
    r->dev = dev;
    err = copy_opts(&r->opts, opts);
    if (err) {
        free(r);
        return err;
    }
    r->log2_size = r->opts.log2_size;
    r->size = 1u << r->log2_size;
    r->cookies = calloc(r->size, sizeof(*r->cookies));
    if (!r->cookies)
        err = pc_fail(-ENOMEM, "out of memory");
    if (!err)
        err = portcam_dma_alloc(dev, (size_t)r->size * sizeof(*r->commands), RING_ALIGN, &p,
                                &r->commands_iova);
    if (!err) {
        r->commands = p;
        err = portcam_dma_alloc(dev, (size_t)r->size * sizeof(*r->completions), RING_ALIGN, &p,
                                &r->completions_iova);
    }
    if (!err) {
        r->completions = p;
        err = start(r);
    }
    if (err) {
        if (r->completions && stop(r) != 0) {
            int kept = pc_fail(err, "%s", portcam_dev_error());

            portcam_dev_stop(dev);
            err = kept;
        }
        free_ring(r);
        return err;
    }
    *ret = r;
    return 0;
}

void portcam_ring_close(struct portcam_ring *r)
{
    if (!r)
        return;
    if (stop(r) != 0)
        portcam_dev_stop(r->dev);
    free_ring(r);
}

int portcam_ring_restart(struct portcam_ring *r)
{
    r->broken = true;
    return start(r);
}

static int broken(void)
{
    return pc_fail(-EIO, "the command ring is stopped after an error: restart it");
}

unsigned portcam_ring_outstanding(const struct portcam_ring *r)
{
    return r->tail - r->head;
}

unsigned portcam_ring_space(const struct portcam_ring *r)
{
    return r->size - (r->tail - r->head);
}

int portcam_ring_enqueue(struct portcam_ring *r, const struct portcam_command *command)
{
    uint32_t at = r->tail & (r->size - 1);

    if (r->broken)
        return broken();
    if (r->tail - r->head == r->size)
        return pc_fail(-EAGAIN, "the command ring is full: push, and pull completions");
    r->commands[at] = *command;
    r->cookies[at] = command->cookie;
    r->tail++;
    return 0;
}

int portcam_ring_push(struct portcam_ring *r)
{
    int err;

    if (r->broken)
        return broken();
    if (r->pushed == r->tail)
        return 0;
    portcam_dma_wmb();
    err = write_reg(r, PORTCAM_REG_CMD_DOORBELL, r->tail); /* orders itself after the commands */
    if (!err)
        r->pushed = r->tail;
    return err;
}

static int nonsense(struct portcam_ring *r, const char *what, uint32_t value)
{
    r->broken = true;
    return pc_fail(-EPROTO, "the card completes with %s 0x%x: reset it, and report the build if it "
                   "happens again", what, value);
}

/* Is the next completion there? 1, 0, or -errno for a lap word that can not be. */
static int next_is_there(struct portcam_ring *r)
{
    const struct portcam_completion *c = &r->completions[r->cpl_next & (r->size - 1)];
    uint32_t lap = pc_read_once32(&c->lap);
    uint32_t due = (r->cpl_next >> r->log2_size) + 1;
    uint32_t before = ((r->cpl_next - r->size) >> r->log2_size) + 1;

    if (lap == due)
        return 1;
    if (lap == 0 || lap == before)
        return 0;
    return nonsense(r, "lap", lap);
}

/* Checks one completion against what was sent, and moves the head. */
static int accept(struct portcam_ring *r, const struct portcam_completion *c)
{
    uint32_t done = (uint16_t)(c->sq_head - (uint16_t)r->head);
    uint32_t at;

    if (done == 0)
        done = 1u << 16; /* a completion ends at least one command */
    if (done > r->pushed - r->head)
        return nonsense(r, "head", c->sq_head);
    at = (r->head + done - 1) & (r->size - 1);
    if (c->cookie != r->cookies[at])
        return nonsense(r, "cookie", c->cookie);
    if (c->status >= PORTCAM_STATUS_MAX)
        return nonsense(r, "status", c->status);
    r->head += done;
    return 0;
}

/* Tells the card what was consumed, seldom enough not to cost a register write for each batch. */
static int tell_consumed(struct portcam_ring *r, bool now)
{
    uint32_t untold = r->cpl_next - r->cpl_told;
    int err;

    if (untold == 0 || (!now && untold < r->size / 2))
        return 0;
    err = write_reg(r, PORTCAM_REG_CPL_HEAD, r->cpl_next);
    if (!err)
        r->cpl_told = r->cpl_next;
    return err;
}

int portcam_ring_pull(struct portcam_ring *r, struct portcam_completion *completions, unsigned max,
                      unsigned *ret_count)
{
    unsigned n = 0;
    int err = 0;

    if (r->broken)
        return broken();
    while (n < max) {
        struct portcam_completion c;
        int there = next_is_there(r);

        if (there < 0)
            err = there;
        if (there <= 0)
            break;
        portcam_dma_rmb();
        memcpy(&c, &r->completions[r->cpl_next & (r->size - 1)], sizeof(c));
        err = accept(r, &c);
        if (err)
            break;
        r->cpl_next++;
        completions[n++] = c;
    }
    if (!err)
        err = tell_consumed(r, false);
    if (n > 0 || !err) { /* what was taken is given even when the next one is bad: that shows again */
        *ret_count = n;
        return 0;
    }
    return err;
}

static int sleep_on_irq(struct portcam_ring *r, int64_t left)
{
    int err;

    err = portcam_irq_drain(r->opts.irq_fd, NULL);
    if (!err)
        err = write_reg(r, PORTCAM_REG_CMD_ARM, r->cpl_next);
    if (err)
        return err;
    portcam_dma_mb();
    err = next_is_there(r);
    if (err)
        return err < 0 ? err : 0;
    err = portcam_irq_wait(r->dev, r->opts.irq_fd, (int)(left < CHECK_MS ? left : CHECK_MS));
    return err == -ETIMEDOUT ? 0 : err;
}

int portcam_ring_wait(struct portcam_ring *r, unsigned timeout_ms)
{
    int64_t deadline = pc_now_ms() + timeout_ms;
    int64_t check = 0;
    unsigned us = 0;

    if (r->broken)
        return broken();
    for (;;) {
        int64_t now;
        int err = next_is_there(r);

        if (err)
            return err < 0 ? err : 0;
        err = tell_consumed(r, true);
        if (err)
            return err;
        now = pc_now_ms();
        if (now >= check) { /* a card that stopped or went away is noticed */
            err = portcam_dev_alive(r->dev);
            if (!err)
                err = check_running(r);
            if (err) /* the last words may have been completions */
                return next_is_there(r) > 0 ? 0 : err;
            check = now + CHECK_MS;
        }
        if (now >= deadline)
            return pc_fail(-ETIMEDOUT, "no completion within %u ms: the card is busy or hangs",
                           timeout_ms);
        if (r->opts.use_irq) {
            err = sleep_on_irq(r, deadline - now);
            if (err)
                return err;
        } else {
            pause_us(us);
            us = us < 1000 ? us + 50 : 1000;
        }
    }
}

int portcam_ring_run(struct portcam_ring *r, struct portcam_command *commands, unsigned count,
                     unsigned timeout_ms, struct portcam_completion *ret_failed)
{
    struct portcam_completion failed = {0};
    bool any_failed = false;
    unsigned sent = 0;
    int err;

    if (r->tail != r->head)
        return pc_fail(-EBUSY, "commands are outstanding: pull their completions first");
    while (sent < count || r->tail != r->head) {
        struct portcam_completion got[BATCH];
        unsigned n;

        while (sent < count && portcam_ring_space(r) > 0) {
            commands[sent].cookie = sent;
            err = portcam_ring_enqueue(r, &commands[sent]);
            if (err)
                return err;
            sent++;
        }
        err = portcam_ring_push(r);
        if (!err)
            err = portcam_ring_wait(r, timeout_ms);
        if (!err)
            err = portcam_ring_pull(r, got, BATCH, &n);
        if (err)
            return err;
        for (unsigned i = 0; i < n && !any_failed; i++) {
            if (got[i].status == PORTCAM_STATUS_OK)
                continue;
            failed = got[i];
            any_failed = true;
        }
    }
    if (!any_failed)
        return 0;
    if (ret_failed)
        *ret_failed = failed;
    return pc_fail(-EREMOTEIO, "the card refused command %u of %u: %s", failed.cookie + 1, count,
                   portcam_status_text(failed.status));
}

const char *portcam_status_text(unsigned status)
{
    static const char *const texts[] = {
        [PORTCAM_STATUS_OK] = "done",
        [PORTCAM_STATUS_UNKNOWN_OPCODE] = "unknown command",
        [PORTCAM_STATUS_UNKNOWN_TABLE] = "unknown table",
        [PORTCAM_STATUS_ROW_OUT_OF_RANGE] = "the row is beyond the table",
        [PORTCAM_STATUS_BAD_LENGTH] = "the count is 0 or too large",
        [PORTCAM_STATUS_BAD_ALIGNMENT] = "the address is not a multiple of 64",
        [PORTCAM_STATUS_NO_CHANGE_SET] = "no change set is open",
        [PORTCAM_STATUS_CHANGE_SET_OPEN] = "a change set is open already",
        [PORTCAM_STATUS_CHANGE_SET_FAILED] = "a row of the change set was refused",
        [PORTCAM_STATUS_BAD_ROW] = "a field of the row is out of its range",
        [PORTCAM_STATUS_UNSUPPORTED] = "this build of the card cannot do it",
        [PORTCAM_STATUS_DMA_READ_ERROR] = "host memory could not be read",
        [PORTCAM_STATUS_DMA_WRITE_ERROR] = "host memory could not be written",
        [PORTCAM_STATUS_BAD_DOORBELL] = "the doorbell is too far ahead",
        [PORTCAM_STATUS_BAD_RING] = "size or alignment of the ring is out of range",
    };

    _Static_assert(sizeof(texts) / sizeof(*texts) == PORTCAM_STATUS_MAX, "one text a status");
    return status < PORTCAM_STATUS_MAX ? texts[status] : "a reason that this driver does not know";
}
