// SPDX-License-Identifier: Apache-2.0
/* Connection records of the card and what it counts of backends; see hw.h. */
#include "hw_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver/err.h"

uint32_t pc_hw_slots(const struct pc_hw *hw)
{
    return hw->caps.connections + hw->caps.connections_v6;
}

static bool is_record(const struct pc_hw *hw, const struct portcam_connection_image *i)
{
    return (i->family == PORTCAM_FAMILY_4 || i->family == PORTCAM_FAMILY_6) &&
           i->state > PORTCAM_CONNECTION_STATE_NONE && i->state < PORTCAM_CONNECTION_STATE_MAX &&
           i->service < hw->caps.services && i->backend < hw->caps.backends &&
           i->endpoint < hw->caps.backends && i->address < hw->caps.addresses;
}

int pc_hw_connections(struct pc_hw *hw, uint32_t slot, uint32_t count,
                      struct portcam_connection_image *ret, uint32_t *ret_count)
{
    struct pc_hw *locked HELD = take(hw);
    const struct portcam_connection_image *images = hw->buffer;
    struct portcam_command command = {
        .opcode = PORTCAM_OPCODE_CONNECTION_READ, .row = slot, .count = count};
    uint32_t n = 0;

    memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
    memset(hw->buffer, 0, count * sizeof(*images));
    int rc = pc_hw_run(hw, &command, 1, NULL, NULL);
    if (rc)
        return rc;
    for (; n < count && images[n].family; n++) {
        ret[n] = images[n];
        if (!is_record(hw, &ret[n]) || ret[n].slot < slot || ret[n].slot - slot >= count ||
            (n > 0 && ret[n].slot <= ret[n - 1].slot)) {
            return pc_fail(-EPROTO, "the card tells of a connection that cannot be, in slot %u",
                           ret[n].slot);
        }
    }
    *ret_count = n;
    return 0;
}

int pc_hw_end_connections(struct pc_hw *hw, struct portcam_connection_image *images, uint32_t count,
                          uint32_t *ret_ended)
{
    struct pc_hw *locked HELD = take(hw);
    const struct portcam_connection_image *last = hw->buffer;
    struct portcam_command *commands = calloc(count + 1, sizeof(*commands));
    uint32_t ended = 0;

    if (!commands)
        return -ENOMEM;
    memset(hw->buffer, 0, count * sizeof(*last));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t address = hw->buffer_iova + i * sizeof(*last);
        commands[i].opcode = PORTCAM_OPCODE_CONNECTION_DELETE;
        commands[i].row = images[i].slot;
        commands[i].count = images[i].generation;
        memcpy(commands[i].data, &address, sizeof(address));
    }
    int rc = pc_hw_run(hw, commands, count, NULL, NULL);
    free(commands);
    if (rc == -EREMOTEIO) /* some were others, or gone */
        rc = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct portcam_connection_image record = last[i], other = images[ended];
        if (!is_record(hw, &record) || record.slot != images[i].slot ||
            record.generation != images[i].generation)
            continue;
        images[i] = other;
        images[ended++] = record;
    }
    *ret_ended = ended;
    return rc;
}

int pc_hw_insert_connections(struct pc_hw *hw, const struct portcam_connection_image *images,
                             uint32_t count, uint32_t *ret_made, unsigned *ret_status)
{
    struct portcam_command command = {.opcode = PORTCAM_OPCODE_CONNECTION_INSERT, .count = count};
    struct portcam_completion failed = {0};
    struct pc_hw *locked HELD = take(hw);

    memcpy(hw->buffer, images, count * sizeof(*images));
    memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
    int rc = pc_hw_batch(hw, &command, 1, &failed);
    if (rc && rc != -EREMOTEIO)
        return rc;
    if (rc && failed.result >= count)
        return pc_fail(-EPROTO, "the card tells of %u connections where there were %u",
                       failed.result, count);
    *ret_made = rc ? failed.result : count;
    *ret_status = rc ? failed.status : (unsigned)PORTCAM_STATUS_OK;
    return 0;
}

int pc_hw_insert_connection(struct pc_hw *hw, const struct portcam_connection_image *image,
                            unsigned *ret_status)
{
    uint32_t made = 0;
    return pc_hw_insert_connections(hw, image, 1, &made, ret_status);
}

int pc_hw_backends(struct pc_hw *hw, uint32_t first, uint32_t count,
                   struct portcam_backend_state *ret)
{
    struct pc_hw *locked HELD = take(hw);
    while (count > 0) {
        uint32_t n = count < PC_HW_CHUNK ? count : PC_HW_CHUNK;
        struct portcam_command command = {
            .opcode = PORTCAM_OPCODE_BACKEND_READ, .row = first, .count = n};
        memcpy(command.data, &hw->buffer_iova, sizeof(hw->buffer_iova));
        int rc = pc_hw_run(hw, &command, 1, NULL, NULL);
        if (rc)
            return rc;
        memcpy(ret, hw->buffer, n * sizeof(*ret));
        first += n;
        ret += n;
        count -= n;
    }
    return 0;
}
