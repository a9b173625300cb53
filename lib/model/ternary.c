// SPDX-License-Identifier: Apache-2.0
/* Tuple space search: see ternary.h. Groups stand in ascending order of their lowest row, because rows are added in
 * ascending order; a lookup ends at the first group that cannot beat what it has. A row whose masked key stands in its
 * group already can never win and is left out. */
#include "ternary.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    struct pc_ternary_key key;
    int32_t row; /* -1: empty */
};

struct group {
    struct pc_ternary_key mask;
    int32_t lowest; /* lowest row of the group */
};

struct pc_ternary {
    size_t capacity; /* rows */
    size_t groups;
    size_t slot_mask; /* slots - 1, slots a power of two */
    struct group *group;
    struct slot *slot; /* one table for all groups: the group's number is part of the hash */
    int32_t *slot_group;
};

struct pc_ternary *pc_ternary_new(size_t rows)
{
    struct pc_ternary *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    size_t slots = 8;
    while (slots < rows * 4)
        slots *= 2;
    t->capacity = rows;
    t->slot_mask = slots - 1;
    t->group = calloc(rows ? rows : 1, sizeof(*t->group));
    t->slot = calloc(slots, sizeof(*t->slot));
    t->slot_group = calloc(slots, sizeof(*t->slot_group));
    if (!t->group || !t->slot || !t->slot_group) {
        pc_ternary_free(t);
        return NULL;
    }
    for (size_t i = 0; i < slots; i++)
        t->slot[i].row = -1;
    return t;
}

void pc_ternary_free(struct pc_ternary *t)
{
    if (!t)
        return;
    free(t->group);
    free(t->slot);
    free(t->slot_group);
    free(t);
}

void pc_ternary_clear(struct pc_ternary *t)
{
    if (t->groups == 0)
        return;
    t->groups = 0;
    for (size_t i = 0; i <= t->slot_mask; i++)
        t->slot[i].row = -1;
}

static inline struct pc_ternary_key masked(const struct pc_ternary_key *k,
                                           const struct pc_ternary_key *m)
{
    struct pc_ternary_key r;
    for (int i = 0; i < PC_TERNARY_WORDS; i++)
        r.word[i] = k->word[i] & m->word[i];
    return r;
}

static inline bool equal(const struct pc_ternary_key *a, const struct pc_ternary_key *b)
{
    return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2];
}

static inline size_t hash(const struct pc_ternary_key *k, size_t group)
{
    uint64_t h = (k->word[0] ^ group) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 29 ^ k->word[1]) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 31 ^ k->word[2]) * 0x94d049bb133111ebu;
    return (size_t)(h ^ h >> 32);
}

/* The slot of this key in this group, or the empty one where it would stand. */
static inline size_t find(const struct pc_ternary *t, const struct pc_ternary_key *key, size_t g)
{
    size_t at = hash(key, g) & t->slot_mask;
    while (t->slot[at].row >= 0 &&
           !(t->slot_group[at] == (int32_t)g && equal(&t->slot[at].key, key)))
        at = (at + 1) & t->slot_mask;
    return at;
}

void pc_ternary_add(struct pc_ternary *t, unsigned row, const struct pc_ternary_key *key,
                    const struct pc_ternary_key *mask)
{
    size_t g = 0;
    while (g < t->groups && !equal(&t->group[g].mask, mask))
        g++;
    if (g == t->groups) {
        t->group[g] = (struct group){.mask = *mask, .lowest = (int32_t)row};
        t->groups++;
    }
    struct pc_ternary_key k = masked(key, mask);
    size_t at = find(t, &k, g);
    if (t->slot[at].row >= 0)
        return;
    t->slot[at] = (struct slot){.key = k, .row = (int32_t)row};
    t->slot_group[at] = (int32_t)g;
}

int pc_ternary_lookup(const struct pc_ternary *t, const struct pc_ternary_key *key)
{
    int32_t best = INT32_MAX;
    for (size_t g = 0; g < t->groups && t->group[g].lowest < best; g++) {
        struct pc_ternary_key k = masked(key, &t->group[g].mask);
        size_t at = find(t, &k, g);
        if (t->slot[at].row >= 0 && t->slot[at].row < best)
            best = t->slot[at].row;
    }
    return best == INT32_MAX ? -1 : best;
}
