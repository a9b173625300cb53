// SPDX-License-Identifier: Apache-2.0
/*
 * One function for each command of a client, and the table that finds it.
 *
 * A command is checked completely before it changes anything; its answer is a payload or an errno (then the
 * reply is a header alone). A command that is not in the table gets ENOTSUP and the connection goes on. All
 * but VERSION are refused until versions are agreed. An access inside a region always succeeds, because
 * some clients lose step when it does not. Payloads longer than a command needs are accepted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfu/internal.h"

enum { HEADER = sizeof(struct pc_vfu_header) };

/* The answer being built: a fixed part and data of any length, either may be empty. */
struct answer {
    uint8_t head[64];
    size_t head_len;
    uint8_t *data; /* malloc'ed */
    size_t data_len;
};

static void set_head(struct answer *a, const void *p, size_t len)
{
    memcpy(a->head, p, len);
    a->head_len = len;
}

static int do_version(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    ssize_t n;

    a->data = malloc(256);
    if (!a->data)
        return -ENOMEM;
    n = pc_version_negotiate(&s->version, m->payload, m->len, (char *)a->data, 256);
    a->data_len = n > 0 ? (size_t)n : 0;
    return n < 0 ? (int)n : 0;
}

static int do_dma_map(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    struct pc_vfu_dma_map r;

    (void)a;
    if (m->len < sizeof(r) || m->nfds > 1)
        return -EINVAL;
    memcpy(&r, m->payload, sizeof(r));
    if (r.argsz < sizeof(r))
        return -EINVAL;
    if (m->lost_fds)
        pc_vfu_notice(s, "a DMA map arrived without its descriptor: raise the limit of open files "
                         "(ulimit -n); DMA messages are used for it");
    return pc_vfu_maps_add(&s->dma, &r, pc_message_take_fd(m, 0));
}

/* "All" is bit 1 in the specification and bit 2 in rust-vmm's client. */
static int do_dma_unmap(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    const uint32_t all = PC_VFU_UNMAP_FLAG_ALL | 4;
    struct pc_vfu_dma_unmap r;
    int rc;

    if (m->len < sizeof(r))
        return -EINVAL;
    memcpy(&r, m->payload, sizeof(r));
    if (r.argsz < sizeof(r) || (r.flags & ~all) || (r.flags && (r.iova || r.size)))
        return -EINVAL;
    if (r.flags) {
        pc_vfu_maps_clear(&s->dma);
    } else {
        rc = pc_vfu_maps_remove(&s->dma, r.iova, r.size);
        if (rc)
            return rc;
    }
    r.argsz = sizeof(r);
    set_head(a, &r, sizeof(r));
    return 0;
}

static int do_device_info(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    struct pc_vfu_device_info r;

    (void)s;
    if (m->len < sizeof(r))
        return -EINVAL;
    memcpy(&r, m->payload, sizeof(r));
    if (r.argsz < sizeof(r))
        return -EINVAL;
    r.argsz = sizeof(r);
    r.flags = PC_VFU_DEVICE_FLAG_RESET | PC_VFU_DEVICE_FLAG_PCI;
    r.num_regions = PC_VFU_NUM_REGIONS;
    r.num_irqs = PC_VFU_NUM_IRQS;
    set_head(a, &r, sizeof(r));
    return 0;
}

/* No region can be mapped and none has capabilities, so every answer is whole at the first try. */
static int do_region_info(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    struct pc_vfu_region_info r;

    (void)s;
    if (m->len < sizeof(r))
        return -EINVAL;
    memcpy(&r, m->payload, sizeof(r));
    if (r.argsz < sizeof(r) || r.index >= PC_VFU_NUM_REGIONS)
        return -EINVAL;
    r.argsz = sizeof(r);
    r.size = pc_region_size(r.index);
    r.flags = r.size ? PC_VFU_REGION_FLAG_READ | PC_VFU_REGION_FLAG_WRITE : 0;
    r.cap_offset = 0;
    r.offset = 0;
    set_head(a, &r, sizeof(r));
    return 0;
}

static int do_irq_info(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    struct pc_vfu_irq_info r;

    if (m->len < sizeof(r))
        return -EINVAL;
    memcpy(&r, m->payload, sizeof(r));
    if (r.argsz < sizeof(r) || r.index >= PC_VFU_NUM_IRQS)
        return -EINVAL;
    r.argsz = sizeof(r);
    r.count = pc_irq_count(s, r.index);
    r.flags = r.count ? PC_VFU_IRQ_INFO_EVENTFD : 0;
    if (r.index == PC_VFU_IRQ_MSIX)
        r.flags |= PC_VFU_IRQ_INFO_MASKABLE;
    set_head(a, &r, sizeof(r));
    return 0;
}

static int do_set_irqs(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    (void)a;
    return pc_irq_set(s, m);
}

static int get_access(const struct pc_message *m, struct pc_vfu_region_access *r)
{
    uint64_t size;

    if (m->len < sizeof(*r))
        return -EINVAL;
    memcpy(r, m->payload, sizeof(*r));
    size = pc_region_size(r->region);
    return r->offset > size || r->count > size - r->offset || !size ? -EINVAL : 0;
}

static int do_region_read(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    struct pc_vfu_region_access r;
    int rc = get_access(m, &r);

    if (rc)
        return rc;
    if (r.count) {
        a->data = malloc(r.count);
        if (!a->data)
            return -ENOMEM;
        pc_region_read(s, r.region, r.offset, a->data, r.count);
        a->data_len = r.count;
    }
    set_head(a, &r, sizeof(r));
    return 0;
}

static int do_region_write(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    struct pc_vfu_region_access r;
    int rc = get_access(m, &r);

    if (rc)
        return rc;
    if (m->len - sizeof(r) < r.count)
        return -EINVAL;
    if (r.count)
        pc_region_write(s, r.region, r.offset, m->payload + sizeof(r), r.count);
    set_head(a, &r, sizeof(r));
    return 0;
}

static int do_reset(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    (void)m;
    (void)a;
    pc_function_reset(s);
    return 0;
}

typedef int (*command_fn)(struct pc_vfu *s, struct pc_message *m, struct answer *a);

static const command_fn commands[] = {
    [PC_VFU_VERSION] = do_version,
    [PC_VFU_DMA_MAP] = do_dma_map,
    [PC_VFU_DMA_UNMAP] = do_dma_unmap,
    [PC_VFU_DEVICE_GET_INFO] = do_device_info,
    [PC_VFU_DEVICE_GET_REGION_INFO] = do_region_info,
    [PC_VFU_DEVICE_GET_IRQ_INFO] = do_irq_info,
    [PC_VFU_DEVICE_SET_IRQS] = do_set_irqs,
    [PC_VFU_REGION_READ] = do_region_read,
    [PC_VFU_REGION_WRITE] = do_region_write,
    [PC_VFU_DEVICE_RESET] = do_reset,
};

static int execute(struct pc_vfu *s, struct pc_message *m, struct answer *a)
{
    const uint16_t cmd = m->header.cmd;

    if ((m->header.flags & PC_VFU_F_TYPE_MASK) != PC_VFU_F_COMMAND || m->header.size < HEADER ||
        m->header.size > PC_VFU_MAX_MSG)
        return -EINVAL;
    if (cmd >= sizeof(commands) / sizeof(commands[0]) || !commands[cmd])
        return -ENOTSUP;
    if (cmd != PC_VFU_VERSION && !s->version.done)
        return -EINVAL;
    return commands[cmd](s, m, a);
}

/* Executes one command and answers it. The message stays the caller's. */
void pc_vfu_command(struct pc_vfu *s, struct pc_message *m)
{
    struct answer a = {.data = NULL};
    struct pc_vfu_header h = {.id = m->header.id, .cmd = m->header.cmd, .flags = PC_VFU_F_REPLY};
    int rc;

    s->stats.requests++;
    s->stats.lost_fds += m->lost_fds;
    s->answering = true;
    rc = execute(s, m, &a);
    s->answering = false;
    if (rc) {
        s->stats.errors++;
        h.flags |= PC_VFU_F_ERROR;
        h.error = (uint32_t)-rc;
        a.head_len = a.data_len = 0;
    }
    h.size = (uint32_t)(HEADER + a.head_len + a.data_len);
    if (!(m->header.flags & PC_VFU_F_NO_REPLY) &&
        pc_frame_send(&s->frame, &h, a.head, a.head_len, a.data, a.data_len))
        pc_vfu_detach(s);
    free(a.data);
}
