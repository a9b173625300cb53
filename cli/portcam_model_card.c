// SPDX-License-Identifier: Apache-2.0
/*
 * From a configuration file to a model that runs it: the library reads, checks and compiles the file as it does for a card,
 * and the rows reach the model in one change set of the card's own commands, so that the model's checks of rows apply too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/src/config/config_slow.h"
#include "lib/src/rows/plan.h"
#include "portcam_model.h"

enum { SEEDS = 64 }; /* hash seeds that are tried for endpoint rows that do not fit */

unsigned model_functions(void)
{
    return pc_sizes_default().functions;
}

/* What the capability registers of a card of these sizes say. */
static struct portcam_caps caps_of(const struct pc_sizes *s)
{
    return (struct portcam_caps){
        .flags = PORTCAM_CAPS_IPV6 | PORTCAM_CAPS_STATIC | PORTCAM_CAPS_DELIVER |
                 (s->connection_rows ? PORTCAM_CAPS_STATEFUL | PORTCAM_CAPS_MIRROR : 0) |
                 PORTCAM_CAPS_REJECT | PORTCAM_CAPS_PUNT,
        .functions = s->functions,
        .domains = s->domains,
        .addresses = s->addresses,
        .services = s->services,
        .backends = s->backends,
        .endpoint_ways = {s->endpoint_ways, s->endpoint_ways, s->endpoint_ways},
        .endpoint_rows = {s->endpoint_rows, s->endpoint_any_port_rows, s->endpoint_any_rows},
        .connections = s->connection_rows ? s->connection_rows + s->connection_stash : 0,
        .connections_v6 = s->connection_rows_v6 ? s->connection_rows_v6 + s->connection_stash : 0,
        .schedule = s->schedule_rows,
        .window = PORTCAM_BUILD_WINDOW,
        .max_frame = s->max_frame,
        .version = PORTCAM_INTERFACE_MAJOR << PORTCAM_VERSION_MAJOR_SHIFT | PORTCAM_INTERFACE_MINOR,
    };
}

static char *read_file(const char *file, size_t *ret_len)
{
    FILE *stream = fopen(file, "rb");
    char *text = NULL;
    size_t used = 0, n = 1;

    while (stream && n > 0) {
        char *more = realloc(text, used + 65536);
        if (!more)
            break;
        text = more;
        n = fread(text + used, 1, 65536, stream);
        used += n;
    }
    int error = !stream || ferror(stream) ? errno : n > 0 ? ENOMEM : 0;
    if (stream)
        fclose(stream);
    if (error) {
        free(text);
        errno = error;
        return NULL;
    }
    *ret_len = used;
    return text;
}

static void tell(const struct portcam_report *report)
{
    struct portcam_message message;
    size_t more = 0, count = portcam_report_count(report, &more);

    for (size_t i = 0; i < count; i++)
        if (portcam_report_get(report, i, &message) == 0)
            model_fail("%s%s%s", message.text, message.hint[0] ? "\n  " : "", message.hint);
    if (more)
        model_fail("and %zu more", more);
}

static int compile(const char *file, const char *text, size_t len, const struct pc_sizes *sizes,
                   struct portcam_report *report, struct pc_plan **ret)
{
    struct portcam_caps caps = caps_of(sizes);
    struct portcam_config *config = NULL;

    int rc = portcam_config_parse(text, len, file, report, &config);
    if (rc)
        return rc;
    rc = -ENOSPC;
    for (uint32_t seed = 0; rc == -ENOSPC && seed < SEEDS; seed++) {
        portcam_report_clear(report);
        rc = pc_plan_make(config, &caps, seed, NULL, NULL, report, ret);
    }
    portcam_config_free(config);
    return rc;
}

static int run(struct pc_device *d, const struct portcam_command *c)
{
    static struct pc_command_result result; /* 128 KiB */
    pc_device_command(d, c, &result);
    return result.status == PORTCAM_STATUS_OK ? 0 : -(int)result.status;
}

static int write_rows(struct pc_device *d, const struct pc_image *image)
{
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_CHANGE_BEGIN};
    int rc = run(d, &c);

    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++) {
        for (uint32_t row = 0; rc == 0 && row < image->rows[table]; row++) {
            const struct pc_image_row *r = &image->table[table][row];
            if (!r->valid)
                continue;
            c = (struct portcam_command){
                .opcode = PORTCAM_OPCODE_ROW_WRITE, .table_id = (uint16_t)table, .row = row};
            memcpy(c.data, r->data, sizeof(c.data));
            rc = run(d, &c);
            if (rc)
                model_fail(
                    "the model refuses row %u of table %s, status %d; this is a defect of the "
                    "library or the model",
                    (unsigned)row, pc_table_name(table), -rc);
        }
    }
    c = (struct portcam_command){.opcode = PORTCAM_OPCODE_CHANGE_COMMIT};
    return rc ? rc : run(d, &c);
}

struct pc_device *model_from_file(const char *file, struct pc_slow_limits *ret_limits)
{
    struct pc_sizes sizes = pc_sizes_default();
    struct portcam_report *report = portcam_report_new();
    struct pc_device *d = pc_device_new(&sizes);
    struct pc_plan *plan = NULL;
    size_t len = 0;

    char *text = read_file(file, &len);
    if (!text)
        model_fail("%s: %s", file, strerror(errno));
    int rc = text ? -ENOMEM : -EIO;
    if (text && report && d)
        rc = compile(file, text, len, &sizes, report, &plan);
    if (rc == 0) {
        pc_tables_set_seed(pc_device_tables_rw(d), plan->seed);
        rc = write_rows(d, plan->image);
        *ret_limits = pc_slow_path_limits(&plan->config->slow_path);
    } else if (report && portcam_report_count(report, NULL)) {
        tell(report);
    } else if (rc != -EIO) {
        model_fail("%s: %s", file, strerror(-rc));
    }
    if (rc) {
        pc_device_free(d);
        d = NULL;
    }
    pc_plan_free(plan);
    portcam_report_free(report);
    free(text);
    return d;
}
