// SPDX-License-Identifier: Apache-2.0
/*
 * Change sets as commands. Every set begins with an abort, so that one left open by a process that died does not matter,
 * and ends with a commit; sending the whole again gives the same rows.
 */
#include "change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/ring.h>

#include "base/report.h"

void pc_row_object(const struct portcam_config *config, unsigned table, int32_t origin,
                   char text[160])
{
    const struct portcam_config *c = config;
    size_t i = (size_t)origin;

    text[0] = 0;
    if (!c || origin < 0)
        return;
    switch (table) {
    case PORTCAM_TABLE_DEVICE:
        snprintf(text, 160, "device");
        break;
    case PORTCAM_TABLE_FUNCTION:
        snprintf(text, 160, "function %u", c->functions[i].number);
        break;
    case PORTCAM_TABLE_DOMAIN:
        snprintf(text, 160, "domain \"%s\"", c->domains[i].name);
        break;
    case PORTCAM_TABLE_ADDRESS:
        snprintf(text, 160, "address %s", c->addresses[i].key);
        break;
    case PORTCAM_TABLE_BACKEND:
        snprintf(text, 160, "backend \"%s\"", c->backends[i].name);
        break;
    case PORTCAM_TABLE_PUBLIC:
        snprintf(text, 160, "address %s", c->addresses[i].key);
        break;
    case PORTCAM_TABLE_LIMITS:
        snprintf(text, 160, "limits");
        break;
    default:
        snprintf(text, 160, "service \"%s\"", c->services[i].name);
        break;
    }
}

/* Line of the object in its file, 0 when unknown. */
static int row_line(const struct portcam_config *c, unsigned table, int32_t origin)
{
    size_t i = (size_t)origin;
    if (origin < 0)
        return 0;
    switch (table) {
    case PORTCAM_TABLE_DEVICE:
        return c->device_line;
    case PORTCAM_TABLE_FUNCTION:
        return c->functions[i].line;
    case PORTCAM_TABLE_DOMAIN:
        return c->domains[i].line;
    case PORTCAM_TABLE_ADDRESS:
    case PORTCAM_TABLE_PUBLIC:
        return c->addresses[i].line;
    case PORTCAM_TABLE_LIMITS:
        return c->limits.line;
    case PORTCAM_TABLE_BACKEND:
        return c->backends[i].line;
    default:
        return c->services[i].line;
    }
}

static struct portcam_command *commands_of(const struct pc_image *now,
                                           const struct pc_image *wanted, size_t *ret_count)
{
    size_t n = 0, rows = pc_image_differences(now, wanted, PORTCAM_TABLE_MAX);
    struct portcam_command *commands = calloc(rows + 3, sizeof(*commands));

    if (!commands)
        return NULL;
    commands[n++].opcode = PORTCAM_OPCODE_CHANGE_ABORT;
    commands[n++].opcode = PORTCAM_OPCODE_CHANGE_BEGIN;
    for (unsigned t = 0; t < PORTCAM_TABLE_MAX; t++) {
        for (uint32_t row = 0; row < wanted->rows[t]; row++) {
            const struct pc_image_row *to = &wanted->table[t][row];
            if (!pc_image_row_differs(&now->table[t][row], to))
                continue;
            commands[n].opcode = to->valid ? PORTCAM_OPCODE_ROW_WRITE : PORTCAM_OPCODE_ROW_DELETE;
            commands[n].table_id = (uint16_t)t;
            commands[n].row = row;
            if (to->valid)
                memcpy(commands[n].data, to->data, PC_IMAGE_ROW);
            n++;
        }
    }
    commands[n++].opcode = PORTCAM_OPCODE_CHANGE_COMMIT;
    *ret_count = n;
    return commands;
}

static void report_refusal(const struct pc_plan *plan, const struct portcam_command *command,
                           unsigned status, struct portcam_report *report)
{
    const struct portcam_config *c = plan->config;
    bool is_row =
        command->opcode == PORTCAM_OPCODE_ROW_WRITE || command->opcode == PORTCAM_OPCODE_ROW_DELETE;
    char object[160];

    if (!is_row) {
        pc_report_add(report, "refused", "the card refused the change set: %s; nothing was changed",
                      portcam_status_text(status));
        return;
    }
    const struct pc_image_row *row = &plan->image->table[command->table_id][command->row];
    pc_row_object(c, command->table_id, row->valid ? row->origin : -1, object);
    pc_report_at(report, "refused", c->file,
                 row->valid ? row_line(c, command->table_id, row->origin) : 0,
                 "%s%sthe card refused row %u of table %s: %s; nothing was changed", object,
                 object[0] ? ": " : "", command->row, pc_table_name(command->table_id),
                 portcam_status_text(status));
}

/* Forget the open change set, so that the card is as before. */
static int abort_change(struct pc_hw *hw)
{
    struct portcam_command command = {.opcode = PORTCAM_OPCODE_CHANGE_ABORT};
    return pc_hw_run(hw, &command, 1, NULL, NULL);
}

int pc_change_apply(struct pc_hw *hw, const struct pc_image *now, const struct pc_plan *plan,
                    struct portcam_report *report, bool *ret_unknown)
{
    size_t count = 0;
    unsigned index = 0, status = 0;

    *ret_unknown = false;
    if (pc_image_differences(now, plan->image, PORTCAM_TABLE_MAX) == 0)
        return 0;
    struct portcam_command *commands = commands_of(now, plan->image, &count);
    if (!commands)
        return -ENOMEM;
    int rc = pc_hw_run(hw, commands, (unsigned)count, &index, &status);
    if (rc == -EREMOTEIO) {
        report_refusal(plan, &commands[index], status, report);
        *ret_unknown = abort_change(hw) != 0;
        rc = -EIO;
    } else if (rc) {
        pc_report_add(report, pc_hw_code(rc), "the change set could not be sent: %s",
                      pc_hw_error());
        (void)abort_change(hw);
        *ret_unknown = true;
    }
    free(commands);
    return rc;
}

json_t *pc_change_rows(const struct pc_image *now, const struct portcam_config *running,
                       const struct pc_plan *plan)
{
    json_t *list = json_array();

    for (unsigned t = 0; list && t < PORTCAM_TABLE_MAX; t++) {
        for (uint32_t row = 0; list && row < now->rows[t]; row++) {
            const struct pc_image_row *from = &now->table[t][row],
                                      *to = &plan->image->table[t][row];
            char object[160];
            if (!pc_image_row_differs(from, to))
                continue;
            if (to->valid)
                pc_row_object(plan->config, t, to->origin, object);
            else
                pc_row_object(running, t, from->origin, object);
            json_t *entry = json_pack("{s:s, s:s, s:i, s:s}", "op",
                                      !from->valid ? "add"
                                      : to->valid  ? "change"
                                                   : "remove",
                                      "table", pc_table_name(t), "row", (int)row, "object", object);
            if (json_array_append_new(list, entry)) {
                json_decref(list);
                list = NULL;
            }
        }
    }
    return list;
}
