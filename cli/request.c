// SPDX-License-Identifier: Apache-2.0
/* The verbs of the protocol, each a few calls of libportcam; see request.h. */
#include "request_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portcam/mirror.h"
#include "portcam/slow_path.h"
#include "portcam/trace.h"

enum { FRAMES_MAX = 10000, FRAME_BYTES = 16384 };

/* ---- errors ---- */

json_t *pc_error(const char *code, const char *hint, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_t *whole = json_string(text);
    for (char *c = text; *c && !whole; c++) { /* a character was cut */
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    json_decref(whole);
    return json_pack("{s:i, s:{s:s, s:s, s:s}}", "format", PORTCAM_FORMAT, "error", "code", code,
                     "msg", text, "hint", hint ? hint : "");
}

static const char *code_of(int rc)
{
    switch (rc) {
    case -ENOENT:
        return "not_found";
    case -EINVAL:
        return "usage";
    case -EACCES:
    case -EPERM:
        return "permission";
    case -ENODEV:
    case -EIO:
        return "device";
    case -EOPNOTSUPP:
        return "unsupported";
    case -ETIMEDOUT:
        return "timeout";
    default:
        return "refused";
    }
}

json_t *pc_error_report(const struct portcam_report *report, int rc)
{
    struct portcam_message first, message;
    size_t more = 0, count = report ? portcam_report_count(report, &more) : 0;

    if (count == 0 || portcam_report_get(report, 0, &first))
        return pc_error(code_of(rc), NULL, "%s", strerror(-rc));
    json_t *answer = pc_error(first.code, first.hint, "%s", first.text);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        if (portcam_report_get(report, i, &message) == 0)
            json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "code", message.code, "text",
                                                  message.text, "line", message.line));
    }
    json_t *error = json_object_get(answer, "error");
    json_object_set_new(error, "messages", list);
    if (more)
        json_object_set_new(error, "more", json_integer((json_int_t)more));
    return answer;
}

/* ---- verbs ---- */

static const char *plural(const char *object)
{
    static const char *const names[][2] = {{"device", "devices"},   {"function", "functions"},
                                           {"domain", "domains"},   {"address", "addresses"},
                                           {"service", "services"}, {"backend", "backends"},
                                           {"limits", "limits"},    {"slow_path", "slow_path"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(object, names[i][0]) == 0)
            return names[i][1];
    }
    return "objects";
}

static int show(struct call *c, json_t **ret)
{
    const char *name = json_string_value(json_object_get(c->args, "name"));
    json_t *list = NULL;

    int rc = portcam_list(c->pc, c->object, name, c->stats, c->report, &list);
    if (rc == 0)
        *ret = json_pack("{s:o}", plural(c->object), list);
    return rc;
}

/* What a call that succeeded has to say. */
static json_t *warnings_of(const struct portcam_report *report)
{
    struct portcam_message message;
    json_t *warnings = json_array();
    size_t more = 0;

    for (size_t i = 0; portcam_report_get(report, i, &message) == 0; i++)
        json_array_append_new(warnings, json_string(message.text));
    portcam_report_count(report, &more);
    if (more)
        json_array_append_new(warnings, json_sprintf("and %zu more", more));
    return warnings;
}

/* The answer of everything that changes the configuration; takes diff. */
static int changed(struct call *c, json_t *diff, json_t **ret)
{
    bool any = json_array_size(json_object_get(diff, "objects")) > 0 ||
               json_array_size(json_object_get(diff, "rows")) > 0;
    json_object_set_new(diff, "changed", json_boolean(any && !c->dry_run));
    json_object_set_new(diff, "dry_run", json_boolean(c->dry_run));
    json_object_set_new(diff, "warnings", warnings_of(c->report));
    if (any && !c->dry_run) {
        c->effect->changed = true;
        c->effect->objects = json_incref(json_object_get(diff, "objects"));
    }
    *ret = diff;
    return 0;
}

static int edit(struct call *c, enum portcam_edit what, json_t **ret)
{
    json_t *diff = NULL;
    c->effect->touches = !c->dry_run;
    int rc = portcam_edit(c->pc, what, c->object, c->args, c->dry_run, c->report, &diff);
    return rc ? rc : changed(c, diff, ret);
}

static int add(struct call *c, json_t **ret)
{
    return edit(c, PORTCAM_EDIT_ADD, ret);
}

static int del(struct call *c, json_t **ret)
{
    return edit(c, PORTCAM_EDIT_DEL, ret);
}

static int set(struct call *c, json_t **ret)
{
    return edit(c, PORTCAM_EDIT_SET, ret);
}

static int slow_path_status(struct call *c, json_t **ret)
{
    return portcam_slow_path_status(c->pc, c->report, ret);
}

static int health(struct call *c, json_t **ret)
{
    return portcam_health(c->pc, ret);
}

static int selftest(struct call *c, json_t **ret)
{
    c->effect->touches = true;
    return portcam_selftest(c->pc, ret);
}

static int reset(struct call *c, json_t **ret)
{
    c->effect->touches = !c->dry_run;
    int rc = c->dry_run ? 0 : portcam_reset(c->pc, c->report);
    if (rc == 0) {
        c->effect->reset = !c->dry_run;
        *ret = json_pack("{s:b, s:b}", "reset", (int)!c->dry_run, "dry_run", (int)c->dry_run);
    }
    return rc;
}

static int stats(struct call *c, json_t **ret)
{
    bool all = json_is_true(json_object_get(c->args, "all"));
    return portcam_stats(c->pc, all, c->report, ret);
}

static int config_show(struct call *c, json_t **ret)
{
    json_t *config = NULL;
    int rc = portcam_config_running(c->pc, &config);
    if (rc == 0)
        *ret = json_pack("{s:o}", "config", config);
    return rc;
}

/* The configuration of the request's "text". */
static int take_config(struct call *c, struct portcam_config **ret)
{
    json_t *text = json_object_get(c->args, "text");
    const char *file = json_string_value(json_object_get(c->args, "file"));

    if (!json_is_string(text))
        return -EINVAL;
    return portcam_config_parse(json_string_value(text), json_string_length(text),
                                file ? file : "input", c->report, ret);
}

static int config_check(struct call *c, json_t **ret)
{
    struct portcam_config *config = NULL;
    int rc = take_config(c, &config);
    if (rc == 0)
        rc = portcam_config_check(c->pc, config, c->report);
    portcam_config_free(config);
    if (rc == 0)
        *ret = json_pack("{s:b, s:o}", "ok", 1, "warnings", warnings_of(c->report));
    return rc;
}

static int config_apply(struct call *c, json_t **ret)
{
    struct portcam_config *config = NULL;
    json_t *diff = NULL;
    int rc = take_config(c, &config);

    c->effect->touches = rc == 0 && !c->dry_run;
    if (rc == 0 && c->dry_run)
        rc = portcam_config_diff(c->pc, config, c->report, &diff);
    else if (rc == 0)
        rc = portcam_config_apply(c->pc, config, c->report, &diff);
    portcam_config_free(config);
    return rc ? rc : changed(c, diff, ret);
}

static int config_diff(struct call *c, json_t **ret)
{
    c->dry_run = true;
    return config_apply(c, ret);
}

static int from_hex(const char *hex, size_t len, uint8_t *bytes)
{
    for (size_t i = 0; i < len; i++) {
        unsigned value;
        char two[3] = {hex[i], 0, 0};
        if (!strchr("0123456789abcdefABCDEF", two[0]))
            return -EINVAL;
        value = (unsigned)strtoul(two, NULL, 16);
        bytes[i / 2] = (uint8_t)(i % 2 ? bytes[i / 2] | value : value << 4);
    }
    return len % 2 ? -EINVAL : 0;
}

static int explain_hex(struct call *c, const json_t *hex, unsigned from, json_t *packets)
{
    uint8_t frame[FRAME_BYTES];
    size_t len = json_string_length(hex);
    json_t *packet = NULL;

    if (!json_is_string(hex) || len > 2 * sizeof(frame) ||
        from_hex(json_string_value(hex), len, frame))
        return -EINVAL;
    int rc = portcam_explain(c->pc, frame, len / 2, from, c->report, &packet);
    if (rc == 0 && json_array_append_new(packets, packet))
        rc = -ENOMEM;
    return rc;
}

static int explain(struct call *c, json_t **ret)
{
    json_t *spec = json_object_get(c->args, "packet");
    json_t *frames = json_object_get(c->args, "frames");
    json_t *from = json_object_get(spec ? spec : c->args, "from");
    json_t *packets = json_array(), *packet = NULL, *hex;
    uint8_t frame[256];
    size_t len = 0, index;
    int rc = 0;

    if (from &&
        (!json_is_integer(from) || json_integer_value(from) < 0 || json_integer_value(from) > 255))
        rc = -EINVAL;
    unsigned function = (unsigned)json_integer_value(from);
    if (rc == 0 && spec) {
        rc = portcam_build_frame(c->pc, spec, c->report, frame, sizeof(frame), &len);
        if (rc == 0)
            rc = portcam_explain(c->pc, frame, len, function, c->report, &packet);
        if (rc == 0)
            json_array_append_new(packets, packet);
    } else if (rc == 0 && json_is_array(frames) && json_array_size(frames) <= FRAMES_MAX) {
        json_array_foreach (frames, index, hex) {
            if (rc == 0)
                rc = explain_hex(c, hex, function, packets);
        }
    } else {
        rc = -EINVAL;
    }
    if (rc) {
        json_decref(packets);
        return rc;
    }
    *ret = json_pack("{s:o}", "packets", packets);
    return 0;
}

static const struct {
    const char *object, *verb;
    verb_fn call;
} Verbs[] = {
    {"connection", "list", pc_request_connection_list},
    {"connection", "count", pc_request_connection_count},
    {"connection", "flush", pc_request_connection_flush},
    {"connection", "show", pc_request_connection_show},
    {"connection", "delete", pc_request_connection_delete},
    {"limits", "show", show},
    {"limits", "set", set},
    {"slow_path", "show", show},
    {"slow_path", "status", slow_path_status},
    {"slow_path", "set", set},
    {"device", "show", show},
    {"device", "set", set},
    {"device", "health", health},
    {"device", "selftest", selftest},
    {"device", "reset", reset},
    {"function", "show", show},
    {"function", "add", add},
    {"function", "del", del},
    {"function", "set", set},
    {"domain", "show", show},
    {"domain", "add", add},
    {"domain", "del", del},
    {"domain", "set", set},
    {"address", "show", show},
    {"address", "add", add},
    {"address", "del", del},
    {"address", "set", set},
    {"service", "show", show},
    {"service", "add", add},
    {"service", "del", del},
    {"service", "set", set},
    {"backend", "show", show},
    {"backend", "add", add},
    {"backend", "del", del},
    {"backend", "set", set},
    {"stats", "show", stats},
    {"config", "show", config_show},
    {"config", "check", config_check},
    {"config", "diff", config_diff},
    {"config", "apply", config_apply},
    {"explain", "packet", explain},
    {"monitor", "start", pc_request_monitor},
    {"mirror", "status", pc_request_mirror_status},
    {"mirror", "audit", pc_request_mirror_audit},
    {"mirror", "share", pc_request_mirror_share},
    {"trace", "start", pc_request_trace_start},
    {"trace", "stop", pc_request_trace_stop},
};

/* ---- requests ---- */

static json_t *dispatch(struct call *c, const char *verb)
{
    for (size_t i = 0; i < sizeof(Verbs) / sizeof(Verbs[0]); i++) {
        if (strcmp(Verbs[i].object, c->object) != 0 || strcmp(Verbs[i].verb, verb) != 0)
            continue;
        json_t *answer = NULL;
        int rc = Verbs[i].call(c, &answer);
        if (rc == -EINVAL && portcam_report_count(c->report, NULL) == 0)
            return pc_error("usage", "portcam(8) tells the arguments",
                            "the arguments of %s %s are missing or of the wrong type", c->object,
                            verb);
        if (rc)
            return pc_error_report(c->report, rc);
        if (answer && json_object_set_new(answer, "format", json_integer(PORTCAM_FORMAT)) == 0)
            return answer;
        json_decref(answer);
        return NULL;
    }
    return pc_error("usage", "`portcam help` lists what there is", "there is no %.64s %.64s",
                    c->object, verb);
}

static json_t *checked(struct call *c)
{
    json_t *format = json_object_get(c->request, "format");
    const char *verb = json_string_value(json_object_get(c->request, "verb"));
    json_t *args = json_object_get(c->request, "args");

    c->object = json_string_value(json_object_get(c->request, "object"));
    if (!json_is_object(c->request))
        return pc_error("protocol", NULL, "a request is one JSON object");
    if (!json_is_integer(format) || json_integer_value(format) != PORTCAM_FORMAT)
        return pc_error("protocol", "client and daemon must be of one version",
                        "a request has \"format\": %d", PORTCAM_FORMAT);
    if (!c->object || !verb)
        return pc_error("protocol", NULL, "a request has strings \"object\" and \"verb\"");
    if (args && !json_is_object(args))
        return pc_error("protocol", NULL, "\"args\" is not an object");
    c->dry_run = json_is_true(json_object_get(c->request, "dry_run"));
    c->stats = json_is_true(json_object_get(c->request, "stats"));
    json_t *empty = args ? NULL : json_object();
    c->args = args ? args : empty;
    json_t *answer = dispatch(c, verb);
    json_decref(empty);
    return answer;
}

static void clear(struct pc_effect *effect)
{
    effect->touches = effect->changed = effect->reset = effect->monitor = effect->untrace = false;
    effect->objects = NULL;
    effect->watch = NULL;
    effect->share = -1;
    effect->trace = NULL;
    effect->trace_most = 0;
}

json_t *pc_request(struct portcam *pc, json_t *request, const char *who, struct pc_effect *effect)
{
    struct call c = {.pc = pc, .request = request, .who = who, .effect = effect};
    json_t *id = json_object_get(request, "id");

    clear(effect);
    c.report = portcam_report_new();
    json_t *answer = c.report ? checked(&c) : NULL;
    portcam_report_free(c.report);
    if (answer && id)
        json_object_set(answer, "id", id);
    return answer;
}

char *pc_request_text(struct portcam *pc, const char *text, size_t len, const char *who,
                      struct pc_effect *effect)
{
    json_error_t error;
    json_t *answer;
    json_t *request = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

    clear(effect);
    if (memchr(text, 0, len))
        answer = pc_error("protocol", NULL, "the request has a NUL byte");
    else if (request)
        answer = pc_request(pc, request, who, effect);
    else
        answer =
            json_error_code(&error) == json_error_null_character
                ? pc_error("protocol", NULL,
                           "a string of the request has a NUL character, \\u0000; remove it")
                : pc_error("protocol", "one request is one line of JSON",
                           "the request is not JSON: %s (byte %d)", error.text, error.position);
    json_decref(request);
    char *line = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    if (!line) {
        json_decref(effect->objects);
        portcam_watch_free(effect->watch);
        portcam_trace_close(effect->trace);
        clear(effect);
    }
    return line;
}
