# SPDX-License-Identifier: Apache-2.0
"""ICMP errors through portcam-model against scapy: byte for byte what scapy builds on the other side of the
translation, outer and embedded headers, with all checksums made anew."""

import random

import model_run as m
from test_scapy_model import compare_frames

SEED = 20241


def compare(folder, cases):
    compare_frames(folder, cases, m.error_frames)


def test_f6_each_type_version_direction_and_size(tmp_path):
    """P11 F.6: type, code, layer 4 inside, who sent it, how much of the packet it has."""
    cases = list(m.errors())
    assert len(cases) > 500
    compare(tmp_path, cases)


def test_f6_options_tags_and_fragments(tmp_path):
    """P11 F.6 F.8 F.9: options inside, tags outside, a first fragment inside."""
    cases = []
    for case in m.errors():
        if case["error"] not in ((3, 4), (2, 0)) or (case["bytes"] or 0) % 20 == 8:
            continue
        for tags in m.TAGS:
            cases.append({**case, "tags": tags})
            if case["version"] == 4:
                longer = case["bytes"] and case["bytes"] + 12
                cases.append({**case, "tags": tags, "inner": "options", "bytes": longer})
                cases.append({**case, "tags": tags, "flags": "MF"})
    assert len(cases) > 500
    compare(tmp_path, cases)


def test_f6_random_payloads(tmp_path):
    """P11 F.1 F.6: odd and even lengths, up to the minimum MTU of IPv6."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    shapes, cases = [case for case in m.errors() if case["bytes"] is None], []
    for _ in range(1000):
        case = {**chance.choice(shapes), "payload": chance.randbytes(chance.randrange(1100))}
        if chance.random() < 0.5:
            case["bytes"] = chance.randrange(60, 600)
        cases.append(case)
    compare(tmp_path, cases)


def test_f3_embedded_zeros_are_those_of_scapy(tmp_path):
    """P11 F.3: two payload bytes make the embedded checksum behind the translation 0: UDP 0xffff, TCP 0."""
    cases = []
    for case in m.errors():
        if case["l4"] not in ("tcp", "udp") or case["bytes"] is not None:
            continue
        case = {**case, "payload": bytes(2)}
        at = -4 if case["l4"] == "udp" else -6
        checksum = slice(at, at + 2)
        case["payload"] = m.error_frames(case)[1][checksum]
        assert m.error_frames(case)[1][checksum] == (b"\xff\xff" if case["l4"] == "udp" else bytes(2))
        cases.append(case)
    assert cases
    compare(tmp_path, cases)
