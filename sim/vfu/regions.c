// SPDX-License-Identifier: Apache-2.0
/*
 * What REGION_READ and REGION_WRITE reach: BAR0 (the card's registers), BAR2 (MSI-X), configuration space.
 *
 * Callers have checked the range; from here on nothing fails. While the memory space is disabled (COMMAND,
 * or a power state other than D0) BARs read all-ones and ignore writes, as on a real bus. Reads of any size
 * and alignment are made of whole registers, each read once, in ascending order. Writes change whole
 * registers only: an 8-byte write is two registers, lower address first; bytes that do not cover a whole
 * aligned register are dropped and counted, because merging would need a read, which may have effects.
 */
#include <string.h>

#include "vfu/internal.h"

uint64_t pc_region_size(uint32_t index)
{
    switch (index) {
    case PC_VFU_REGION_BAR0:
        return PC_VFU_BAR0_BYTES;
    case PC_VFU_REGION_BAR2:
        return PC_VFU_BAR2_BYTES;
    case PC_VFU_REGION_CONFIG:
        return PC_VFU_CONFIG_BYTES;
    default:
        return 0;
    }
}

static void read_registers(struct pc_vfu *s, uint32_t offset, uint8_t *dst, size_t len)
{
    size_t done = 0;

    while (done < len) {
        uint32_t at = offset + (uint32_t)done, skip = at & 3;
        uint32_t value = s->dev.reg_read(s->dev.ctx, at - skip);
        size_t n = 4 - skip < len - done ? 4 - skip : len - done;

        memcpy(dst + done, (const uint8_t *)&value + skip, n);
        done += n;
    }
}

void pc_region_read(struct pc_vfu *s, uint32_t index, uint64_t offset, uint8_t *dst, size_t len)
{
    if (index == PC_VFU_REGION_CONFIG)
        pc_config_read(&s->config, (uint32_t)offset, dst, len);
    else if (!pc_config_memory_enabled(&s->config))
        memset(dst, 0xff, len);
    else if (index == PC_VFU_REGION_BAR0)
        read_registers(s, (uint32_t)offset, dst, len);
    else
        pc_irq_bar_read(s, (uint32_t)offset, dst, len);
}

static void write_bar(struct pc_vfu *s, uint32_t index, uint32_t offset, const uint8_t *src,
                      size_t len)
{
    size_t at = -offset & 3; /* of the first whole register */

    if (at || (len & 3) || !pc_config_memory_enabled(&s->config))
        s->stats.dropped_writes++;
    for (; at + 4 <= len && pc_config_memory_enabled(&s->config); at += 4) {
        uint32_t value;

        memcpy(&value, src + at, 4);
        if (index == PC_VFU_REGION_BAR0)
            s->dev.reg_write(s->dev.ctx, offset + (uint32_t)at, value);
        else
            pc_irq_bar_write(s, offset + (uint32_t)at, value);
    }
}

void pc_region_write(struct pc_vfu *s, uint32_t index, uint64_t offset, const uint8_t *src,
                     size_t len)
{
    if (index != PC_VFU_REGION_CONFIG)
        write_bar(s, index, (uint32_t)offset, src, len);
    else if (pc_config_write(&s->config, (uint32_t)offset, src, len))
        pc_function_reset(s);
    else
        pc_irq_resend(s);
}

void pc_vfu_pull(struct pc_vfu *s)
{
    s->config.pulled = true;
}

void pc_function_reset(struct pc_vfu *s)
{
    if (s->config.pulled)
        return;
    pc_config_reset(&s->config);
    pc_irqs_reset(&s->irqs);
    if (s->dev.reset)
        s->dev.reset(s->dev.ctx);
}
