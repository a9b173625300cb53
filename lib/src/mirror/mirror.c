// SPDX-License-Identifier: Apache-2.0
/*
 * Memory and registers of the mirror, its begin and its end; see mirror.h of the public headers, and mirror_track.h for its
 * parts.
 *
 * The array is in a file of its own, which other processes may map for reading; a page before it says what it is. The card
 * reaches the file as any memory for DMA.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <portcam/ring.h>

#include "connections/connections.h"
#include "driver/err.h"
#include "mirror_track.h"

enum {
    HEAD = 4096,
    RING_LOG2 = 16,
    RING_LOG2_MIN = 2,
    SLOTS_MAX = 1 << 22, /* twice as many as the largest build has */
    STOP_MS = 2000,
};

/* ---- starting and stopping the card's side ---- */

static int set64(struct portcam_mirror *m, uint32_t low, uint64_t value)
{
    int rc = portcam_reg_write32(m->dev, low, (uint32_t)value);
    return rc ? rc : portcam_reg_write32(m->dev, low + 4, (uint32_t)(value >> 32));
}

static void set_epoch(struct portcam_mirror *m, bool runs)
{
    uint32_t epoch = m->head->epoch;
    if ((epoch & 1) != runs)
        __atomic_store_n(&m->head->epoch, epoch + 1, __ATOMIC_RELEASE);
}

int portcam_mirror_stop(struct portcam_mirror *m)
{
    const struct timespec pause = {0, 1000000};
    uint32_t status = 0;

    m->running = false;
    set_epoch(m, false);
    int rc = portcam_reg_write32(m->dev, PORTCAM_REG_MIRROR_CONTROL, 0);
    for (unsigned ms = 0; rc == 0; ms++) {
        rc = portcam_reg_read32(m->dev, PORTCAM_REG_MIRROR_STATUS, &status);
        if (rc || !(status & PORTCAM_MIRROR_STATUS_RUNNING))
            return rc;
        if (ms == STOP_MS)
            rc = pc_fail(-ETIMEDOUT, "the card does not stop its mirror; reset it");
        else
            nanosleep(&pause, NULL);
    }
    return rc;
}

static int check_status(struct portcam_mirror *m)
{
    uint32_t status = 0;
    int rc = portcam_reg_read32(m->dev, PORTCAM_REG_MIRROR_STATUS, &status);

    if (rc == 0 && !(status & PORTCAM_MIRROR_STATUS_RUNNING)) {
        unsigned reason =
            (status & PORTCAM_MIRROR_STATUS_REASON) >> PORTCAM_MIRROR_STATUS_REASON_SHIFT;
        rc = pc_fail(-EIO, "the card stopped its mirror: %s",
                     status & PORTCAM_MIRROR_STATUS_ERROR ? portcam_status_text(reason)
                                                          : "it was reset");
    }
    return rc;
}

static int start_card(struct portcam_mirror *m)
{
    int rc = set64(m, PORTCAM_REG_MIRROR_BASE_LO, m->records_iova);
    if (rc == 0)
        rc = set64(m, PORTCAM_REG_EVENT_BASE_LO, m->ring_iova);
    if (rc == 0)
        rc = portcam_reg_write32(m->dev, PORTCAM_REG_EVENT_SIZE, m->ring_log2);
    if (rc == 0)
        rc = portcam_reg_write32(m->dev, PORTCAM_REG_EVENT_HEAD, 0);
    if (rc == 0)
        rc = portcam_reg_write32(m->dev, PORTCAM_REG_MIRROR_CONTROL,
                                 PORTCAM_MIRROR_CONTROL_ENABLE | PORTCAM_MIRROR_CONTROL_EVENTS);
    return rc ? rc : check_status(m);
}

/* Readers may be looking. */
static void clear_records(struct portcam_mirror *m)
{
    size_t words = (size_t)m->bounds.slots * PC_RECORD_WORDS;
    for (size_t i = 0; i < words; i++)
        __atomic_store_n(&m->records[i], 0, __ATOMIC_RELAXED);
}

static void forget_places(struct portcam_mirror *m)
{
    for (uint32_t slot = 0; slot < m->bounds.slots; slot++) {
        if (m->place[slot].node)
            pc_track_lose(m, m->place[slot].node);
        m->place[slot].version = 0;
    }
    __atomic_store_n(&m->next, 0, __ATOMIC_RELAXED);
    m->dropped = 0;
    m->purge = false;
    __atomic_store_n(&m->scan_wanted, false, __ATOMIC_RELAXED);
}

/* What is lost now has ended, if no event that is there already tells where it is. */
static int scan_and_purge(struct portcam_mirror *m)
{
    uint32_t tail = 0;

    pc_track_scan(m);
    int rc = portcam_reg_read32(m->dev, PORTCAM_REG_EVENT_TAIL, &tail);
    m->purge_at = tail;
    m->purge = rc == 0;
    return rc;
}

static int begin(struct portcam_mirror *m)
{
    int rc = portcam_mirror_stop(m);
    if (rc)
        return rc;
    clear_records(m);
    memset(m->ring, 0, ((size_t)1 << m->ring_log2) * sizeof(struct portcam_event));
    forget_places(m);
    rc = start_card(m);
    if (rc == 0)
        rc = pc_track_copy(m, 0, m->bounds.slots);
    if (rc)
        return rc;
    m->patience = 100 * PC_RECORD_PATIENCE;
    m->starting = true;
    rc = scan_and_purge(m);
    m->starting = false;
    pc_track_purge(m);
    m->running = rc == 0;
    set_epoch(m, m->running);
    return rc;
}

int portcam_mirror_restart(struct portcam_mirror *m, struct portcam_report *report)
{
    int rc = begin(m);
    if (rc)
        pc_report_add(report, pc_hw_code(rc), "the mirror of the connections: %s", pc_hw_error());
    else
        pc_stat_add(&m->stats.restarts, 1);
    return rc;
}

/* ---- following ---- */

int portcam_mirror_fd(const struct portcam_mirror *m)
{
    return pc_hw_irq_fd(m->pc->hw, PORTCAM_VECTOR_EVENTS);
}

/* Were events dropped, and does the ring go on where it ended? A read of a register comes behind what was written before. */
static int check_ring(struct portcam_mirror *m)
{
    uint32_t dropped = 0, tail = 0;
    int rc = check_status(m);

    if (rc == 0)
        rc = portcam_reg_read32(m->dev, PORTCAM_REG_EVENT_DROPPED, &dropped);
    if (rc == 0)
        rc = portcam_reg_read32(m->dev, PORTCAM_REG_EVENT_TAIL, &tail);
    if (rc)
        return rc;
    if (dropped != m->dropped) {
        pc_stat_add(&m->stats.dropped, dropped - m->dropped);
        m->dropped = dropped;
        __atomic_store_n(&m->scan_wanted, true, __ATOMIC_RELAXED);
    }
    if (tail != m->next && !pc_track_event_is_there(m)) {
        pc_stat_add(&m->stats.gaps, 1);
        __atomic_store_n(&m->next, tail, __ATOMIC_RELAXED);
        __atomic_store_n(&m->scan_wanted, true, __ATOMIC_RELAXED);
        rc = portcam_reg_write32(m->dev, PORTCAM_REG_EVENT_HEAD, m->next);
    }
    return rc;
}

int portcam_mirror_run(struct portcam_mirror *m, unsigned max, bool *ret_more)
{
    unsigned size = 1u << m->ring_log2, done = 0, chunk = size / 4, n = 0;
    int rc = 0;

    if (!m->running)
        return pc_fail(-EIO, "the mirror was stopped");
    if (max == 0)
        max = size;
    m->patience = 100 * PC_RECORD_PATIENCE;
    do { /* the card gets room back before the ring is empty */
        n = pc_track_events(m, max - done < chunk ? max - done : chunk);
        done += n;
        if (n)
            rc = portcam_reg_write32(m->dev, PORTCAM_REG_EVENT_HEAD, m->next);
    } while (rc == 0 && n == chunk && done < max);
    if (rc == 0)
        rc = check_ring(m);
    if (rc == 0 && __atomic_exchange_n(&m->scan_wanted, false, __ATOMIC_RELAXED))
        rc = scan_and_purge(m);
    pc_track_purge(m);
    if (rc == 0 && ret_more)
        *ret_more =
            pc_track_event_is_there(m) || __atomic_load_n(&m->scan_wanted, __ATOMIC_RELAXED);
    return rc;
}

int portcam_mirror_arm(struct portcam_mirror *m, bool *ret_more)
{
    int rc = portcam_reg_write32(m->dev, PORTCAM_REG_EVENT_ARM, m->next);
    if (rc == 0)
        *ret_more =
            pc_track_event_is_there(m) || __atomic_load_n(&m->scan_wanted, __ATOMIC_RELAXED);
    return rc;
}

bool pc_mirror_is_exact(struct portcam_mirror *m)
{
    uint32_t status = 0;
    return m->running && portcam_reg_read32(m->dev, PORTCAM_REG_MIRROR_STATUS, &status) == 0 &&
           (status & (PORTCAM_MIRROR_STATUS_RUNNING | PORTCAM_MIRROR_STATUS_ERROR |
                      PORTCAM_MIRROR_STATUS_PENDING)) == PORTCAM_MIRROR_STATUS_RUNNING;
}

/* ---- life ---- */

static int copy_opts(const struct portcam_mirror_opts *opts, struct portcam_mirror_opts *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (opts) {
        const unsigned char *bytes = (const unsigned char *)opts;
        for (size_t i = sizeof(*ret); i < opts->sz; i++) {
            if (bytes[i])
                return pc_fail(-E2BIG, "an option is newer than this library; update it");
        }
        memcpy(ret, opts, opts->sz < sizeof(*ret) ? opts->sz : sizeof(*ret));
    }
    if (ret->ring_log2 == 0)
        ret->ring_log2 = RING_LOG2;
    if (ret->ring_log2 < RING_LOG2_MIN || ret->ring_log2 > RING_LOG2)
        return pc_fail(-EINVAL, "an event ring has 2^%u to 2^%u entries, not 2^%u", RING_LOG2_MIN,
                       RING_LOG2, ret->ring_log2);
    return 0;
}

static int check_card(const struct portcam *pc)
{
    const unsigned need = PORTCAM_CAPS_STATEFUL | PORTCAM_CAPS_MIRROR;

    if ((pc_hw_caps(pc->hw)->flags & need) != need)
        return pc_fail(-EOPNOTSUPP, "this card does not mirror connections");
    if (pc->mirror)
        return pc_fail(-EBUSY, "the card is mirrored already");
    if (pc_hw_slots(pc->hw) > SLOTS_MAX)
        return pc_fail(-EPROTO, "the card says that it has %u connection slots; this cannot be",
                       pc_hw_slots(pc->hw));
    return 0;
}

static void write_head(struct portcam_mirror *m)
{
    *m->head = (struct portcam_mirror_head){.magic = PORTCAM_MIRROR_MAGIC,
                                            .format = PORTCAM_MIRROR_FORMAT,
                                            .records_at = HEAD,
                                            .slots = m->bounds.slots,
                                            .first_v6 = m->bounds.first_v6,
                                            .services = m->bounds.services,
                                            .addresses = m->bounds.addresses,
                                            .backends = m->bounds.backends};
}

static int take_memory(struct portcam_mirror *m)
{
    const struct portcam_caps *caps = pc_hw_caps(m->pc->hw);
    size_t ring = ((size_t)1 << m->ring_log2) * sizeof(struct portcam_event);
    void *vaddr = NULL;
    uint64_t iova = 0;

    m->bounds = (struct pc_record_bounds){.slots = pc_hw_slots(m->pc->hw),
                                          .first_v6 = caps->connections,
                                          .services = caps->services,
                                          .addresses = caps->addresses,
                                          .backends = caps->backends};
    m->place = pc_index_memory(m->bounds.slots * sizeof(*m->place));
    m->index = pc_index_new(m->bounds.slots);
    if (!m->place || !m->index) {
        (void)pc_fail(-ENOMEM, "out of memory");
        return -ENOMEM;
    }
    int rc = portcam_dma_alloc_file(
        m->dev, HEAD + (size_t)m->bounds.slots * sizeof(union pc_record), &m->file, &iova, &m->fd);
    if (rc)
        return rc;
    m->head = m->file;
    m->records = (uint32_t *)((char *)m->file + HEAD);
    m->records_iova = iova + HEAD;
    write_head(m);
    /* Through its own description the file cannot even be tried to be written. */
    char name[64];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", m->fd);
    m->share = open(name, O_RDONLY | O_CLOEXEC);
    rc = portcam_dma_alloc(m->dev, ring, 4096, &vaddr, &m->ring_iova);
    m->ring = vaddr;
    return rc ? rc
              : portcam_dma_alloc(m->dev, sizeof(struct portcam_mirror_sum), 64, &m->sum,
                                  &m->sum_iova);
}

static void free_dma(struct portcam_mirror *m, void *memory)
{
    if (memory)
        portcam_dma_free(m->dev, memory);
}

void portcam_mirror_close(struct portcam_mirror *m)
{
    if (!m)
        return;
    if (m->pc->mirror == m)
        __atomic_store_n(&m->pc->mirror, NULL, __ATOMIC_RELEASE);
    if (m->head && portcam_mirror_stop(m))
        portcam_dev_stop(m->dev); /* its memory goes: it must not write any more */
    free_dma(m, m->file);
    free_dma(m, m->ring);
    free_dma(m, m->sum);
    if (m->share >= 0)
        close(m->share);
    pc_index_free(m->index);
    free(m->place);
    free(m);
}

int portcam_mirror_open(struct portcam *pc, const struct portcam_mirror_opts *opts,
                        struct portcam_report *report, struct portcam_mirror **ret)
{
    struct portcam_mirror_opts o;
    struct portcam_mirror *m = calloc(1, sizeof(*m));
    int rc = copy_opts(opts, &o);

    if (!m) {
        pc_report_add(report, "device", "the mirror of the connections: out of memory");
        return -ENOMEM;
    }
    m->pc = pc;
    m->fd = m->share = -1;
    if (rc == 0)
        rc = check_card(pc);
    if (rc == 0) {
        m->dev = pc_hw_device(pc->hw);
        m->changed = o.changed;
        m->ctx = o.ctx;
        m->ring_log2 = o.ring_log2;
        rc = take_memory(m);
    }
    if (rc == 0)
        rc = begin(m);
    if (rc) {
        const char *code = rc == -EOPNOTSUPP               ? "unsupported"
                           : rc == -EINVAL || rc == -E2BIG ? "usage"
                                                           : pc_hw_code(rc);
        pc_report_add(report, code, "the mirror of the connections: %s", pc_hw_error());
        portcam_mirror_close(m);
        return rc;
    }
    __atomic_store_n(&pc->mirror, m, __ATOMIC_RELEASE);
    *ret = m;
    return 0;
}

struct portcam_mirror *portcam_mirror_of(const struct portcam *pc)
{
    return pc->mirror;
}
