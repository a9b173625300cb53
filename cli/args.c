// SPDX-License-Identifier: Apache-2.0
/* Parsing of a command's words; see args.h. */
#include "args_trace.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
    const struct command *command;
    char **at;
    int left;
    struct args_error *error;
};

static int fail(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->error->text, sizeof(w->error->text), format, args);
    va_end(args);
    return -1;
}

static const char *peek(const struct words *w)
{
    return w->left > 0 ? w->at[0] : NULL;
}

static const char *take(struct words *w)
{
    if (w->left == 0)
        return NULL;
    w->left--;
    return *w->at++;
}

static bool take_word(struct words *w, const char *word)
{
    if (w->left == 0 || strcmp(w->at[0], word) != 0)
        return false;
    (void)take(w);
    return true;
}

static int put(struct words *w, json_t *args, const char *key, json_t *value)
{
    if (json_object_set_new(args, key, value)) {
        w->error->text[0] = 0;
        return -1;
    }
    return 0;
}

/* A decimal number without sign, or a text that is no number. */
static bool number(const char *text, json_int_t *ret)
{
    json_int_t value = 0;
    if (!*text || strlen(text) > 9)
        return false;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9')
            return false;
        value = value * 10 + (*c - '0');
    }
    *ret = value;
    return true;
}

/* "a,b,c" as a list. */
static json_t *list(const char *text)
{
    json_t *array = json_array();
    while (array) {
        size_t n = strcspn(text, ",");
        if (json_array_append_new(array, json_stringn(text, n))) {
            json_decref(array);
            return NULL;
        }
        if (!text[n])
            break;
        text += n + 1;
    }
    return array;
}

/* "a=1,b=2.5" as an object of numbers, or NULL. */
static json_t *seconds(const char *text)
{
    json_t *object = json_object();
    while (object) {
        size_t n = strcspn(text, "="), end;
        char name[32], *rest;
        double value = text[n] ? strtod(text + n + 1, &rest) : 0;
        if (n == 0 || n >= sizeof(name) || !text[n] || rest == text + n + 1 ||
            (*rest && *rest != ',') || !(value >= 0 && value < 1e9))
            break;
        end = (size_t)(rest - text);
        snprintf(name, sizeof(name), "%.*s", (int)n, text);
        if (json_object_get(object, name) ||
            json_object_set_new(object, name,
                                value == (double)(long)value ? json_integer((long)value)
                                                             : json_real(value)))
            break;
        if (!text[end])
            return object;
        text += end + 1;
    }
    json_decref(object);
    return NULL;
}

/* The value of a key, as its type wants it. */
static int put_value(struct words *w, json_t *args, const struct key *key, const char *text)
{
    json_int_t value;
    json_t *times;

    if (strcmp(text, "none") == 0 && strcmp(w->command->verb, "set") == 0)
        return put(w, args, key->name, json_null());
    switch (key->kind) {
    case VALUE_INTEGER:
        if (!number(text, &value))
            return fail(w, "%s is \"%s\"; give a whole number", key->name, text);
        return put(w, args, key->name, json_integer(value));
    case VALUE_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return fail(w, "%s is \"%s\"; give true or false", key->name, text);
        return put(w, args, key->name, json_boolean(strcmp(text, "true") == 0));
    case VALUE_LIST:
        return put(w, args, key->name, list(text));
    case VALUE_PROTOCOL:
        return put(w, args, key->name,
                   number(text, &value) ? json_integer(value) : json_string(text));
    case VALUE_SECONDS:
        times = seconds(text);
        if (!times)
            return fail(w, "%s is \"%s\"; write it as established=3600,syn=30", key->name, text);
        return put(w, args, key->name, times);
    default:
        return put(w, args, key->name, json_string(text));
    }
}

static int parse_keys(struct words *w, const struct object *object, json_t *args)
{
    while (w->left > 0) {
        const char *name = take(w);
        const struct key *key = find_key(object, name);
        const char *meant = key ? NULL : nearest_key(object, name);
        if (meant)
            return fail(w, "%s has no key \"%s\"; did you mean %s?", object->name, name, meant);
        if (!key)
            return fail(w, "%s has no key \"%s\"; `portcam help %s` lists them", object->name, name,
                        object->name);
        if (json_object_get(args, key->name))
            return fail(w, "%s is given twice", name);
        const char *value = take(w);
        if (!value)
            return fail(w, "%s has no value", name);
        if (put_value(w, args, key, value))
            return -1;
    }
    return 0;
}

/* "domain add name shop": the name of the first key is there, and then what can only be its value. */
static bool is_spelled_out(const struct words *w, const struct object *object, int more)
{
    return object && object->identity && w->left >= 2 + more &&
           strcmp(w->at[0], object->identity) == 0 && !find_key(object, w->at[1]);
}

static int spelled_out(struct words *w, const struct object *object)
{
    return fail(w, "the %s stands first, without the word %s: portcam %s %s %s%s", object->identity,
                object->identity, object->name, w->command->verb, w->at[1],
                w->left > 2 ? " ..." : "");
}

static int parse_name(struct words *w, const struct object *object, json_t *args)
{
    const struct key *key = find_key(object, object->identity);

    if (is_spelled_out(w, object, w->command->args == ARGS_STATE))
        return spelled_out(w, object);
    const char *name = take(w);
    if (!name)
        return fail(w, "which %s? give its %s", object->name, object->identity);
    if (put_value(w, args, key, name))
        return -1;
    if (strcmp(object->name, "address") == 0 && take_word(w, "vlan")) {
        const char *vlan = take(w);
        if (!vlan)
            return fail(w, "vlan has no value");
        return put_value(w, args, find_key(object, "vlan"), vlan);
    }
    return 0;
}

static int parse_name_optional(struct words *w, const struct object *object, json_t *args)
{
    if (is_spelled_out(w, object, 0))
        return spelled_out(w, object);
    const char *name = take(w);
    if (!name)
        return 0;
    if (!take_word(w, "vlan"))
        return put(w, args, "name", json_string(name));
    const char *vlan = take(w);
    if (!vlan)
        return fail(w, "vlan has no value");
    return put(w, args, "name", json_sprintf("%s vlan %s", name, vlan));
}

/* ---- packets ---- */

/* "10.0.0.2:1234", "[2001:db8::1]:80", or an address alone. */
static int parse_side(struct words *w, json_t *packet, const char *key, const char *port_key,
                      const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t length = strlen(text);
    json_int_t port;

    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (!end || (end[1] != ':' && end[1]))
            return fail(w, "\"%s\" is no address; write [2001:db8::1]:80", text);
        colon = end[1] ? end + 1 : NULL;
        length = (size_t)(end - text) - 1;
        text++;
    } else if (colon && strchr(text, ':') == colon) {
        length = (size_t)(colon - text);
    } else {
        colon = NULL;
    }
    if (colon) {
        if (!number(colon + 1, &port) || port > 65535)
            return fail(w, "\"%s\" is no port; give a number up to 65535", colon + 1);
        if (put(w, packet, port_key, json_integer(port)))
            return -1;
    }
    return put(w, packet, key, json_stringn(text, length));
}

static int parse_from(struct words *w, json_int_t *from)
{
    *from = 0;
    if (!take_word(w, "from"))
        return 0;
    if (take_word(w, "network"))
        return 0;
    const char *text = take_word(w, "function") ? take(w) : NULL;
    if (!text || !number(text, from) || *from > 255)
        return fail(w, "after from stands network or function NUMBER");
    return 0;
}

/* All that is left, without spaces and colons, as one string of digits. */
static int parse_hex(struct words *w, json_t *args)
{
    size_t room = 1, n = 0;
    bool good = true;
    for (int i = 0; i < w->left; i++)
        room += strlen(w->at[i]);
    char *digits = malloc(room);
    if (!digits)
        return -1;
    for (const char *word = take(w); word; word = take(w)) {
        for (; *word; word++) {
            if (*word == ':' || *word == ' ')
                continue;
            good &= strchr("0123456789abcdefABCDEF", *word) != NULL;
            digits[n++] = *word;
        }
    }
    digits[n] = 0;
    good &= n > 0 && n % 2 == 0;
    int rc = good ? put(w, args, "frames", json_pack("[s]", digits))
                  : fail(w, "after hex stand the bytes of a frame, two digits each");
    free(digits);
    return rc;
}

static int parse_described(struct words *w, json_int_t from, json_t *args)
{
    json_t *packet = json_object();
    json_int_t vlan;

    if (put(w, args, "packet", packet) || put(w, packet, "from", json_integer(from)))
        return -1;
    if (take_word(w, "vlan")) {
        const char *text = take(w);
        if (!text || !number(text, &vlan) || vlan > 4094)
            return fail(w, "after vlan stands a number up to 4094");
        if (put(w, packet, "vlan", json_integer(vlan)))
            return -1;
    }
    if (take_word(w, "mac")) {
        const char *mac = take(w);
        if (!mac || put(w, packet, "mac", json_string(mac)))
            return fail(w, "after mac stands a MAC address");
    }
    const char *protocol = take(w), *source = take(w);
    bool to = take_word(w, "to");
    const char *destination = take(w);
    if (!protocol || !source || !to || !destination)
        return fail(w,
                    "a packet is PROTOCOL SOURCE[:PORT] to DESTINATION[:PORT], hex BYTES or pcap "
                    "FILE");
    if (put(w, packet, "protocol",
            number(protocol, &vlan) ? json_integer(vlan) : json_string(protocol)))
        return -1;
    if (parse_side(w, packet, "source", "source_port", source))
        return -1;
    return parse_side(w, packet, "destination", "destination_port", destination);
}

static int parse_packet(struct words *w, json_t *args)
{
    json_int_t from;

    if (parse_from(w, &from))
        return -1;
    if (take_word(w, "hex"))
        return parse_hex(w, args) || put(w, args, "from", json_integer(from)) ? -1 : 0;
    if (take_word(w, "pcap")) {
        const char *file = take(w);
        if (!file)
            return fail(w, "after pcap stands the name of a file");
        return put(w, args, "pcap", json_string(file)) || put(w, args, "from", json_integer(from))
                   ? -1
                   : 0;
    }
    return parse_described(w, from, args);
}

/* "17:5" or, where one slot is meant whatever is in it, "17". */
static int parse_slot(struct words *w, json_t *args)
{
    const char *text = take(w);
    bool needed = strcmp(w->command->verb, "delete") == 0;
    unsigned long long slot, generation = 0;
    char *end = NULL;

    if (text && *text >= '0' && *text <= '9') {
        slot = strtoull(text, &end, 10);
        bool has_generation = *end == ':' && end[1] >= '0' && end[1] <= '9';
        if (has_generation)
            generation = strtoull(end + 1, &end, 10);
        if (*end == 0 && slot <= UINT32_MAX && generation <= UINT32_MAX &&
            (has_generation || !needed))
            return put(w, args, "slot", json_integer((json_int_t)slot)) ||
                           (has_generation &&
                            put(w, args, "generation", json_integer((json_int_t)generation)))
                       ? -1
                       : 0;
    }
    return fail(w, "which connection? give %s, as `portcam connection list` tells it",
                needed ? "SLOT:GENERATION" : "SLOT or SLOT:GENERATION");
}

/* All words are the filter's. */
static int parse_trace(struct words *w, json_t *args)
{
    int left = w->left;

    w->left = 0;
    return args_trace(w->at, left, args, w->error);
}

static int parse(struct words *w, json_t *args)
{
    const struct object *object = find_object(w->command->object);
    const char *word;

    switch (w->command->args) {
    case ARGS_NONE:
    case ARGS_FILTER:
        return 0;
    case ARGS_SLOT:
        return parse_slot(w, args);
    case ARGS_NAME_OPTIONAL:
        return parse_name_optional(w, object, args);
    case ARGS_CARD:
        word = take(w);
        if (!word)
            return fail(w, "which card? give its PCI address; `portcam device list` tells it");
        return put(w, args, "name", json_string(word));
    case ARGS_KEYS:
        if (w->left == 0)
            return fail(w, "what shall change? give KEY VALUE");
        return parse_keys(w, object, args);
    case ARGS_NAME:
        return parse_name(w, object, args);
    case ARGS_NAME_KEYS:
        if (parse_name(w, object, args))
            return -1;
        if (w->left == 0 && strcmp(w->command->verb, "set") == 0)
            return fail(w, "what shall change? give KEY VALUE");
        return parse_keys(w, object, args);
    case ARGS_STATE:
        if (parse_name(w, object, args))
            return -1;
        word = take(w);
        if (!word)
            return fail(w, "which state? give running, draining, paused or stopped");
        return put(w, args, "state", json_string(word));
    case ARGS_FILE:
        word = take(w);
        if (!word)
            return fail(w, "which file? give its name, or - for standard input");
        return put(w, args, "file", json_string(word));
    case ARGS_FILE_OPTIONAL:
    case ARGS_OBJECT_OPTIONAL:
        word = take(w);
        return word ? put(w, args, "file", json_string(word)) : 0;
    case ARGS_PACKET:
        return parse_packet(w, args);
    case ARGS_TRACE:
        return parse_trace(w, args);
    }
    return -1;
}

/* Requests are JSON, which has no other texts. */
static int check_utf8(struct words *w)
{
    for (int i = 0; i < w->left; i++) {
        json_t *value = json_string(w->at[i]);
        if (!value)
            return fail(w, "argument %d after the verb is not UTF-8 text", i + 1);
        json_decref(value);
    }
    return 0;
}

json_t *args_parse(const struct command *command, char **words, int count, struct args_error *error)
{
    struct words w = {command, words, count, error};
    json_t *args = json_object();

    error->text[0] = 0;
    int rc = args ? check_utf8(&w) : -1;
    if (rc == 0)
        rc = parse(&w, args);
    if (rc == 0 && peek(&w))
        rc = fail(&w, "\"%s\" is too much; %s%s%s takes %s", peek(&w), command->object,
                  command->verb ? " " : "", command->verb ? command->verb : "",
                  *command->synopsis ? command->synopsis : "no arguments");
    if (rc) {
        json_decref(args);
        return NULL;
    }
    return args;
}
