// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts: MSI-X vectors by eventfd, the error and the request interrupt, the vector table in BAR2.
 *
 * As with the kernel's VFIO, an eventfd set by SET_IRQS is what enables a vector; the enable bit of the
 * MSI-X capability alone delivers nothing and withholds nothing. What masks a vector: bus master off (an MSI
 * is a memory write), the function mask, a mask by SET_IRQS, and bit 0 of the control word of a table row
 * that was written through BAR2. Rows that nobody wrote do not mask although their mask bit reads one,
 * because QEMU keeps the table to itself. An interrupt that meets a mask becomes pending and is sent when
 * the last mask goes.
 *
 * Only eventfds are accepted: a pipe could raise SIGPIPE, and the check before each signal keeps one whose
 * counter is full from blocking the card.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vfu/internal.h"

enum { ROW_CONTROL = 3, ROW_BYTES = 16 };

static void replace_fd(int *slot, int fd)
{
    if (*slot >= 0)
        close(*slot);
    *slot = fd;
}

void pc_irqs_init(struct pc_irqs *q)
{
    memset(q, 0, sizeof(*q));
    q->err_fd = q->req_fd = -1;
    for (unsigned i = 0; i < PC_VFU_MAX_VECTORS; i++)
        q->msix[i].fd = -1;
    pc_irqs_reset(q);
}

void pc_irqs_close(struct pc_irqs *q)
{
    replace_fd(&q->err_fd, -1);
    replace_fd(&q->req_fd, -1);
    for (unsigned i = 0; i < PC_VFU_MAX_VECTORS; i++) {
        replace_fd(&q->msix[i].fd, -1);
        q->msix[i].masked = false;
        q->msix[i].pending = false;
    }
}

void pc_irqs_reset(struct pc_irqs *q)
{
    for (unsigned i = 0; i < PC_VFU_MAX_VECTORS; i++) {
        struct pc_irq_line *l = &q->msix[i];

        l->pending = l->row_written = false;
        memset(l->row, 0, sizeof(l->row));
        l->row[ROW_CONTROL] = 1;
    }
}

static void signal_fd(struct pc_vfu *s, int fd)
{
    const uint64_t one = 1;
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    if (fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) &&
        write(fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
        s->stats.irqs_sent++;
}

static bool held(const struct pc_vfu *s, const struct pc_irq_line *l)
{
    return l->masked || (l->row_written && (l->row[ROW_CONTROL] & 1)) ||
           pc_config_function_mask(&s->config) || !pc_config_bus_master(&s->config);
}

void pc_vfu_irq(struct pc_vfu *s, unsigned vector)
{
    struct pc_irq_line *l;

    if (vector >= s->dev.vectors)
        return;
    l = &s->irqs.msix[vector];
    if (l->fd < 0)
        return;
    if (held(s, l)) {
        s->stats.irqs_held += !l->pending;
        l->pending = true;
    } else {
        signal_fd(s, l->fd);
    }
}

void pc_irq_resend(struct pc_vfu *s)
{
    for (unsigned i = 0; i < s->dev.vectors; i++) {
        struct pc_irq_line *l = &s->irqs.msix[i];

        if (l->pending && !held(s, l)) {
            l->pending = false;
            signal_fd(s, l->fd);
        }
    }
}

void pc_vfu_error_irq(struct pc_vfu *s)
{
    signal_fd(s, s->irqs.err_fd);
}

void pc_vfu_request_irq(struct pc_vfu *s)
{
    signal_fd(s, s->irqs.req_fd);
}

unsigned pc_irq_count(const struct pc_vfu *s, uint32_t index)
{
    switch (index) {
    case PC_VFU_IRQ_MSIX:
        return s->dev.vectors;
    case PC_VFU_IRQ_ERR:
    case PC_VFU_IRQ_REQ:
        return 1;
    default:
        return 0;
    }
}

static bool is_eventfd(int fd)
{
    char link[64], target[64];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, target, sizeof(target) - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    return !strcmp(target, "anon_inode:[eventfd]");
}

static int *slot_of(struct pc_vfu *s, uint32_t index, uint32_t i)
{
    return index == PC_VFU_IRQ_MSIX  ? &s->irqs.msix[i].fd
           : index == PC_VFU_IRQ_ERR ? &s->irqs.err_fd
                                     : &s->irqs.req_fd;
}

static void assign(struct pc_vfu *s, uint32_t index, uint32_t i, int fd)
{
    replace_fd(slot_of(s, index, i), fd);
    if (fd < 0 && index == PC_VFU_IRQ_MSIX)
        s->irqs.msix[i].pending = false;
}

/* One action on one line; trigger is a test of the way to the client and ignores masks, as the kernel's. */
static void act(struct pc_vfu *s, uint32_t action, uint32_t index, uint32_t i)
{
    if (action == PC_VFU_IRQ_ACTION_TRIGGER)
        signal_fd(s, *slot_of(s, index, i));
    else if (index == PC_VFU_IRQ_MSIX)
        s->irqs.msix[i].masked = action == PC_VFU_IRQ_ACTION_MASK;
}

static int set_eventfds(struct pc_vfu *s, struct pc_message *m, const struct pc_vfu_set_irqs *r)
{
    if ((r->flags & PC_VFU_IRQ_ACTION_TYPE_MASK) != PC_VFU_IRQ_ACTION_TRIGGER)
        return -EINVAL;
    if (m->lost_fds)
        return -EMFILE;
    if (m->nfds != 0 && m->nfds != r->count)
        return -EINVAL;
    for (unsigned i = 0; i < m->nfds; i++)
        if (!is_eventfd(m->fds[i]))
            return -EINVAL;
    for (uint32_t i = 0; i < r->count; i++)
        assign(s, r->index, r->start + i, pc_message_take_fd(m, i));
    return 0;
}

/* SET_IRQS. Return: 0 or -errno with nothing changed. */
int pc_irq_set(struct pc_vfu *s, struct pc_message *m)
{
    struct pc_vfu_set_irqs r;
    uint32_t action, data, count;

    if (m->len < sizeof(r))
        return -EINVAL;
    memcpy(&r, m->payload, sizeof(r));
    action = r.flags & PC_VFU_IRQ_ACTION_TYPE_MASK;
    data = r.flags & PC_VFU_IRQ_DATA_MASK;
    if (r.argsz < sizeof(r) || r.index >= PC_VFU_NUM_IRQS || r.flags != (action | data) ||
        !action || (action & (action - 1)) || !data || (data & (data - 1)))
        return -EINVAL;
    count = pc_irq_count(s, r.index);
    if (data == PC_VFU_IRQ_DATA_NONE && action == PC_VFU_IRQ_ACTION_TRIGGER && !r.count) {
        for (uint32_t i = 0; i < count; i++)
            assign(s, r.index, i, -1);
        return 0;
    }
    if (r.start > count || r.count > count - r.start || !r.count)
        return -EINVAL;
    if (data == PC_VFU_IRQ_DATA_EVENTFD)
        return set_eventfds(s, m, &r);
    if (data == PC_VFU_IRQ_DATA_BOOL && m->len - sizeof(r) < r.count)
        return -EINVAL;
    for (uint32_t i = 0; i < r.count; i++)
        if (data == PC_VFU_IRQ_DATA_NONE || m->payload[sizeof(r) + i])
            act(s, action, r.index, r.start + i);
    pc_irq_resend(s);
    return 0;
}

/* BAR2, any bytes in range: the vector table, then the pending bits; all else reads zero. */
void pc_irq_bar_read(const struct pc_vfu *s, uint32_t offset, uint8_t *dst, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t at = offset + (uint32_t)i;

        dst[i] = 0;
        if (at < s->dev.vectors * ROW_BYTES) {
            uint32_t word = s->irqs.msix[at / ROW_BYTES].row[at % ROW_BYTES / 4];

            dst[i] = (uint8_t)(word >> (8 * (at % 4)));
        } else if (at >= PC_VFU_BAR2_PBA) {
            for (uint32_t bit = 0; bit < 8; bit++) {
                uint32_t v = (at - PC_VFU_BAR2_PBA) * 8 + bit;

                if (v < s->dev.vectors && s->irqs.msix[v].pending)
                    dst[i] |= (uint8_t)(1u << bit);
            }
        }
    }
}

/* One aligned word of BAR2; the pending bits cannot be written. */
void pc_irq_bar_write(struct pc_vfu *s, uint32_t offset, uint32_t value)
{
    static const uint32_t writable[4] = {~3u, ~0u, ~0u, 1u};
    uint32_t word = offset % ROW_BYTES / 4;
    struct pc_irq_line *l;

    if (offset >= s->dev.vectors * ROW_BYTES)
        return;
    l = &s->irqs.msix[offset / ROW_BYTES];
    l->row[word] = value & writable[word];
    l->row_written = true;
    pc_irq_resend(s);
}
