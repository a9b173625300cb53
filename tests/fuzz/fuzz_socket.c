// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer target: what a client of portcamd may send, without a socket. Each line of the input is handed to the
 * requests' handler, which drives a model card.
 *
 * Checked besides what the sanitizers see: every line gets one answer, which is one line of JSON with the format number
 * and the request's id; what changed is told only when something did; the card's rows are those of the running
 * configuration afterwards.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/request.h"
#include "portcam/trace.h"

static const char Start[] =
    "{\"format\": 1, \"domains\": [{\"name\": \"d\", \"unknown\": \"drop\"}],"
    " \"addresses\": [{\"address\": \"10.0.0.1\", \"domain\": \"d\"}],"
    " \"backends\": [{\"name\": \"b\", \"address\": \"192.0.2.1\", \"port\": 81, \"function\": 1}],"
    " \"services\": [{\"name\": \"s\", \"domain\": \"d\", \"address\": \"10.0.0.1\", \"port\": 80,"
    " \"protocol\": \"tcp\", \"mode\": \"static\", \"backends\": [\"b\"]}]}";

static void require(int ok)
{
    if (!ok)
        abort();
}

static void apply_start(struct portcam *pc)
{
    struct portcam_config *config = NULL;

    require(portcam_config_parse(Start, strlen(Start), NULL, NULL, &config) == 0);
    require(portcam_config_apply(pc, config, NULL, NULL) == 0);
    portcam_config_free(config);
}

static struct portcam *card(void)
{
    static struct portcam *pc;
    struct portcam_opts opts = {.sz = sizeof(opts), .device = "model:", .hash_seed = 1};

    if (!pc) {
        require(portcam_open(&opts, NULL, &pc) == 0);
        apply_start(pc);
    }
    return pc;
}

/* True when the running configuration may have changed. */
static bool one_request(struct portcam *pc, const char *text, size_t len)
{
    struct pc_effect effect;
    char *line = pc_request_text(pc, text, len, "a fuzzer", &effect);

    require(line && !strchr(line, '\n'));
    json_t *answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    json_t *request =
        memchr(text, 0, len) ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    json_t *error = json_object_get(answer, "error");
    json_t *id = json_object_get(request, "id");
    require(json_integer_value(json_object_get(answer, "format")) == PORTCAM_FORMAT);
    require(!id || json_equal(id, json_object_get(answer, "id")));
    require(!error || json_string_length(json_object_get(error, "msg")) > 0);
    require(!error || (!effect.changed && !effect.reset && !effect.monitor));
    require(!effect.changed == !effect.objects);
    json_decref(request);
    json_decref(answer);
    json_decref(effect.objects);
    require(!effect.watch && effect.share < 0); /* nothing is mirrored */
    portcam_trace_close(effect.trace);
    free(line);
    return effect.changed || effect.reset;
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    struct portcam *pc = card();
    bool changed = false;

    while (len > 0) {
        const uint8_t *end = memchr(in, '\n', len);
        size_t n = end ? (size_t)(end - in) : len;
        changed |= one_request(pc, (const char *)in, n);
        n += end != NULL;
        in += n;
        len -= n;
    }
    if (changed) {
        json_t *checks = NULL;
        require(portcam_selftest(pc, &checks) == 0 && json_is_true(json_object_get(checks, "ok")));
        json_decref(checks);
        apply_start(pc);
    }
    return 0;
}
