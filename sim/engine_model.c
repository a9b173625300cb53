// SPDX-License-Identifier: Apache-2.0
/* The engine that is the C model. Frames, doorbells and time wait until run(), so that the order of things is that of their
 * arrival and no DMA happens inside a register access. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "engine.h"

#define ROOM 512        /* frames that may wait */
#define FRAMES_A_RUN 64 /* bound of one run() */

struct waiting {
    unsigned function;
    size_t len;
    uint8_t *bytes;
};

struct model_engine {
    struct pc_engine_host host;
    struct pc_card *card;
    struct waiting queue[ROOM];
    size_t head, count;
    bool doorbell, inject;
    uint32_t doorbell_value, inject_value, completion_head;
    bool completion_consumed;
    bool goes_on; /* to time_ms, in the next run() */
    uint32_t time_ms;
    struct pc_engine_stats stats;
};

static uint32_t reg_read(void *self, uint32_t offset)
{
    struct model_engine *m = self;
    if (offset == PORTCAM_REG_CMD_DOORBELL && m->doorbell)
        return m->doorbell_value;
    if (offset == PORTCAM_REG_TIME_MS && m->goes_on)
        return m->time_ms;
    if (offset == PORTCAM_REG_INJECT_DOORBELL && m->inject)
        return m->inject_value;
    return pc_card_reg_read(m->card, offset);
}

static void reg_write(void *self, uint32_t offset, uint32_t value)
{
    struct model_engine *m = self;
    if (offset == PORTCAM_REG_CMD_DOORBELL) {
        m->doorbell = true;
        m->doorbell_value = value;
    } else if (offset == PORTCAM_REG_INJECT_DOORBELL) {
        m->inject = true;
        m->inject_value = value;
    } else if (offset == PORTCAM_REG_CPL_HEAD) {
        m->completion_consumed = true;
        m->completion_head = value;
    } else {
        if (offset == PORTCAM_REG_CMD_CONTROL)
            m->doorbell = m->completion_consumed = false;
        if (offset == PORTCAM_REG_INJECT_CONTROL)
            m->inject = false;
        pc_card_reg_write(m->card, offset, value);
    }
}

static void reset(void *self)
{
    struct model_engine *m = self;
    m->doorbell = m->completion_consumed = m->inject = false;
    pc_card_reset(m->card);
}

static void set_time(void *self, uint32_t ms)
{
    struct model_engine *m = self;
    m->goes_on = true;
    m->time_ms = ms;
}

static bool room(void *self, unsigned function)
{
    (void)function;
    return ((struct model_engine *)self)->count < ROOM;
}

static void push(void *self, unsigned function, const uint8_t *frame, size_t len)
{
    struct model_engine *m = self;
    uint8_t *copy = malloc(len);
    if (!copy || m->count == ROOM) {
        free(copy);
        return;
    }
    memcpy(copy, frame, len);
    m->queue[(m->head + m->count++) % ROOM] = (struct waiting){function, len, copy};
    m->stats.frames_in++;
}

static void injected(void *ctx, unsigned function, const uint8_t *frame, size_t len)
{
    struct model_engine *m = ctx;
    m->stats.frames_out++;
    m->host.frame(m->host.ctx, function, frame, len);
}

static int dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    struct model_engine *m = ctx;
    return m->host.dma_read(m->host.ctx, iova, dst, len);
}

static int dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    struct model_engine *m = ctx;
    return m->host.dma_write(m->host.ctx, iova, src, len);
}

static void irq(void *ctx, unsigned vector)
{
    struct model_engine *m = ctx;
    m->host.irq(m->host.ctx, vector);
}

static void run_frame(struct model_engine *m)
{
    struct waiting w = m->queue[m->head];
    struct pc_card *card = m->card;
    struct pc_decision decision;
    struct pc_answer answer;
    m->head = (m->head + 1) % ROOM;
    m->count--;
    unsigned functions = pc_tables_sizes(pc_device_tables(pc_card_device(card)))->functions;
    unsigned function = w.function < functions ? w.function : 1;
    pc_device_packet(pc_card_device(card), w.bytes, w.len, function, pc_card_time(card), NULL,
                     &decision, &answer);
    if (!decision.drop) {
        m->stats.frames_out++;
        m->host.frame(m->host.ctx, decision.egress, w.bytes, w.len);
    }
    if (answer.len) {
        m->stats.frames_out++;
        m->host.frame(m->host.ctx, answer.egress, answer.bytes, answer.len);
    }
    free(w.bytes);
}

static bool run(void *self)
{
    struct model_engine *m = self;
    if (m->goes_on) {
        m->goes_on = false;
        pc_card_set_time(m->card, m->time_ms);
    }
    if (m->completion_consumed) {
        m->completion_consumed = false;
        pc_card_reg_write(m->card, PORTCAM_REG_CPL_HEAD, m->completion_head);
    }
    if (m->doorbell) {
        m->doorbell = false;
        pc_card_reg_write(m->card, PORTCAM_REG_CMD_DOORBELL, m->doorbell_value);
    }
    if (m->inject) {
        m->inject = false;
        pc_card_reg_write(m->card, PORTCAM_REG_INJECT_DOORBELL, m->inject_value);
    }
    for (int i = 0; i < FRAMES_A_RUN && m->count && !pc_card_holds(m->card); i++)
        run_frame(m);
    return m->count || m->doorbell || m->completion_consumed || m->inject;
}

static void stats(void *self, struct pc_engine_stats *ret)
{
    *ret = ((struct model_engine *)self)->stats;
}

static void model_free(void *self)
{
    struct model_engine *m = self;
    for (; m->count; m->count--, m->head = (m->head + 1) % ROOM)
        free(m->queue[m->head].bytes);
    pc_card_free(m->card);
    free(m);
}

bool pc_engine_model(struct pc_engine *e, const struct pc_engine_host *host)
{
    struct model_engine *m = calloc(1, sizeof(*m));
    if (!m)
        return false;
    m->host = *host;
    struct pc_card_host card_host = {m, dma_read, dma_write, irq, injected};
    m->card = pc_card_new(&card_host);
    if (!m->card) {
        free(m);
        return false;
    }
    *e = (struct pc_engine){"model", m,    reg_read, reg_write, reset,     set_time,
                            room,    push, run,      stats,     model_free};
    return true;
}
