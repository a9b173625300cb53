// SPDX-License-Identifier: Apache-2.0
/* Parsing of the words of `portcam trace`; see args_trace.h. */
#include "args_trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PORT_MAX = 65535, COUNT_MAX = 999999999 };

struct words {
    char **at;
    int left;
    json_t *args;
    struct args_error *error;
};

enum word_kind {
    WORD_SIDE,     /* before host and port */
    WORD_HOST,     /* ADDRESS[/LENGTH] */
    WORD_PORT,     /* N */
    WORD_TEXT,     /* a name */
    WORD_LIST,     /* names with commas between, more than once */
    WORD_NUMBER,   /* N, from 1 on */
    WORD_PROTOCOL, /* a name or number */
    WORD_INGRESS,  /* network, or function N */
    WORD_AND,      /* nothing: all must fit anyway */
    WORD_IS,       /* the word itself is the value */
};

struct word {
    const char *word;
    enum word_kind kind;
    const char *key;
    const char *value; /* of WORD_IS */
    json_int_t most;   /* of WORD_NUMBER */
};

static const struct word Words[] = {
    {"src", WORD_SIDE, "src", NULL, 0},
    {"dst", WORD_SIDE, "dst", NULL, 0},
    {"host", WORD_HOST, NULL, NULL, 0},
    {"net", WORD_HOST, NULL, NULL, 0},
    {"port", WORD_PORT, NULL, NULL, 0},
    {"proto", WORD_PROTOCOL, "protocol", NULL, 0},
    {"service", WORD_TEXT, "service", NULL, 0},
    {"backend", WORD_TEXT, "backend", NULL, 0},
    {"domain", WORD_TEXT, "domain", NULL, 0},
    {"address", WORD_TEXT, "address", NULL, 0},
    {"reason", WORD_LIST, "reasons", NULL, 0},
    {"ingress", WORD_INGRESS, "ingress", NULL, 0},
    {"count", WORD_NUMBER, "count", NULL, COUNT_MAX},
    {"rate", WORD_NUMBER, "rate", NULL, PORT_MAX},
    {"every", WORD_NUMBER, "every", NULL, PORT_MAX},
    {"tcp", WORD_IS, "protocol", "tcp", 0},
    {"udp", WORD_IS, "protocol", "udp", 0},
    {"sctp", WORD_IS, "protocol", "sctp", 0},
    {"icmp", WORD_IS, "protocol", "icmp", 0},
    {"icmpv6", WORD_IS, "protocol", "icmpv6", 0},
    {"icmp6", WORD_IS, "protocol", "icmpv6", 0},
    {"ip", WORD_IS, "version", "4", 0},
    {"ip6", WORD_IS, "version", "6", 0},
    {"and", WORD_AND, NULL, NULL, 0},
};

const char *args_trace_word(size_t index)
{
    return index < sizeof(Words) / sizeof(Words[0]) ? Words[index].word : NULL;
}

static int fail(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->error->text, sizeof(w->error->text), format, args);
    va_end(args);
    return -1;
}

static const char *take(struct words *w)
{
    if (w->left == 0)
        return NULL;
    w->left--;
    return *w->at++;
}

static const struct word *find(const char *text)
{
    for (size_t i = 0; i < sizeof(Words) / sizeof(Words[0]); i++) {
        if (strcmp(Words[i].word, text) == 0)
            return &Words[i];
    }
    return NULL;
}

static int put(struct words *w, const char *key, json_t *value)
{
    if (json_object_get(w->args, key)) {
        json_decref(value);
        return fail(w, "%s is given twice; all that is given must fit", key);
    }
    return json_object_set_new(w->args, key, value);
}

/* A decimal number without sign from 1 on. */
static bool number(const char *text, json_int_t least, json_int_t most, json_int_t *ret)
{
    json_int_t value = 0;

    if (!text || !*text || strlen(text) > 9)
        return false;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9')
            return false;
        value = value * 10 + (*c - '0');
    }
    *ret = value;
    return value >= least && value <= most;
}

/* One of two of a kind: "hosts" or "ports". */
static int append(struct words *w, const char *key, const char *word, json_t *value)
{
    json_t *list = json_object_get(w->args, key);

    if (!list) {
        list = json_array();
        if (json_object_set_new(w->args, key, list)) {
            json_decref(value);
            return -1;
        }
    }
    if (json_array_size(list) == 2) {
        json_decref(value);
        return fail(w, "a packet has two sides; %s is given more than twice", word);
    }
    return json_array_append_new(list, value);
}

/* `side`: "src", "dst" or NULL for either. */
static int host(struct words *w, const char *word, const char *side)
{
    const char *text = take(w);

    if (!text)
        return fail(w, "after %s stands an ADDRESS or ADDRESS/LENGTH", word);
    return side ? put(w, side, json_string(text)) : append(w, "hosts", word, json_string(text));
}

static int port(struct words *w, const char *side)
{
    const char *text = take(w);
    json_int_t value;

    if (!number(text, 1, PORT_MAX, &value))
        return fail(w, "after port stands a number from 1 to %d%s%s", PORT_MAX,
                    text ? ", not " : "", text ? text : "");
    if (!side)
        return append(w, "ports", "port", json_integer(value));
    return put(w, strcmp(side, "src") == 0 ? "src_port" : "dst_port", json_integer(value));
}

/* "src host A", "src port N", and "src A" as tcpdump has it. */
static int side(struct words *w, const struct word *word)
{
    const struct word *next = w->left ? find(w->at[0]) : NULL;

    if (next && next->kind != WORD_HOST && next->kind != WORD_PORT)
        return fail(w, "after %s stands host ADDRESS or port N", word->word);
    if (next)
        (void)take(w);
    return next && next->kind == WORD_PORT ? port(w, word->key)
                                           : host(w, next ? next->word : word->word, word->key);
}

static int ingress(struct words *w)
{
    const char *text = take(w);
    json_int_t value = 0;

    if (text && strcmp(text, "network") == 0)
        return put(w, "ingress", json_integer(0));
    if (text && strcmp(text, "function") == 0)
        text = take(w);
    if (!number(text, 0, 255, &value))
        return fail(w, "after ingress stands network or function N");
    return put(w, "ingress", json_integer(value));
}

static int reasons(struct words *w)
{
    const char *text = take(w), *before = json_string_value(json_object_get(w->args, "reasons"));

    if (!text)
        return fail(w,
                    "after reason stands the name of one, as `portcam stats show` tells it, or a "
                    "fate: pass, drop, rewrite, deliver, reject");
    return json_object_set_new(w->args, "reasons",
                               before ? json_sprintf("%s,%s", before, text) : json_string(text));
}

static int unknown(struct words *w, const char *text)
{
    const char *meant = nearest_key(find_object("trace"), text);

    if (strcmp(text, "or") == 0 || strcmp(text, "not") == 0 || strcmp(text, "!") == 0)
        return fail(w, "trace knows no %s: all that is given must fit", text);
    if (meant)
        return fail(w, "what is \"%s\"? Did you mean %s?", text, meant);
    if (strchr(text, ':') || (*text >= '0' && *text <= '9'))
        return fail(w, "what is \"%s\"? Say host or port before it", text);
    return fail(w,
                "what is \"%s\"? A filter is made of [src|dst] host ADDRESS, [src|dst] port N, "
                "proto P, service NAME and others; `portcam help trace` lists them",
                text);
}

static int one(struct words *w, const char *text)
{
    const struct word *word = find(text);
    const char *value;
    json_int_t n;

    if (!word)
        return unknown(w, text);
    switch (word->kind) {
    case WORD_AND:
        return 0;
    case WORD_SIDE:
        return side(w, word);
    case WORD_HOST:
        return host(w, word->word, NULL);
    case WORD_PORT:
        return port(w, NULL);
    case WORD_INGRESS:
        return ingress(w);
    case WORD_LIST:
        return reasons(w);
    case WORD_IS:
        return put(w, word->key, json_string(word->value));
    case WORD_NUMBER:
        value = take(w);
        if (!number(value, 1, word->most, &n))
            return fail(w, "after %s stands a number from 1 to %lld", word->word,
                        (long long)word->most);
        return put(w, word->key, json_integer(n));
    default:
        value = take(w);
        if (!value)
            return fail(w, "after %s stands %s", word->word,
                        word->kind == WORD_PROTOCOL ? "tcp, udp, sctp, icmp, icmpv6 or a number"
                                                    : "a name");
        return put(w, word->key, json_string(value));
    }
}

int args_trace(char **words, int count, json_t *args, struct args_error *error)
{
    struct words w = {words, count, args, error};
    const char *text;
    int rc = 0;

    error->text[0] = 0;
    while (rc == 0 && (text = take(&w)))
        rc = one(&w, text);
    return rc;
}
