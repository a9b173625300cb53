/* SPDX-License-Identifier: Apache-2.0 */
/* Ternary match of the reference model: the lowest row whose masked key equals wins, as in the card's CAM. Rows with the
 * same mask share a hash table (tuple space search), so a lookup costs one probe for each distinct mask that can still win.
 * Memory is taken once; building and looking up allocate nothing. Lookups may run in several threads, building in none. */
#ifndef PC_MODEL_TERNARY_H
#define PC_MODEL_TERNARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PC_TERNARY_WORDS 3

struct pc_ternary_key {
    uint64_t word[PC_TERNARY_WORDS];
};

struct pc_ternary;

/* A matcher for at most `rows` rows; NULL where there is no memory. */
struct pc_ternary *pc_ternary_new(size_t rows);
void pc_ternary_free(struct pc_ternary *t);

/* Forget all rows. */
void pc_ternary_clear(struct pc_ternary *t);

/* Add a row; rows are added in ascending order of their numbers, at most as many as pc_ternary_new() was told. Bits of the
 * key outside the mask do not matter. */
void pc_ternary_add(struct pc_ternary *t, unsigned row, const struct pc_ternary_key *key,
                    const struct pc_ternary_key *mask);

/* The lowest row that matches, or -1. */
int pc_ternary_lookup(const struct pc_ternary *t, const struct pc_ternary_key *key);

#ifdef __cplusplus
}
#endif

#endif
