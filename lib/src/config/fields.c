// SPDX-License-Identifier: Apache-2.0
/* Getters that turn the members of a JSON object into C values, or into messages; see fields.h. */
#include "fields.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pc_name_valid(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > PC_NAME_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("._-:", name[i]))
            return false;
    }
    return true;
}

void pc_fields_begin(struct pc_fields *f, struct portcam_config *config,
                     struct portcam_report *report, const struct pc_positions *positions,
                     json_t *object, size_t position, const char *label)
{
    memset(f, 0, sizeof(*f));
    f->config = config;
    f->report = report;
    f->positions = positions;
    f->object = object;
    f->position = position;
    snprintf(f->label, sizeof(f->label), "%s", label);
}

/* Position of a key's value; the object's own when there is none. */
static size_t find(const struct pc_fields *f, const char *key)
{
    const char *at;
    json_t *value;
    size_t position = f->position + 1;

    json_object_foreach (f->object, at, value) {
        if (key && strcmp(at, key) == 0)
            return position;
        position = f->positions->at[position].next;
    }
    return f->position;
}

json_t *pc_fields_get(struct pc_fields *f, const char *key, size_t *ret_position)
{
    json_t *value = json_object_get(f->object, key);
    bool known = false;
    for (unsigned i = 0; i < f->n_known; i++)
        known |= strcmp(f->known[i], key) == 0;
    if (!known && f->n_known < PC_FIELDS_MAX)
        f->known[f->n_known++] = key;
    if (value && ret_position)
        *ret_position = find(f, key);
    return value;
}

static void error_at(struct pc_fields *f, size_t position, const char *format, va_list args)
{
    char text[512];

    vsnprintf(text, sizeof(text), format, args);
    pc_report_at(f->report, "refused", f->config->file, f->positions->at[position].key_line,
                 "%s: %s", f->label, text);
}

void pc_fields_error(struct pc_fields *f, const char *key, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_at(f, find(f, key), format, args);
    va_end(args);
}

/* `position`: of the value. */
static void unknown_key(struct pc_fields *f, size_t position, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void unknown_key(struct pc_fields *f, size_t position, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_at(f, position, format, args);
    va_end(args);
}

void pc_fields_end(struct pc_fields *f)
{
    size_t position = f->position + 1;
    char list[256] = "";
    const char *key;
    json_t *value;

    for (unsigned i = 0; i < f->n_known; i++) {
        size_t n = strlen(list);
        snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", f->known[i]);
    }
    json_object_foreach (f->object, key, value) {
        bool known = false;
        for (unsigned i = 0; i < f->n_known; i++)
            known |= strcmp(key, f->known[i]) == 0;
        if (!known)
            unknown_key(f, position, "unknown key \"%.64s\"; the keys here are %s", key, list);
        position = f->positions->at[position].next;
    }
}

bool pc_fields_string(struct pc_fields *f, const char *key, bool required, const char **ret)
{
    json_t *value = pc_fields_get(f, key, NULL);
    if (!value) {
        if (required)
            pc_fields_error(f, NULL, "\"%s\" is missing; add it", key);
        return false;
    }
    if (!json_is_string(value)) {
        pc_fields_error(f, key, "\"%s\" is not a string; write it in quotes", key);
        return false;
    }
    *ret = json_string_value(value);
    return true;
}

bool pc_fields_copy(struct pc_fields *f, const char *key, bool required, char **ret)
{
    const char *text;
    if (!pc_fields_string(f, key, required, &text))
        return false;
    char *copy = strdup(text);
    if (!copy) {
        f->no_memory = true;
        return false;
    }
    free(*ret);
    *ret = copy;
    return true;
}

bool pc_fields_name(struct pc_fields *f, const char *key, const char *kind, char **ret)
{
    const char *text;
    if (!pc_fields_string(f, key, true, &text))
        return false;
    if (!pc_name_valid(text)) {
        pc_fields_error(f, key,
                        "\"%.80s\" is not a name; use 1 to %d letters, digits and . _ - :, a "
                        "letter or digit first",
                        text, PC_NAME_MAX);
        return false;
    }
    snprintf(f->label, sizeof(f->label), "%s \"%s\"", kind, text);
    char *copy = strdup(text);
    if (!copy) {
        f->no_memory = true;
        return false;
    }
    *ret = copy;
    return true;
}

bool pc_fields_integer(struct pc_fields *f, const char *key, bool required, int min, int max,
                       int *ret)
{
    json_t *value = pc_fields_get(f, key, NULL);
    if (!value) {
        if (required)
            pc_fields_error(f, NULL, "\"%s\" is missing; add a number from %d to %d", key, min,
                            max);
        return false;
    }
    if (!json_is_integer(value)) {
        pc_fields_error(f, key, "\"%s\" is not a whole number; write one from %d to %d", key, min,
                        max);
        return false;
    }
    json_int_t number = json_integer_value(value);
    if (number != min && min == max) {
        pc_fields_error(f, key, "\"%s\" is %lld; it must be %d", key, (long long)number, min);
        return false;
    }
    if (number < min || number > max) {
        pc_fields_error(f, key, "\"%s\" is %lld; it must be from %d to %d", key, (long long)number,
                        min, max);
        return false;
    }
    *ret = (int)number;
    return true;
}

bool pc_fields_bool(struct pc_fields *f, const char *key, bool *ret)
{
    json_t *value = pc_fields_get(f, key, NULL);
    if (!value)
        return false;
    if (!json_is_boolean(value)) {
        pc_fields_error(f, key, "\"%s\" is neither true nor false; write one of them", key);
        return false;
    }
    *ret = json_is_true(value);
    return true;
}

bool pc_fields_word(struct pc_fields *f, const char *key, const struct pc_words *words,
                    bool required, unsigned *ret)
{
    const char *text;
    char list[128] = "";

    if (!pc_fields_string(f, key, required, &text))
        return false;
    for (unsigned i = 0; i < words->count; i++) {
        if (strcmp(text, words->words[i]) == 0) {
            *ret = i;
            return true;
        }
        size_t n = strlen(list);
        snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", words->words[i]);
    }
    pc_fields_error(f, key, "\"%s\" is \"%.64s\"; write one of %s", key, text, list);
    return false;
}

bool pc_fields_mac(struct pc_fields *f, const char *key, uint8_t ret[6])
{
    static const uint8_t zero[6];
    const char *text;
    uint8_t mac[6];

    if (!pc_fields_string(f, key, false, &text))
        return false;
    if (pc_mac_parse(text, mac)) {
        pc_fields_error(f, key, "\"%.64s\" is not a MAC address; write it as 02:00:00:00:00:01",
                        text);
        return false;
    }
    if ((mac[0] & 1) || memcmp(mac, zero, sizeof(mac)) == 0) {
        pc_fields_error(f, key, "%s is not the MAC address of one station; give a unicast address",
                        text);
        return false;
    }
    memcpy(ret, mac, sizeof(mac));
    return true;
}

bool pc_fields_prefix(struct pc_fields *f, const char *key, bool required, struct pc_ip *ret,
                      unsigned *ret_length)
{
    const char *text;
    struct pc_ip ip;
    unsigned length;
    char good[PC_IP_TEXT];

    if (!pc_fields_string(f, key, required, &text))
        return false;
    int rc = pc_prefix_parse(text, &ip, &length);
    if (rc == 0) {
        *ret = ip;
        *ret_length = length;
        return true;
    }
    const char *slash = strchr(text, '/');
    char address[PC_IP_TEXT];
    snprintf(address, sizeof(address), "%.*s", slash ? (int)(slash - text) : 0, text);
    if (slash && rc != -EINVAL && pc_ip_parse(address, &ip) == 0) {
        length = (unsigned)strtoul(slash + 1, NULL, 10);
        ip = pc_ip_mask(&ip, length);
        pc_prefix_format(&ip, length, good);
        pc_fields_error(f, key, "%.64s has bits behind its prefix length; write %s", text, good);
    } else {
        pc_fields_error(f, key,
                        "\"%.64s\" is not an address or prefix; write it as 198.51.100.1, "
                        "198.51.100.0/24 or 2001:db8::/64",
                        text);
    }
    return false;
}
