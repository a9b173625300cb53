# SPDX-License-Identifier: Apache-2.0
"""Slot tables against plain readings of what they are made from: SipHash, the Maglev paper, nginx and IPVS.

The seed is printed and can be set: PORTCAM_SEED=N.
"""

import collections
import errno
import fractions
import functools
import math
import os
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TABLES = ROOT / "build/tests/unit/lib/schedule_tables"
NONE = 0xffff
MASK = 2 ** 64 - 1

Backend = collections.namedtuple("Backend", "name number weight")


def siphash(key, data):
    """SipHash-2-4 of bytes."""
    k0, k1 = (int.from_bytes(key[i:i + 8], "little") for i in (0, 8))
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
         k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]

    def half(a, b, c, d, s, t):
        v[a] = (v[a] + v[b]) & MASK
        v[c] = (v[c] + v[d]) & MASK
        v[b] = (v[b] << s | v[b] >> 64 - s) & MASK ^ v[a]
        v[d] = (v[d] << t | v[d] >> 64 - t) & MASK ^ v[c]
        v[a] = (v[a] << 32 | v[a] >> 32) & MASK

    def rounds(n):
        for _ in range(n):
            half(0, 1, 2, 3, 13, 16)
            half(2, 1, 0, 3, 17, 21)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xff])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at:at + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xff
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def shares(weights, slots):
    """Slots of each: those whose due is below one have one, the others the largest remainders."""
    count, rest, room = {}, dict(enumerate(weights)), slots
    while low := [i for i in rest if fractions.Fraction(rest[i] * room, sum(rest.values())) < 1]:
        i = min(low, key=rest.get)
        count[i] = 1
        del rest[i]
        room -= 1
    total = sum(rest.values())
    due = {i: fractions.Fraction(weight * room, total) for i, weight in rest.items()}
    count |= {i: math.floor(d) for i, d in due.items()}
    by_remainder = sorted(due, key=lambda i: (math.floor(due[i]) - due[i], i))
    for i in by_remainder[:slots - sum(count.values())]:
        count[i] += 1
    return [count[i] for i in range(len(weights))]


def nginx(count):
    """One cycle of smooth weighted round robin."""
    current = [0] * len(count)
    for _ in range(sum(count)):
        current = [have + gain for have, gain in zip(current, count)]
        best = current.index(max(current))
        current[best] -= sum(count)
        yield best


def prime_from(n):
    return next(p for p in range(max(n, 2), 2 * n + 3)
                if all(p % d for d in range(2, math.isqrt(p) + 1)))


def preferences(name, prime):
    offset = siphash(b"portcam mh start", name.encode()) % prime
    skip = siphash(b"portcam mh steps", name.encode()) % (prime - 1) + 1
    for j in range(prime):
        yield (offset + j * skip) % prime


def maglev(names, turns, slots):
    """Section 3.4 of the paper; positions that are no slots are left out of the lists."""
    lists = [preferences(name, prime_from(slots)) for name in names]
    entry = [None] * slots
    for i in turns:
        entry[next(p for p in lists[i] if p < slots and entry[p] is None)] = i
    return entry


def runs(weights, count):
    """IPVS's ip_vs_sh_reassign() with reduced weights, where nobody gets more than its share."""
    common, left, entry = functools.reduce(math.gcd, weights), list(count), []
    while any(left):
        for i, weight in enumerate(weights):
            run = min(weight // common, left[i])
            left[i] -= run
            entry += [i] * run
    return entry


def wanted(scheduler, slots, backends):
    members = sorted((b for b in backends if b.weight), key=lambda b: b.name.encode())
    if len(members) > slots:
        return [-errno.ENOSPC]
    if not members:
        return [0] + [NONE] * slots
    weights = [1 if scheduler in ("rr", "lc") else b.weight for b in members]
    count = shares(weights, slots)
    if scheduler == "mh":
        entry = maglev([b.name for b in members], nginx(count), slots)
    elif scheduler == "sh":
        entry = runs(weights, count)
    else:
        entry = nginx(count)
    return [len(members)] + [members[i].number for i in entry]


def tables(questions):
    text = "".join(f"{scheduler} {slots} " + " ".join(f"{b.name}:{b.number}:{b.weight}" for b in backends)
                   + "\n" for scheduler, slots, backends in questions)
    done = subprocess.run([TABLES], input=text, capture_output=True, text=True, check=True)
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]


def random_backends(rng, n):
    letters = "abcdefghijklmnopqrstuvwxyzABC0123456789.-_"
    names = set()
    while len(names) < n:
        names.add("".join(rng.choices(letters, k=rng.randint(1, 20))))
    weight = rng.choice([lambda: 1, lambda: rng.randint(0, 3), lambda: rng.randint(1, 100),
                         lambda: rng.choice([0, 1, 65535]), lambda: rng.randint(0, 65535)])
    backends = [Backend(name, rng.randint(0, NONE - 1), weight()) for name in names]
    rng.shuffle(backends)
    return backends


@pytest.mark.parametrize("scheduler", ["rr", "wrr", "mh", "sh", "lc", "wlc", "fast"])
def test_tables(scheduler):
    """section 4: random sets of backends, all sizes up to 1,024 slots, and one of 65,536."""
    seed = int(os.environ.get("PORTCAM_SEED", "1"))
    print("seed", seed)
    rng = random.Random(f"{seed} {scheduler}")
    questions = []
    for _ in range(120):
        slots = 2 ** rng.randint(0, 10)
        questions.append((scheduler, slots, random_backends(rng, rng.randint(0, min(slots + 2, 40)))))
    questions.append((scheduler, 65536, random_backends(rng, 12)))
    answers = tables(questions)
    assert len(answers) == len(questions)
    for question, answer in zip(questions, answers):
        assert answer == wanted(*question), question


def test_siphash():
    """The oracle's own hash has the value of appendix A of the SipHash paper."""
    assert siphash(bytes(range(16)), bytes(range(15))) == 0xa129ca6149be45e5
