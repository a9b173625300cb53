// SPDX-License-Identifier: Apache-2.0
/*
 * The entries of the punt and inject rings: packets in, frames out, see punt.h.
 *
 * A packet is new when the lap word of its header is that of the consumer's index; the header is
 * written last by the card and read first here.
 */
#include <portcam/punt.h>

#include <errno.h>
#include <string.h>

#include "err.h"
#include "io.h"
#include "irq.h"
#include "punt_priv.h"
#include "ring_priv.h"

enum { CHECK_MS = 100 };

static int broken(const struct pc_host_ring *r)
{
    return pc_fail(-EIO, "the %s ring is stopped after an error: restart it", r->name);
}

static int nonsense(bool *broken, const char *what, uint32_t value)
{
    *broken = true;
    return pc_fail(-EPROTO,
                   "the card hands over a packet with %s 0x%x: reset it, and report the build if "
                   "it happens again",
                   what, value);
}

/* ---- punted packets ---- */

static const uint8_t *entry(const struct portcam_punt *p, uint32_t index)
{
    return p->punt.memory + (size_t)(index & (p->punt.size - 1)) * PORTCAM_PUNT_ENTRY;
}

/* Is the next packet there? 1, 0, or -errno for a lap word that can not be. */
static int next_is_there(struct portcam_punt *p)
{
    const struct portcam_punt_header *h = (const void *)entry(p, p->next);
    uint32_t lap;

    if (p->next - p->released == p->punt.size)
        return 0; /* all entries are with the program */
    lap = pc_read_once32(&h->lap);
    switch (pc_host_ring_lap(&p->punt, p->next, lap)) {
    case PC_LAP_NEW:
        return 1;
    case PC_LAP_OLD:
        return 0;
    default:
        return nonsense(&p->broken, "lap", lap);
    }
}

static int accept(struct portcam_punt *p, const struct portcam_punt_header *h)
{
    if (h->len == 0 || h->len > p->max_frame)
        return nonsense(&p->broken, "length", h->len);
    if (h->reason >= 64 || !(PORTCAM_PUNT_REASONS >> h->reason & 1))
        return nonsense(&p->broken, "reason", h->reason);
    if (h->ingress >= p->functions)
        return nonsense(&p->broken, "ingress", h->ingress);
    if (h->egress >= p->functions)
        return nonsense(&p->broken, "egress", h->egress);
    return 0;
}

int portcam_punt_poll(struct portcam_punt *p, struct portcam_punted *packets, unsigned max,
                      unsigned *ret_count)
{
    unsigned n = 0;

    if (p->broken)
        return broken(&p->punt);
    while (n < max) {
        int there = next_is_there(p);

        if (there > 0) {
            const uint8_t *at = entry(p, p->next);

            portcam_dma_rmb();
            memcpy(&packets[n].header, at, sizeof(packets[n].header));
            packets[n].frame = at + sizeof(packets[n].header);
            there = accept(p, &packets[n].header);
            if (!there) {
                p->next++;
                n++;
                continue;
            }
        }
        if (there < 0 && n == 0)
            return there;
        if (there < 0)
            p->broken = false; /* what was good is given; the bad one is found by the next call */
        break;
    }
    *ret_count = n;
    return 0;
}

int portcam_punt_release(struct portcam_punt *p, unsigned count)
{
    int err;

    if (count > p->next - p->released)
        return pc_fail(-EINVAL, "%u packets to release, %u were polled", count,
                       p->next - p->released);
    if (count == 0)
        return 0;
    portcam_dma_mb();
    err = portcam_reg_write32(p->dev, PORTCAM_REG_PUNT_HEAD, p->released + count);
    if (!err)
        p->released += count;
    return err;
}

int portcam_punt_arm(struct portcam_punt *p)
{
    int err;

    if (p->broken)
        return broken(&p->punt);
    err = portcam_reg_write32(p->dev, PORTCAM_REG_PUNT_ARM, p->next);
    if (err)
        return err;
    portcam_dma_mb();
    return next_is_there(p);
}

static int sleep_on_irq(struct portcam_punt *p, int64_t left)
{
    int err = portcam_irq_drain(p->opts.irq_fd, NULL);

    if (!err)
        err = portcam_punt_arm(p);
    if (err)
        return err < 0 ? err : 0;
    err = portcam_irq_wait(p->dev, p->opts.irq_fd, (int)(left < CHECK_MS ? left : CHECK_MS));
    return err == -ETIMEDOUT ? 0 : err;
}

int portcam_punt_wait(struct portcam_punt *p, unsigned timeout_ms)
{
    int64_t deadline = pc_now_ms() + timeout_ms;
    int64_t check = 0;
    unsigned us = 0;

    if (p->broken)
        return broken(&p->punt);
    for (;;) {
        int64_t now;
        int err = next_is_there(p);

        if (err)
            return err < 0 ? err : 0;
        now = pc_now_ms();
        if (now >= check) { /* a card that stopped or went away is noticed */
            err = portcam_dev_alive(p->dev);
            if (!err)
                err = pc_host_ring_check(&p->punt);
            if (err) {
                if (next_is_there(p) > 0)
                    return 0; /* its last words */
                p->broken = true;
                return err;
            }
            check = now + CHECK_MS;
        }
        if (now >= deadline)
            return pc_fail(-ETIMEDOUT, "no packet within %u ms", timeout_ms);
        if (p->opts.use_irq) {
            err = sleep_on_irq(p, deadline - now);
            if (err)
                return err;
        } else {
            pc_pause_us(us);
            us = us < 1000 ? us + 50 : 1000;
        }
    }
}

/* ---- injected frames ---- */

/* How far the card is; a ring that stopped is noticed here. */
static int look_at_head(struct portcam_punt *p)
{
    uint32_t head;
    int err = portcam_reg_read32(p->dev, PORTCAM_REG_INJECT_HEAD, &head);

    if (err)
        return err;
    if (head - p->head > p->tail - p->head)
        return nonsense(&p->unusable, "head of the inject ring", head);
    if (head == p->head) {
        err = pc_host_ring_check(&p->inject);
        p->unusable = err == -EIO;
    }
    p->head = head;
    return err;
}

static void put(struct portcam_punt *p, const struct portcam_injected *f)
{
    uint32_t at = p->tail & (p->inject.size - 1);
    struct portcam_inject_descriptor d = {.address = p->frames_iova + (uint64_t)at * p->stride,
                                          .len = (uint16_t)f->len,
                                          .egress = (uint8_t)f->egress,
                                          .cookie = p->tail};

    memcpy(p->frames + (size_t)at * p->stride, f->frame, f->len);
    memcpy(p->inject.memory + at * sizeof(d), &d, sizeof(d));
    p->tail++;
}

int portcam_inject_send(struct portcam_punt *p, const struct portcam_injected *frames,
                        unsigned count, unsigned *ret_sent)
{
    unsigned n = 0;
    int err = 0;

    if (ret_sent)
        *ret_sent = 0;
    for (unsigned i = 0; i < count; i++) {
        if (frames[i].len == 0 || frames[i].len > p->max_frame)
            return pc_fail(-EINVAL, "a frame of %zu bytes: the card takes 1 to %u", frames[i].len,
                           p->max_frame);
        if (frames[i].egress >= p->functions)
            return pc_fail(-EINVAL, "function %u: the card has %u", frames[i].egress, p->functions);
    }
    if (p->unusable)
        return broken(&p->inject);
    if (p->inject.size - (p->tail - p->head) < count)
        err = look_at_head(p);
    if (err || count == 0)
        return err;
    for (; n < count && p->tail - p->head < p->inject.size; n++)
        put(p, &frames[n]);
    if (n == 0)
        return pc_fail(-EAGAIN, "the inject ring is full");
    portcam_dma_wmb();
    err = portcam_reg_write32(p->dev, PORTCAM_REG_INJECT_DOORBELL, p->tail);
    if (!err && ret_sent)
        *ret_sent = n;
    return err;
}

int portcam_punt_dropped(struct portcam_punt *p, uint32_t *ret_full, uint32_t *ret_refused)
{
    uint32_t full, refused;
    int err = portcam_reg_read32(p->dev, PORTCAM_REG_PUNT_DROPPED, &full);

    if (!err)
        err = portcam_reg_read32(p->dev, PORTCAM_REG_INJECT_REFUSED, &refused);
    if (err)
        return err;
    if (ret_full)
        *ret_full = full;
    if (ret_refused)
        *ret_refused = refused;
    return 0;
}
