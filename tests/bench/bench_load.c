// SPDX-License-Identifier: Apache-2.0
/*
 * How full a table of connection records is when the first new one finds no room: four tables of eight ways, the bucket
 * that is emptiest, a stash of 16, the hash of the hardware (portcam_connection_rows, portcam_toeplitz, portcam_mix) with random
 * secrets. Prints lowest and mean load of the runs, for random keys and for keys that follow each other.
 * Usage: bench_load [RUNS [ROWS...]], by default 20 65536 1048576.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 4, WAYS = 8, STASH = 16, KEY = 23, SECRET = 32, ROUNDS = 2 };

static uint64_t State;

static uint64_t draw(void)
{
    uint64_t z = State += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* What each byte of the key contributes to the hash. */
static uint64_t Part[KEY][256];

static void set_secret(void)
{
    uint8_t secret[SECRET];
    for (unsigned i = 0; i < SECRET; i++)
        secret[i] = (uint8_t)draw();
    for (unsigned at = 0; at < KEY; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t hash = 0;
            for (unsigned n = 0; n < 8; n++) {
                if (!(byte >> (7 - n) & 1))
                    continue;
                for (unsigned b = 0; b < 64; b++) {
                    unsigned m = at * 8 + n + b;
                    hash ^= (uint64_t)(secret[m / 8] >> (m % 8) & 1) << b;
                }
            }
            Part[at][byte] = hash;
        }
    }
}

/* portcam_mix. */
static uint64_t mix(uint64_t hash)
{
    static const uint8_t box[16] = {12, 5, 6, 11, 9, 0, 10, 13, 3, 14, 15, 8, 4, 7, 1, 2};
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t next = 0;
        for (unsigned i = 0; i < 64; i++) {
            uint64_t bit = box[hash >> (i & 60) & 15] >> (i & 3) & 1;
            next |= bit << (i == 63 ? 63 : 16 * i % 63);
        }
        hash = next;
    }
    return hash;
}

/* A client key as it is hashed: IP 16 bytes, port 2, protocol 1, group 2, kept port 2. */
static uint64_t hash_of(uint32_t ip, unsigned port, unsigned kept)
{
    uint8_t key[KEY] = {(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip};
    key[16] = (uint8_t)(port >> 8);
    key[17] = (uint8_t)port;
    key[18] = 6;
    key[20] = 1;
    key[21] = (uint8_t)(kept >> 8);
    key[22] = (uint8_t)kept;
    uint64_t hash = 0;
    for (unsigned at = 0; at < KEY; at++)
        hash ^= Part[at][key[at]];
    return mix(hash);
}

/* Key number n of a set; keys of one set are all different, but for some of the random ones. */
static uint64_t random_key(uint32_t n)
{
    (void)n;
    uint64_t r = draw();
    return hash_of((uint32_t)r, (uint16_t)(r >> 32), 0);
}

static uint64_t many_ports(uint32_t n)
{
    return hash_of(0xc0000201 + (n >> 16), n & 0xffff, 0);
}

static uint64_t kept_ports(uint32_t n)
{
    return hash_of(0xc0000201, 40000 + (n >> 16), n & 0xffff);
}

static uint64_t sequential_ips(uint32_t n)
{
    return hash_of(0x0a000000 + n, 40000, 0);
}

static uint64_t first_of_24s(uint32_t n)
{
    return hash_of(0x01000001 + (n << 8 & 0xffffff00), 40000 + (n >> 24), 0);
}

static uint64_t scan(uint32_t n)
{
    return hash_of(0xc6336400 + (n / 4064 << 8) + n % 254 + 1, 40000 + n % 4064 / 254, 0);
}

static const struct {
    const char *name;
    uint64_t (*key)(uint32_t n);
} Sets[] = {
    {"random keys", random_key},
    {"ports of one client after another", many_ports},
    {"one client, service of all ports", kept_ports},
    {"client IPs one after another", sequential_ips},
    {"the first IP of each /24", first_of_24s},
    {"all IPs of /24s, 16 ports each", scan},
};

/* Records until the first finds no room. */
static uint32_t fill(uint64_t (*key)(uint32_t n), uint8_t *used, uint32_t buckets)
{
    unsigned stash = 0;
    memset(used, 0, (size_t)TABLES * buckets);
    for (uint32_t n = 0;; n++) {
        uint64_t hash = key(n);
        uint8_t *emptiest = NULL;
        for (unsigned t = 0; t < TABLES; t++) {
            uint8_t *bucket = &used[(size_t)t * buckets + (hash >> (16 * t) & (buckets - 1))];
            if (!emptiest || *bucket < *emptiest)
                emptiest = bucket;
        }
        if (*emptiest < WAYS)
            (*emptiest)++;
        else if (stash < STASH)
            stash++;
        else
            return n;
    }
}

int main(int argc, char **argv)
{
    static char *by_default[] = {"65536", "1048576"};
    unsigned runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 20;
    char **sizes = argc > 2 ? argv + 2 : by_default;
    int n_sizes = argc > 2 ? argc - 2 : 2;
    for (int i = 0; i < n_sizes; i++) {
        unsigned long rows = strtoul(sizes[i], NULL, 0);
        if (runs == 0 || rows < 64 || rows > 1ul << 21 || (rows & (rows - 1)) != 0) {
            fprintf(stderr, "bench_load: rows must be a power of two, 64 to 2097152\n");
            return 2;
        }
        uint32_t buckets = (uint32_t)rows / (TABLES * WAYS);
        uint8_t *used = malloc((size_t)TABLES * buckets);
        if (!used) {
            fprintf(stderr, "bench_load: out of memory\n");
            return 1;
        }
        for (unsigned s = 0; s < sizeof(Sets) / sizeof(Sets[0]); s++) {
            double lowest = 0, sum = 0;
            for (unsigned run = 0; run < runs; run++) {
                State = run + 1;
                set_secret();
                double load = (double)fill(Sets[s].key, used, buckets) / (double)rows;
                lowest = run == 0 || load < lowest ? load : lowest;
                sum += load;
            }
            printf(
                "load: %lu rows, %s: first refusal at %.3f (lowest), %.3f (mean of %u secrets)\n",
                rows, Sets[s].name, lowest, sum / runs, runs);
        }
        free(used);
    }
    return 0;
}
