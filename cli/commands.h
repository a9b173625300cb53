// SPDX-License-Identifier: Apache-2.0
/*
 * The one table of what `portcam` understands. Parsing, help, bash completion, the man page's test and the columns of
 * the text output all read it.
 */
#ifndef PC_COMMANDS_H
#define PC_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

/* How the words after the verb become the arguments of a request. */
enum args_kind {
    ARGS_NONE,
    ARGS_NAME_OPTIONAL, /* [NAME] */
    ARGS_KEYS,          /* KEY VALUE ... */
    ARGS_NAME,          /* NAME, addresses with [vlan N] */
    ARGS_NAME_KEYS,     /* NAME KEY VALUE ... */
    ARGS_STATE,         /* NAME STATE */
    ARGS_FILE,          /* FILE or - */
    ARGS_FILE_OPTIONAL,
    ARGS_PACKET,
    ARGS_TRACE,
    ARGS_OBJECT_OPTIONAL, /* of help */
    ARGS_FILTER,          /* options alone */
    ARGS_SLOT,            /* SLOT[:GENERATION] */
    ARGS_CARD,            /* PCI ADDRESS */
};

enum value_kind {
    VALUE_STRING,
    VALUE_INTEGER,
    VALUE_BOOL,
    VALUE_LIST,
    VALUE_PROTOCOL,
    VALUE_SECONDS, /* NAME=SECONDS,... */
};

/* A key of an object: of the configuration file, of add and set, and a column of show. */
struct key {
    const char *name;
    enum value_kind kind;
    const char
        *values; /* what may be written, for help and completion: words with spaces between */
    const char *help;
    bool rare; /* no column where no object has it */
};

struct object {
    const char *name;
    const char *identity; /* the key that is given without its name */
    const struct key *keys;
    size_t n_keys;
    const char *help;
};

struct command {
    const char *object, *verb;
    enum args_kind args;
    const char *synopsis; /* of the arguments; " | " between different forms */
    const char *help;
    const char *json;    /* keys of the answer with -j */
    const char *request; /* verb of the request when it is another one, "" when there is none */
};

extern const struct object Objects[];
extern const size_t ObjectCount;
extern const struct command Commands[];
extern const size_t CommandCount;

/* NULL when there is none of that exact name. */
const struct object *find_object(const char *name);
const struct command *find_command(const char *object, const char *verb);
const struct key *find_key(const struct object *object, const char *name);

/* What somebody may have meant, or NULL (nearest.c). */
const char *nearest_object(const char *name);
const char *nearest_verb(const char *object, const char *name);
const char *nearest_key(const struct object *object, const char *name);

struct option_help {
    char letter; /* 0: none */
    const char *name, *value, *help;
};
extern const struct option_help Options[];
extern const size_t OptionCount;

/* Help texts on standard output; object NULL: of everything. False when there is no such object. */
bool print_help(const char *object);
/* A bash completion on standard output. */
void print_completion(void);

#endif
