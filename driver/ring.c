// SPDX-License-Identifier: Apache-2.0
/*
 * The entries of the command ring: commands in, completions out, see ring.h.
 *
 * A completion is new when its lap word is that of the consumer's index; the word is written last
 * by the card and read first here.
 */
#include <portcam/ring.h>

#include <errno.h>
#include <string.h>

#include "err.h"
#include "io.h"
#include "irq.h"
#include "ring_priv.h"

enum { CHECK_MS = 100 };

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
    err = portcam_reg_write32(r->dev, PORTCAM_REG_CMD_DOORBELL,
                              r->tail); /* orders itself after the commands */
    if (!err)
        r->pushed = r->tail;
    return err;
}

static int nonsense(struct portcam_ring *r, const char *what, uint32_t value)
{
    r->broken = true;
    return pc_fail(-EPROTO,
                   "the card completes with %s 0x%x: reset it, and report the build if it "
                   "happens again",
                   what, value);
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
    err = portcam_reg_write32(r->dev, PORTCAM_REG_CPL_HEAD, r->cpl_next);
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
    if (n > 0 && err == -EPROTO) {
        r->broken = false; /* what was good is given; the bad one is found again by the next call */
        err = 0;
    }
    if (n > 0 || !err) {
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
        err = portcam_reg_write32(r->dev, PORTCAM_REG_CMD_ARM, r->cpl_next);
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
                err = pc_ring_check_running(r);
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
            pc_pause_us(us);
            us = us < 1000 ? us + 50 : 1000;
        }
    }
}
