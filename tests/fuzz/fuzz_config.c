// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: the text of a configuration file, through parser, compiler and change set to the model card.
 *
 * Checked besides what the sanitizers see: a text that is refused says why; one that is read has a canonical form, which is
 * read as the same; one that the check lets through, the card takes; what then runs is that form, with the rows that
 * were compiled, and applying it again changes nothing.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "portcam/portcam.h"

static const char Nothing[] = "{\"format\": 1}";

static void require(int ok)
{
    if (!ok)
        abort();
}

static struct portcam *card(void)
{
    static struct portcam *pc;
    struct portcam_opts opts = {.sz = sizeof(opts), .device = "model:", .hash_seed = 1};

    if (!pc)
        require(portcam_open(&opts, NULL, &pc) == 0);
    return pc;
}

static void check_messages(const struct portcam_report *report)
{
    struct portcam_message message;
    size_t count = portcam_report_count(report, NULL);

    require(count > 0);
    for (size_t i = 0; i < count; i++) {
        require(portcam_report_get(report, i, &message) == 0);
        json_t *text = json_string(message.text); /* NULL where it is not UTF-8 */
        require(text && json_string_length(text) > 0 && message.line >= 0);
        json_decref(text);
    }
}

/* The canonical form, which must be read as itself. A new reference. */
static json_t *canonical(const struct portcam_config *config)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *again = NULL;
    json_t *form = NULL, *second = NULL;

    require(portcam_config_json(config, &form) == 0);
    char *text = json_dumps(form, JSON_INDENT(1));
    require(text && portcam_config_parse(text, strlen(text), "form", report, &again) == 0);
    require(portcam_config_json(again, &second) == 0 && json_equal(form, second));
    free(text);
    json_decref(second);
    portcam_config_free(again);
    portcam_report_free(report);
    return form;
}

static void apply_empty(struct portcam *pc)
{
    struct portcam_config *config = NULL;

    require(portcam_config_parse(Nothing, strlen(Nothing), NULL, NULL, &config) == 0);
    require(portcam_config_apply(pc, config, NULL, NULL) == 0);
    portcam_config_free(config);
}

static void run(struct portcam *pc, const struct portcam_config *config, json_t *form)
{
    json_t *diff = NULL, *running = NULL, *checks = NULL;

    require(portcam_config_apply(pc, config, NULL, &diff) == 0);
    json_decref(diff);
    require(portcam_config_running(pc, &running) == 0 && json_equal(running, form));
    json_decref(running);
    require(portcam_selftest(pc, &checks) == 0 && json_is_true(json_object_get(checks, "ok")));
    json_decref(checks);
    require(portcam_config_diff(pc, config, NULL, &diff) == 0);
    require(json_array_size(json_object_get(diff, "rows")) == 0);
    require(json_array_size(json_object_get(diff, "objects")) == 0);
    json_decref(diff);
    apply_empty(pc);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;
    struct portcam *pc = card();

    int rc = portcam_config_parse((const char *)in, len, "input", report, &config);
    if (rc) {
        require(rc == -EBADMSG);
        check_messages(report);
    } else {
        json_t *form = canonical(config);
        rc = portcam_config_check(pc, config, report);
        if (rc == 0)
            run(pc, config, form);
        else
            check_messages(report);
        require(rc == 0 || rc == -EBADMSG);
        json_decref(form);
    }
    portcam_config_free(config);
    portcam_report_free(report);
    return 0;
}
