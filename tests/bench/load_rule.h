/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the hardware puts a record (portcam_connection_rows, portcam_toeplitz, portcam_mix): four tables of eight ways,
 * the emptiest of four buckets, a stash of 16. C that is C++ too.
 */
#ifndef LOAD_RULE_H
#define LOAD_RULE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LOAD_TABLES = 4, LOAD_WAYS = 8, LOAD_STASH = 16, LOAD_KEY = 23, LOAD_SECRET = 32 };

static uint64_t load_state; /* of the random numbers */

static uint64_t load_draw(void)
{
    uint64_t z = load_state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* A secret, and what each byte of a key contributes to its hash. */
struct load_hash {
    uint8_t secret[LOAD_SECRET];
    uint64_t part[LOAD_KEY][256];
};

/* What bit n of a key contributes. */
static uint64_t load_bit(const uint8_t *secret, unsigned n)
{
    uint64_t hash = 0;
    for (unsigned b = 0; b < 64; b++)
        hash |= (uint64_t)(secret[(n + b) / 8] >> ((n + b) % 8) & 1) << b;
    return hash;
}

static void load_draw_secret(struct load_hash *h)
{
    for (unsigned i = 0; i < LOAD_SECRET; i++)
        h->secret[i] = (uint8_t)load_draw();
    for (unsigned at = 0; at < LOAD_KEY; at++) {
        uint64_t bits[8];
        for (unsigned n = 0; n < 8; n++)
            bits[n] = load_bit(h->secret, 8 * at + n);
        for (unsigned byte = 0; byte < 256; byte++) {
            h->part[at][byte] = 0;
            for (unsigned n = 0; n < 8; n++)
                h->part[at][byte] ^= byte >> (7 - n) & 1 ? bits[n] : 0;
        }
    }
}

/* A round of portcam_mix, by bytes. */
static uint64_t load_round[8][256];

static void load_prepare(void)
{
    static const uint8_t box[16] = {12, 5, 6, 11, 9, 0, 10, 13, 3, 14, 15, 8, 4, 7, 1, 2};
    for (unsigned at = 0; at < 8; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            load_round[at][byte] = 0;
            for (unsigned n = 0; n < 8; n++) {
                unsigned i = 8 * at + n;
                uint64_t bit = box[byte >> (n & 4) & 15] >> (n & 3) & 1;
                load_round[at][byte] |= bit << (i == 63 ? 63 : 16 * i % 63);
            }
        }
    }
}

static uint64_t load_hash_of(const struct load_hash *h, const uint8_t key[LOAD_KEY])
{
    uint64_t hash = 0;
    for (unsigned at = 0; at < LOAD_KEY; at++)
        hash ^= h->part[at][key[at]];
    for (unsigned round = 0; round < 2; round++) {
        uint64_t next = 0;
        for (unsigned at = 0; at < 8; at++)
            next ^= load_round[at][hash >> (8 * at) & 0xff];
        hash = next;
    }
    return hash;
}

struct load_table {
    uint32_t buckets;
    unsigned stash;
    uint8_t *used; /* rows of each bucket */
};

static bool load_table_new(struct load_table *t, uint32_t rows)
{
    t->buckets = rows / (LOAD_TABLES * LOAD_WAYS);
    t->stash = 0;
    t->used = (uint8_t *)calloc(LOAD_TABLES, t->buckets);
    return t->used != NULL;
}

static void load_table_clear(struct load_table *t)
{
    t->stash = 0;
    memset(t->used, 0, (size_t)LOAD_TABLES * t->buckets);
}

/* False if a new record has no room. */
static bool load_table_add(struct load_table *t, uint64_t hash)
{
    uint8_t *emptiest = NULL;
    for (unsigned n = 0; n < LOAD_TABLES; n++) {
        uint8_t *bucket = &t->used[(size_t)n * t->buckets + (hash >> (16 * n) & (t->buckets - 1))];
        if (!emptiest || *bucket < *emptiest)
            emptiest = bucket;
    }
    if (*emptiest < LOAD_WAYS)
        (*emptiest)++;
    else if (t->stash < LOAD_STASH)
        t->stash++;
    else
        return false;
    return true;
}

#endif
