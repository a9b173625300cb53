// SPDX-License-Identifier: Apache-2.0
/*
 * Where each value of a JSON text stands. The index is a shadow of the value tree: objects and arrays have one child for
 * each member, in the order of the text, which is also the order in which jansson walks them. It is built by a small
 * scanner that relies on jansson having accepted the text; on any other text it gives up.
 */
#ifndef PC_POSITION_H
#define PC_POSITION_H

#include <stddef.h>

struct pc_position {
    int line;     /* where the value starts */
    int key_line; /* where its key starts; the value's own line for array items */
    size_t next;  /* index of the value after this one and all its children */
};

struct pc_positions {
    struct pc_position *at; /* in the order of the text; 0 is the root */
    size_t count;
};

/* Return 0, -EBADMSG for a text that is not JSON, or -ENOMEM. */
int pc_positions_build(const char *text, size_t len, struct pc_positions *ret);
void pc_positions_free(struct pc_positions *positions);

/* Index of member number `member` of the value at index `parent`, which has that many. */
size_t pc_positions_child(const struct pc_positions *positions, size_t parent, size_t member);

#endif
