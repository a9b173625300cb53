/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of client keys that try to fill a table unevenly. Key number n of a set; all keys of one set are different, but
 * for a few of the random ones. C that is C++ too.
 *
 * A key as it is hashed: IP 16 bytes (IPv4: the first four), port 2, protocol 1, group 2, kept port 2. A client chooses
 * IP and port, and the kept port where a service has all ports.
 */
#ifndef LOAD_KEYS_H
#define LOAD_KEYS_H

#include "load_rule.h"

enum { LOAD_V4_BITS = 48, LOAD_V6_BITS = 144, LOAD_DIMENSIONS = 21 };

/* Keys that an attacker chose before: a base, and keys of which all sums are taken. */
static uint8_t load_chosen[LOAD_DIMENSIONS][LOAD_KEY];

static void load_key(uint8_t *key, uint32_t ip, unsigned port, unsigned kept)
{
    memset(key, 0, LOAD_KEY);
    for (unsigned i = 0; i < 4; i++)
        key[i] = (uint8_t)(ip >> (24 - 8 * i));
    key[16] = (uint8_t)(port >> 8);
    key[17] = (uint8_t)port;
    key[18] = 6;
    key[20] = 1;
    key[21] = (uint8_t)(kept >> 8);
    key[22] = (uint8_t)kept;
}

static void load_flip(uint8_t *key, unsigned bit)
{
    key[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

/* Bit n of what a client chooses, in a key. */
static unsigned load_v4_bit(unsigned n)
{
    return n < 32 ? n : 128 + n - 32;
}

static unsigned load_v6_bit(unsigned n)
{
    return n;
}

static void load_random(uint8_t *key, uint32_t n)
{
    (void)n;
    uint64_t r = load_draw();
    load_key(key, (uint32_t)r, (uint16_t)(r >> 32), 0);
}

static void load_ports(uint8_t *key, uint32_t n)
{
    load_key(key, 0xc0000201 + (n >> 16), n & 0xffff, 0);
}

static void load_kept_ports(uint8_t *key, uint32_t n)
{
    load_key(key, 0xc0000201, 40000 + (n >> 16), n & 0xffff);
}

static void load_ips(uint8_t *key, uint32_t n)
{
    load_key(key, 0x0a000000 + n, 40000, 0);
}

static void load_first_of_24s(uint8_t *key, uint32_t n)
{
    load_key(key, 0x01000001 + (n << 8 & 0xffffff00), 40000 + (n >> 24), 0);
}

static void load_scan(uint8_t *key, uint32_t n)
{
    load_key(key, 0xc6336400 + (n / 4064 << 8) + n % 254 + 1, 40000 + n % 4064 / 254, 0);
}

/* One key, those that differ from it in one bit, in two, three, four. */
static void load_few_bits(uint8_t *key, uint32_t n)
{
    static unsigned at[4], count;
    load_key(key, 0x20010db8, 40000, 0);
    if (n == 0) {
        count = 0;
        return;
    }
    int i = (int)count - 1;
    while (i >= 0 && at[i] == LOAD_V6_BITS - count + (unsigned)i)
        i--;
    if (i < 0) {
        count++;
        for (unsigned k = 0; k < count; k++)
            at[k] = k;
    } else {
        at[i]++;
        for (unsigned k = (unsigned)i + 1; k < count; k++)
            at[k] = at[k - 1] + 1;
    }
    for (unsigned k = 0; k < count; k++)
        load_flip(key, at[k]);
}

/* All sums of the chosen keys. */
static void load_sums(uint8_t *key, uint32_t n)
{
    load_key(key, 0, 0, 0);
    for (unsigned d = 0; d < LOAD_DIMENSIONS; d++)
        for (unsigned i = 0; n >> d & 1 && i < LOAD_KEY; i++)
            key[i] ^= load_chosen[d][i];
}

/* Single bits that are so far apart: their parts of the hash are windows of the secret that are so far apart. */
static void load_choose_apart(unsigned distance)
{
    memset(load_chosen, 0, sizeof load_chosen);
    for (unsigned d = 0; d < LOAD_DIMENSIONS; d++)
        load_flip(load_chosen[d], d * distance % LOAD_V6_BITS);
}

static void load_choose_apart_2(void)
{
    load_choose_apart(2);
}

static void load_choose_apart_4(void)
{
    load_choose_apart(4);
}

static void load_choose_apart_16(void)
{
    /* 16 apart as far as there are bits, then the next ones. */
    memset(load_chosen, 0, sizeof load_chosen);
    for (unsigned d = 0; d < LOAD_DIMENSIONS; d++)
        load_flip(load_chosen[d], d * 16 % LOAD_V6_BITS + d * 16 / LOAD_V6_BITS);
}

static void load_choose_random(void)
{
    memset(load_chosen, 0, sizeof load_chosen);
    for (unsigned d = 0; d < LOAD_DIMENSIONS; d++)
        for (unsigned i = 0; i < LOAD_V6_BITS / 8; i++)
            load_chosen[d][i] = (uint8_t)load_draw();
}

/* A secret that the attacker knows. */
static struct load_hash load_known;

/*
 * Under that secret: keys whose hashes, before they are mixed, have equal bits 0 to equal - 1. Bit n
 * of what a client chooses is bit place(n) of a key.
 */
static void load_choose_equal(unsigned bits, unsigned (*place)(unsigned n), unsigned equal)
{
    load_draw_secret(&load_known);
    struct {
        uint64_t hash;
        uint8_t key[LOAD_KEY];
    } row[LOAD_V6_BITS];
    memset(row, 0, sizeof row);
    for (unsigned n = 0; n < bits; n++) {
        row[n].hash = load_bit(load_known.secret, place(n));
        load_flip(row[n].key, place(n));
    }
    unsigned done = 0;
    for (unsigned b = 0; b < equal; b++) {
        unsigned with = done;
        while (with < bits && !(row[with].hash >> b & 1))
            with++;
        if (with == bits)
            continue;
        uint64_t hash = row[with].hash;
        uint8_t key[LOAD_KEY];
        memcpy(key, row[with].key, LOAD_KEY);
        row[with] = row[done];
        row[done].hash = hash;
        memcpy(row[done].key, key, LOAD_KEY);
        done++;
        for (unsigned n = done; n < bits; n++) {
            if (!(row[n].hash >> b & 1))
                continue;
            row[n].hash ^= hash;
            for (unsigned i = 0; i < LOAD_KEY; i++)
                row[n].key[i] ^= key[i];
        }
    }
    memset(load_chosen, 0, sizeof load_chosen);
    for (unsigned d = 0; d < LOAD_DIMENSIONS && done + d < bits; d++)
        memcpy(load_chosen[d], row[done + d].key, LOAD_KEY);
}

static void load_choose_equal_v4(void)
{
    load_choose_equal(LOAD_V4_BITS, load_v4_bit, LOAD_V4_BITS - LOAD_DIMENSIONS);
}

static void load_choose_equal_v6(void)
{
    load_choose_equal(LOAD_V6_BITS, load_v6_bit, 64);
}

struct load_set {
    const char *name;
    void (*key)(uint8_t *key, uint32_t n);
    void (*choose)(void); /* before the secret is drawn, or NULL */
    bool v6;
    bool known; /* the table has the secret that the attacker knows */
};

static const struct load_set load_sets[] = {
    {"random keys", load_random, NULL, false, false},
    {"ports of one client after another", load_ports, NULL, false, false},
    {"one client, service of all ports", load_kept_ports, NULL, false, false},
    {"client IPs one after another", load_ips, NULL, false, false},
    {"the first IP of each /24", load_first_of_24s, NULL, false, false},
    {"all IPs of /24s, 16 ports each", load_scan, NULL, false, false},
    {"one key, and those with one bit changed, with two, three", load_few_bits, NULL, true, false},
    {"all values of 21 bits that are 2 apart", load_sums, load_choose_apart_2, true, false},
    {"all values of 21 bits that are 4 apart", load_sums, load_choose_apart_4, true, false},
    {"all values of 21 bits that are 16 apart", load_sums, load_choose_apart_16, true, false},
    {"all sums of 21 keys", load_sums, load_choose_random, true, false},
    {"IPv4, 27 bits of the hash equal under a secret that was", load_sums, load_choose_equal_v4,
     false, false},
    {"IPv6, the whole hash equal under a secret that was", load_sums, load_choose_equal_v6, true,
     false},
    {"the same, and that secret is known", load_sums, load_choose_equal_v6, true, true},
};

enum { LOAD_SETS = sizeof load_sets / sizeof load_sets[0] };

#endif
