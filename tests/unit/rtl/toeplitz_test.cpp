// SPDX-License-Identifier: Apache-2.0
//
// portcam_toeplitz: equal to its twin in C and to published receive-side-scaling hashes, the xor of
// its parts, linear, and even over the buckets of a table for neighbouring ports and addresses.

#include <cinttypes>
#include <cstring>
#include <vector>

#include "Vtoeplitz_tb.h"
#include "tap.hpp"

namespace
{

constexpr unsigned KeyBytes = 23;

struct Key {
    uint8_t byte[KeyBytes] = {};
};

uint64_t part(const uint8_t *in, unsigned bits, unsigned offset, const uint32_t secret[8])
{
    uint64_t hash = 0;
    for (unsigned n = 0; n < bits; n++)
        for (unsigned b = 0; b < 64 && in[n / 8] >> (7 - n % 8) & 1; b++) {
            unsigned m = offset + n + b;
            hash ^= (uint64_t)(secret[m / 32] >> (m % 32) & 1) << b;
        }
    return hash;
}

template <typename Port>
void set_bytes(Port &port, const uint8_t *byte, unsigned count)
{
    for (unsigned i = 0; i < (count + 3) / 4; i++)
        port[i] = 0;
    for (unsigned i = 0; i < count; i++)
        port[i / 4] |= uint32_t(byte[i]) << (8 * (i % 4));
}

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap_(tap), random_(seed) {}

    void twin();
    void linear();
    void published();
    void spread();

private:
    void new_secret()
    {
        for (unsigned i = 0; i < 8; i++)
            top_.secret_i[i] = secret_[i] = uint32_t(random_.next());
    }
    Key random_key()
    {
        Key key;
        for (uint8_t &byte : key.byte)
            byte = uint8_t(random_.next());
        return key;
    }
    // The hash of a whole key; the ports of the parts hold theirs.
    uint64_t hash(const Key &key)
    {
        set_bytes(top_.key_i, key.byte, KeyBytes);
        top_.eval();
        rise(top_);
        top_.eval();
        return top_.whole_o;
    }
    void same(const char *what, uint64_t got, uint64_t wanted)
    {
        if (got != wanted)
            tap_.fail("%s is %016" PRIx64 ", not %016" PRIx64, what, got, wanted);
    }
    void even(const char *what, const std::vector<Key> &keys);

    Tap &tap_;
    Random random_;
    Vtoeplitz_tb top_;
    uint32_t secret_[8] = {};
};

void Bench::twin()
{
    for (unsigned round = 0; round < 2000; round++) {
        new_secret();
        Key key = random_key();
        if (round < 8 * KeyBytes) {
            key = {};
            key.byte[round / 8] = uint8_t(1 << round % 8);
        }
        uint64_t whole = hash(key);
        same("IP", top_.ip_o, part(key.byte, 128, 0, secret_));
        same("port", top_.port_o, part(key.byte + 16, 16, 128, secret_));
        same("protocol", top_.protocol_o, part(key.byte + 18, 8, 144, secret_));
        same("group", top_.group_o, part(key.byte + 19, 16, 152, secret_));
        same("kept port", top_.kept_o, part(key.byte + 21, 16, 168, secret_));
        same("whole", whole, part(key.byte, 184, 0, secret_));
        same("xor of the parts",
             top_.ip_o ^ top_.port_o ^ top_.protocol_o ^ top_.group_o ^ top_.kept_o, whole);
    }
    tap_.done("every part equals its twin in C, and the xor of the parts is the whole");
}

void Bench::linear()
{
    for (unsigned round = 0; round < 1000; round++) {
        new_secret();
        Key one = random_key(), other = random_key(), both;
        for (unsigned i = 0; i < KeyBytes; i++)
            both.byte[i] = one.byte[i] ^ other.byte[i];
        same("hash of the xor", hash(both), hash(one) ^ hash(other));
        same("hash of nothing", hash(Key()), 0);
    }
    tap_.done("the hash of an xor is the xor of the hashes");
}

// The verification suite of receive-side scaling, IPv4 with TCP ports.
void Bench::published()
{
    static const uint8_t key[] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25,
                                  0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b,
                                  0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c};
    static const struct {
        uint8_t in[12]; // source, destination, source port, destination port
        uint32_t hash;
    } known[] = {
        {{66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6}, 0x51ccc178},
        {{199, 92, 111, 2, 65, 69, 140, 83, 0x37, 0x96, 0x12, 0x83}, 0xc626b0ea},
        {{24, 19, 198, 95, 12, 22, 207, 184, 0x32, 0x62, 0x94, 0x88}, 0x5c2b394a},
    };
    for (uint32_t &word : secret_)
        word = 0;
    for (unsigned m = 0; m < 256; m++)
        secret_[m / 32] |= uint32_t(key[m / 8] >> (7 - m % 8) & 1) << (m % 32);
    for (unsigned i = 0; i < 8; i++)
        top_.secret_i[i] = secret_[i];
    for (const auto &k : known) {
        set_bytes(top_.rss_i, k.in, sizeof k.in);
        top_.eval();
        uint32_t turned = 0;
        for (unsigned b = 0; b < 32; b++)
            turned |= uint32_t(top_.rss_o >> b & 1) << (31 - b);
        same("receive-side-scaling hash", turned, k.hash);
    }
    tap_.done("published hashes come out");
}

// Each 11 bits of the hash put the keys into 2^11 buckets; none holds more than four times its
// share. A linear map of 2^16 neighbours onto 2^11 buckets fills each alike unless its rank falls
// short, by 3 or more with a chance of 2^-24 a secret.
void Bench::even(const char *what, const std::vector<Key> &keys)
{
    constexpr unsigned Bits = 11, Buckets = 1u << Bits;
    std::vector<std::vector<unsigned>> load(5, std::vector<unsigned>(Buckets));
    for (const Key &key : keys) {
        uint64_t h = hash(key);
        for (unsigned i = 0; i < load.size(); i++)
            load[i][h >> (Bits * i) & (Buckets - 1)]++;
    }
    for (unsigned i = 0; i < load.size(); i++) {
        unsigned most = 0, used = 0;
        for (unsigned l : load[i]) {
            most = l > most ? l : most;
            used += l != 0;
        }
        if (most > 4 * keys.size() / Buckets || used < Buckets / 4)
            tap_.fail("%s, hash bits %u up: a bucket holds %u of %zu, %u buckets are used", what,
                      Bits * i, most, keys.size(), used);
    }
}

void Bench::spread()
{
    for (unsigned round = 0; round < 2; round++) {
        new_secret();
        Key base = random_key();
        std::vector<Key> ports, addresses, both;
        for (unsigned i = 0; i < 65536; i++) {
            Key key = base;
            key.byte[16] = uint8_t(i >> 8), key.byte[17] = uint8_t(i);
            ports.push_back(key);
            key = base;
            memset(key.byte + 4, 0, 12); // IPv4
            key.byte[2] = uint8_t(i >> 8), key.byte[3] = uint8_t(i);
            addresses.push_back(key);
            key = base;
            key.byte[3] = uint8_t(i >> 8), key.byte[17] = uint8_t(i);
            both.push_back(key);
        }
        even("ports one after another", ports);
        even("addresses one after another", addresses);
        even("256 ports of 256 addresses", both);
    }
    tap_.done("neighbouring ports and addresses spread evenly over 2^11 buckets");
}

} // namespace

int main(int argc, char **argv)
{
    Tap tap;
    Bench bench(tap, start(argc, argv));
    bench.twin();
    bench.linear();
    bench.published();
    bench.spread();
    return tap.finish();
}
