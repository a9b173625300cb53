// SPDX-License-Identifier: Apache-2.0
/*
 * A card that lies, see fake_card.h.
 */
#include "fake_card.h"

#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "portcam_defs.h"

struct pc_card {
    struct pc_card_host host;
    uint32_t regs[0x1100 / 4];
    bool running;
    bool error;
    uint32_t head;
    uint32_t tail;
};

struct fake_card fake_card;

struct pc_card *pc_card_new(const struct pc_card_host *host)
{
    struct pc_card *c = calloc(1, sizeof(*c));

    if (c)
        c->host = *host;
    return c;
}

void pc_card_free(struct pc_card *c)
{
    free(c);
}

void pc_card_reset(struct pc_card *c)
{
    memset(c->regs, 0, sizeof(c->regs));
    c->running = c->error = false;
}

void pc_card_set_time(struct pc_card *c, uint32_t time_ms)
{
    (void)c, (void)time_ms;
}

uint32_t pc_card_reg_read(struct pc_card *c, uint32_t offset)
{
    if (fake_card.gone)
        return UINT32_MAX;
    switch (offset) {
    case PORTCAM_REG_MAGIC:
        return PORTCAM_MAGIC;
    case PORTCAM_REG_VERSION:
        return PORTCAM_INTERFACE_MAJOR << PORTCAM_VERSION_MAJOR_SHIFT;
    case PORTCAM_REG_STATUS:
        return fake_card.lie == LIE_NEVER_READY ? 0 : PORTCAM_STATUS_READY;
    case PORTCAM_REG_CMD_STATUS:
        if (fake_card.lie == LIE_NEVER_STOPS)
            return PORTCAM_CMD_STATUS_RUNNING;
        if (c->running && fake_card.late) {
            fake_card.late--;
            return 0;
        }
        return (c->running ? PORTCAM_CMD_STATUS_RUNNING : 0) |
               (c->error ? PORTCAM_CMD_STATUS_ERROR : 0) |
               (fake_card.lie == LIE_STOPS           ? PORTCAM_STATUS_BAD_DOORBELL
                : fake_card.lie == LIE_STOPS_UNKNOWN ? 0xee
                : fake_card.lie == LIE_REFUSES_RING  ? PORTCAM_STATUS_BAD_RING
                                                     : 0)
                   << PORTCAM_CMD_STATUS_REASON_SHIFT;
    default:
        return offset < sizeof(c->regs) ? c->regs[offset / 4] : 0;
    }
}

static uint64_t address(const struct pc_card *c, uint32_t low)
{
    return c->regs[low / 4] | (uint64_t)c->regs[low / 4 + 1] << 32;
}

static void complete(struct pc_card *c, const struct portcam_command *command)
{
    uint32_t log2_size = c->regs[PORTCAM_REG_CMD_SIZE / 4];
    uint32_t at = c->tail & ((1u << log2_size) - 1);
    struct portcam_completion cpl = {
        .cookie = command->cookie,
        .sq_head = (uint16_t)c->head,
        .lap = (c->tail >> log2_size) + 1,
    };

    switch (fake_card.lie) {
    case LIE_HEAD_AHEAD:
        cpl.sq_head += 1;
        break;
    case LIE_HEAD_BACK:
        cpl.sq_head -= 1;
        break;
    case LIE_COOKIE:
        cpl.cookie ^= 1;
        break;
    case LIE_STATUS:
        cpl.status = PORTCAM_STATUS_MAX;
        break;
    case LIE_LAP_GARBAGE:
        cpl.lap += 5;
        break;
    case LIE_LAP_ONES:
        memset(&cpl, 0xff, sizeof(cpl));
        break;
    case LIE_NO_COMPLETION:
        return;
    default:
        break;
    }
    c->host.dma_write(c->host.ctx, address(c, PORTCAM_REG_CPL_BASE_LO) + at * sizeof(cpl), &cpl,
                      sizeof(cpl));
    c->tail++;
    if (fake_card.lie == LIE_TWICE) {
        fake_card.lie = HONEST;
        complete(c, command);
        fake_card.lie = LIE_TWICE;
    }
}

static void run(struct pc_card *c)
{
    uint32_t log2_size = c->regs[PORTCAM_REG_CMD_SIZE / 4];

    fake_card.doorbells++;
    if (fake_card.lie == LIE_GONE) {
        fake_card.gone = true;
        return;
    }
    if (fake_card.lie == LIE_STOPS || fake_card.lie == LIE_STOPS_UNKNOWN) {
        c->running = false;
        c->error = true;
        return;
    }
    while (c->head != c->regs[PORTCAM_REG_CMD_DOORBELL / 4]) {
        uint32_t at = c->head & ((1u << log2_size) - 1);
        struct portcam_command command;

        if (c->host.dma_read(c->host.ctx,
                             address(c, PORTCAM_REG_CMD_BASE_LO) + at * sizeof(command), &command,
                             sizeof(command)) != 0)
            return;
        c->head++;
        if (command.flags & PORTCAM_COMMAND_COMPLETE ||
            c->head == c->regs[PORTCAM_REG_CMD_DOORBELL / 4])
            complete(c, &command);
    }
}

void pc_card_reg_write(struct pc_card *c, uint32_t offset, uint32_t value)
{
    if (fake_card.gone || offset >= sizeof(c->regs))
        return;
    c->regs[offset / 4] = value;
    if (offset == PORTCAM_REG_CPL_HEAD)
        fake_card.cpl_head_writes++;
    if (offset == PORTCAM_REG_CMD_CONTROL) {
        c->running = value & 1 && fake_card.lie != LIE_REFUSES_RING;
        c->error = value & 1 && fake_card.lie == LIE_REFUSES_RING;
        c->head = c->tail = 0;
    }
    if (offset == PORTCAM_REG_CMD_DOORBELL && c->running)
        run(c);
}
