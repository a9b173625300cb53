// SPDX-License-Identifier: Apache-2.0
/* Rows and counters of the card, and the test of its DMA; see hw.h. */
#include "hw_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READ_ROWS = 1024 }; /* in one batch of row_read */

static int read_rows(struct pc_hw *hw, unsigned table, uint32_t first, uint32_t count,
                     struct portcam_command *commands, struct pc_image *ret)
{
    struct pc_hw *locked HELD = take(hw);
    const struct portcam_row_image *rows = hw->buffer;

    memset(commands, 0, count * sizeof(*commands));
    memset(hw->buffer, 0, count * sizeof(*rows));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = hw->buffer_iova + i * sizeof(*rows);
        commands[i].opcode = PORTCAM_OPCODE_ROW_READ;
        commands[i].table_id = (uint16_t)table;
        commands[i].row = first + i;
        memcpy(commands[i].data, &address, sizeof(address));
    }
    int rc = pc_hw_run(hw, commands, count, NULL, NULL);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        if (rows[i].table_id != table || rows[i].row != first + i)
            return -EPROTO;
        if (rows[i].flags & PORTCAM_ROW_IMAGE_VALID)
            pc_image_set(ret, table, first + i, rows[i].data, -1);
    }
    return rc;
}

int pc_hw_read_image(struct pc_hw *hw, struct pc_image *ret)
{
    struct portcam_command *commands = calloc(READ_ROWS, sizeof(*commands));
    int rc = commands ? 0 : -ENOMEM;

    for (unsigned t = 0; rc == 0 && t < PORTCAM_TABLE_MAX; t++) {
        for (uint32_t row = 0; rc == 0 && row < ret->rows[t]; row += READ_ROWS) {
            uint32_t left = ret->rows[t] - row;
            rc = read_rows(hw, t, row, left < READ_ROWS ? left : READ_ROWS, commands, ret);
        }
    }
    free(commands);
    return rc;
}

int pc_hw_counters(struct pc_hw *hw, unsigned table, uint32_t row, uint32_t count,
                   struct portcam_counter *ret)
{
    struct pc_hw *locked HELD = take(hw);
    const struct portcam_counter_row *rows = hw->buffer;

    while (count > 0) {
        uint32_t n = count < PORTCAM_BUILD_MAX_COUNT ? count : PORTCAM_BUILD_MAX_COUNT;
        struct portcam_command command = {.opcode = PORTCAM_OPCODE_COUNTER_READ,
                                          .table_id = (uint16_t)table,
                                          .row = row,
                                          .count = n};
        memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
        int rc = pc_hw_run(hw, &command, 1, NULL, NULL);
        if (rc)
            return rc;
        for (uint32_t i = 0; i < n; i++)
            ret[i] = (struct portcam_counter){rows[i].packets, rows[i].octets};
        row += n;
        ret += n;
        count -= n;
    }
    return 0;
}

/* ---- connection records ---- */

int pc_hw_dma_test(struct pc_hw *hw)
{
    struct pc_hw *locked HELD = take(hw);
    uint8_t *bytes = hw->buffer;
    uint64_t target = hw->buffer_iova + 4096;
    struct portcam_command command = {.opcode = PORTCAM_OPCODE_SELF_TEST};

    for (unsigned i = 0; i < 64; i++)
        bytes[i] = (uint8_t)(0xa5 ^ (i * 7));
    memset(bytes + 4096, 0, 64);
    memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
    memcpy(command.data + 8, &target, sizeof(target));
    int rc = pc_hw_run(hw, &command, 1, NULL, NULL);
    if (rc)
        return rc;
    return memcmp(bytes, bytes + 4096, 64) == 0 ? 0 : -EILSEQ;
}
