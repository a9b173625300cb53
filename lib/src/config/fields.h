// SPDX-License-Identifier: Apache-2.0
/*
 * Reading of the members of one JSON object with a message for everything that is wrong. Each getter looks one key up,
 * checks its type and range, and leaves its output alone when the key is absent or wrong. fields_end() complains
 * about keys that no getter asked for.
 */
#ifndef PC_FIELDS_H
#define PC_FIELDS_H

#include "config.h"
#include "position.h"

#define PC_FIELDS_MAX 20

struct pc_fields {
    struct portcam_config *config;
    struct portcam_report *report;
    const struct pc_positions *positions;
    json_t *object;
    size_t position;              /* of the object */
    char label[PC_NAME_MAX + 32]; /* how messages call it: service "web" */
    const char *known[PC_FIELDS_MAX];
    unsigned n_known;
    bool no_memory;
};

/* `label` is what the object is called until its name is known. */
void pc_fields_begin(struct pc_fields *f, struct portcam_config *config,
                     struct portcam_report *report, const struct pc_positions *positions,
                     json_t *object, size_t position, const char *label);
void pc_fields_end(struct pc_fields *f);

/* The value of a key and its position; NULL when absent. */
json_t *pc_fields_get(struct pc_fields *f, const char *key, size_t *ret_position);

/* All return true when the output was set. `required` complains about absence. */
bool pc_fields_name(struct pc_fields *f, const char *key, const char *kind, char **ret);
bool pc_fields_string(struct pc_fields *f, const char *key, bool required, const char **ret);
bool pc_fields_copy(struct pc_fields *f, const char *key, bool required, char **ret);
bool pc_fields_integer(struct pc_fields *f, const char *key, bool required, int min, int max,
                       int *ret);
bool pc_fields_bool(struct pc_fields *f, const char *key, bool *ret);
bool pc_fields_word(struct pc_fields *f, const char *key, const struct pc_words *words,
                    bool required, unsigned *ret);
bool pc_fields_mac(struct pc_fields *f, const char *key, uint8_t ret[6]);
bool pc_fields_prefix(struct pc_fields *f, const char *key, bool required, struct pc_ip *ret,
                      unsigned *ret_length);

/* A message "LABEL: ..." at the line of the key, or of the object when the key is NULL or absent. */
void pc_fields_error(struct pc_fields *f, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Length of the valid part of a name: letters, digits, . _ - and : */
bool pc_name_valid(const char *name);

#endif
