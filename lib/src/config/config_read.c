// SPDX-License-Identifier: Apache-2.0
/*
 * From JSON text to a configuration: every object and key in its type and range, with all errors of the file and the
 * line of each. References between objects are only stored here, not looked up. Single objects are read in
 * config_objects.c and config_service.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_objects.h"
#include "config_slow.h"

struct reader {
    struct portcam_config *config;
    struct portcam_report *report;
    struct pc_positions positions;
};

enum kind { FUNCTION, DOMAIN, ADDRESS, BACKEND, SERVICE };
static const char *const Lists[] = {"functions", "domains", "addresses", "backends", "services"};
static const char *const Kinds[] = {"function", "domain", "address", "backend", "service"};

/* Room for `n` objects of a kind in the configuration. */
static bool reserve(struct portcam_config *config, enum kind kind, size_t n)
{
    size_t room = n ? n : 1;
    switch (kind) {
    case FUNCTION:
        return (config->functions = calloc(room, sizeof(*config->functions)));
    case DOMAIN:
        return (config->domains = calloc(room, sizeof(*config->domains)));
    case ADDRESS:
        return (config->addresses = calloc(room, sizeof(*config->addresses)));
    case BACKEND:
        return (config->backends = calloc(room, sizeof(*config->backends)));
    case SERVICE:
        return (config->services = calloc(room, sizeof(*config->services)));
    }
    return false;
}

/* Reads one object into the next entry of its list. */
static void read_object(struct pc_fields *f, enum kind kind, int line)
{
    struct portcam_config *config = f->config;
    size_t before = pc_report_total(f->report);
    switch (kind) {
    case FUNCTION:
        config->functions[config->n_functions].line = line;
        pc_read_function(f, &config->functions[config->n_functions++]);
        break;
    case DOMAIN:
        config->domains[config->n_domains].line = line;
        pc_read_domain(f, &config->domains[config->n_domains++]);
        break;
    case ADDRESS:
        config->addresses[config->n_addresses].line = line;
        pc_read_address(f, &config->addresses[config->n_addresses++]);
        break;
    case BACKEND:
        config->backends[config->n_backends].line = line;
        pc_read_backend(f, &config->backends[config->n_backends]);
        config->backends[config->n_backends++].broken = pc_report_total(f->report) > before;
        break;
    case SERVICE:
        config->services[config->n_services].line = line;
        pc_read_service(f, &config->services[config->n_services]);
        config->services[config->n_services++].broken = pc_report_total(f->report) > before;
        break;
    }
}

static int read_list(struct pc_fields *top, struct reader *r, enum kind kind)
{
    size_t position = 0, index;
    json_t *list = pc_fields_get(top, Lists[kind], &position);
    json_t *item;

    if (list && !json_is_array(list)) {
        pc_fields_error(top, Lists[kind], "\"%s\" is not a list; write [ ... ]", Lists[kind]);
        list = NULL;
    }
    size_t most = kind == FUNCTION ? PC_FUNCTION_MAX : PC_LIST_MAX;
    if (list && json_array_size(list) > most) {
        pc_too_long(top, Lists[kind], json_array_size(list), most);
        list = NULL;
    }
    if (!reserve(r->config, kind, json_array_size(list)))
        return -ENOMEM;
    position++;
    json_array_foreach (list, index, item) {
        struct pc_fields f;
        char label[64];
        snprintf(label, sizeof(label), "%s %zu of \"%s\"", Kinds[kind], index + 1, Lists[kind]);
        pc_fields_begin(&f, r->config, r->report, &r->positions, item, position, label);
        if (json_is_object(item)) {
            read_object(&f, kind, r->positions.at[position].line);
            pc_fields_end(&f);
        } else {
            pc_fields_error(&f, NULL, "it is not an object; write { ... }");
        }
        if (f.no_memory)
            return -ENOMEM;
        position = r->positions.at[position].next;
    }
    return 0;
}

static void read_device(struct pc_fields *top, struct reader *r)
{
    size_t position = 0;
    json_t *device = pc_fields_get(top, "device", &position);
    struct pc_fields f;

    if (!device)
        return;
    pc_fields_begin(&f, r->config, r->report, &r->positions, device, position, "device");
    if (!json_is_object(device)) {
        pc_fields_error(&f, NULL, "it is not an object; write { \"mac\": ... }");
        return;
    }
    r->config->device_line = r->positions.at[position].line;
    r->config->has_device_mac = pc_fields_mac(&f, "mac", r->config->device_mac);
    pc_fields_end(&f);
}

static void read_limits(struct pc_fields *top, struct reader *r)
{
    size_t position = 0;
    json_t *object = pc_fields_get(top, "limits", &position);
    struct pc_cfg_limits *limits = &r->config->limits;
    struct pc_fields f;

    if (!object)
        return;
    pc_fields_begin(&f, r->config, r->report, &r->positions, object, position, "limits");
    if (!json_is_object(object)) {
        pc_fields_error(&f, NULL, "it is not an object; write { \"reject_rate\": 1000 }");
        return;
    }
    limits->line = r->positions.at[position].line;
    pc_fields_integer(&f, "embryonic", false, 0, INT32_MAX, &limits->embryonic);
    pc_fields_integer(&f, "reject_rate", false, 0, UINT16_MAX, &limits->reject_rate);
    pc_fields_integer(&f, "reject_burst", false, 0, UINT16_MAX, &limits->reject_burst);
    pc_fields_end(&f);
}

static int read_top(struct reader *r, json_t *root)
{
    struct pc_fields f;
    int format = 0;
    int rc = 0;

    pc_fields_begin(&f, r->config, r->report, &r->positions, root, 0, "configuration");
    if (!json_is_object(root)) {
        pc_fields_error(&f, NULL, "the file is not one object; write { \"format\": 1, ... }");
        return 0;
    }
    pc_fields_integer(&f, "format", true, PORTCAM_FORMAT, PORTCAM_FORMAT, &format);
    read_device(&f, r);
    read_limits(&f, r);
    pc_slow_path_read(&f, &r->config->slow_path);
    for (enum kind kind = FUNCTION; rc == 0 && kind <= SERVICE; kind++)
        rc = read_list(&f, r, kind);
    if (rc == 0)
        pc_fields_end(&f);
    return rc;
}

static const char *file_name(const struct reader *r)
{
    return r->config->file ? r->config->file : "input";
}

/* Bytes that the JSON parser skips, or of which it speaks in its own words. */
static bool check_bytes(struct reader *r, const char *text, size_t len)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *nul = memchr(text, 0, len);
    int line = 1;

    if (len >= sizeof(mark) - 1 && memcmp(text, mark, sizeof(mark) - 1) == 0) {
        pc_report_at(r->report, "syntax", file_name(r), 1,
                     "the file begins with a byte order mark; write it as UTF-8 text without one");
        return false;
    }
    if (!nul)
        return true;
    for (const char *c = text; c < nul; c++)
        line += *c == '\n';
    pc_report_at(r->report, "syntax", file_name(r), line,
                 "there is a NUL byte; write the file as UTF-8 text");
    return false;
}

static void syntax_error(struct reader *r, const json_error_t *error)
{
    const char *what = error->text, *cure = "correct the JSON text there";

    if (json_error_code(error) == json_error_duplicate_key) {
        cure = "keep one of the two";
    } else if (json_error_code(error) == json_error_null_character) {
        what = "a string has a NUL character, \\u0000";
        cure = "remove it";
    }
    pc_report_at(r->report, "syntax", file_name(r), error->line > 0 ? error->line : 1, "%s; %s",
                 what, cure);
}

int pc_config_read(struct portcam_config *config, const char *text, size_t len,
                   struct portcam_report *report)
{
    struct reader r = {.config = config, .report = report};
    json_error_t error;

    if (!check_bytes(&r, text, len))
        return 0;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        syntax_error(&r, &error);
        return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : 0;
    }
    int rc = pc_positions_build(text, len, &r.positions);
    if (rc == 0) {
        rc = read_top(&r, root);
        pc_positions_free(&r.positions);
    }
    json_decref(root);
    return rc;
}
