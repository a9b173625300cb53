# SPDX-License-Identifier: Apache-2.0
"""portcam-model against scapy: what the model rewrites must be, byte for byte, what scapy builds for the
translated flow, with all checksums made anew; and what portcam-model says about files that it cannot take."""

import random
import struct

import pytest

import model_run as m
from model_run import pcap, read_pcap, run

SEED = 20240


def compare(folder, cases):
    compare_frames(folder, cases, m.frames)


def compare_frames(folder, cases, frames):
    """Each case through the model: what leaves must be what frames(case) says."""
    frames_in, expected = {}, {}
    for case in cases:
        arrives, leaves, egress = frames(case)
        if case["direction"] == "to the server":
            ingress = 0
        else:  # the function that the server is behind
            ingress = 1 if case["l4"] in ("tcp", "tcp-syn", "udp", "udp-zero") else 2
        queue = frames_in.setdefault(ingress, [])
        expected[ingress, len(queue)] = (case, egress, leaves)
        queue.append(arrives)
        assert arrives != leaves
    left = m.pass_frames(folder, frames_in)
    assert set(left) == set(expected)
    for key, (case, egress, leaves) in expected.items():
        function, frame = left[key]
        assert frame == leaves, f"{m.name(case)}\n{m.Ether(frame).show(dump=True)}" \
                                f"instead of\n{m.Ether(leaves).show(dump=True)}"
        assert function == egress, m.name(case)


def test_section_8_every_header_shape_is_what_scapy_builds(tmp_path):
    """F.4 F.8 F.9 F.7 F.27: tags x IP headers x layer 4 x direction."""
    cases = list(m.matrix())
    assert len(cases) > 400
    compare(tmp_path, cases)


def test_section_8_random_payloads_padding_and_ttl(tmp_path):
    """F.1 F.3 F.10 F.22: odd and even lengths, jumbo payloads, every TTL."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    shapes, cases = list(m.matrix()), []
    for index in range(1500):
        case = dict(chance.choice(shapes))
        case["payload"] = chance.randbytes(chance.randrange(9000 if index % 50 == 0 else 60))
        case["padding"] = chance.randrange(40)
        case["ttl"] = 1 + index % 255
        cases.append(case)
    compare(tmp_path, cases)


def test_f3_computed_zeros_are_those_of_scapy(tmp_path):
    """F.3: two payload bytes make the checksum after the translation 0: UDP 0xffff, TCP 0x0000."""
    cases = []
    for case in m.matrix():
        if case["l4"] not in ("tcp", "udp"):
            continue
        case = {**case, "payload": bytes(2), "padding": 0}
        at = -4 if case["l4"] == "udp" else -6  # of the checksum, from the end
        checksum = slice(at, at + 2)
        case["payload"] = m.frames(case)[1][checksum]  # the sum becomes 0xffff
        assert m.frames(case)[1][checksum] == (b"\xff\xff" if case["l4"] == "udp" else bytes(2))
        cases.append(case)
    compare(tmp_path, cases)


def unchanged_frames():
    """Frames that portcam must not touch although their addresses are those of services."""
    client, public, mapped = m.CLIENTS, m.PUBLIC, m.MAPPED
    ether = m.Ether(dst=m.FUNCTION1, src=m.CLIENT)
    tcp = m.TCP(sport=40123, dport=80)
    to4, to6 = m.IP(src=client[4], dst=public[4]), m.IPv6(src=client[6], dst=public[6])
    yield "first fragment", ether / m.IP(src=client[4], dst=public[4], flags="MF") / tcp
    yield "later fragment", ether / m.IP(src=client[4], dst=public[4], frag=3, proto=6) / tcp
    yield "IPv6 fragment", ether / to6 / m.IPv6ExtHdrFragment(offset=0, m=1) / tcp
    yield "segments left", ether / to6 / m.IPv6ExtHdrRouting(addresses=["2001:db8::9"]) / tcp
    yield "source route", ether / m.IP(
        src=client[4], dst=public[4], options=[m.IPOption_LSRR(routers=["192.0.2.1"])]) / tcp
    yield "another address", ether / m.IP(src=client[4], dst="203.0.113.9") / tcp
    yield "broadcast", m.Ether(dst="ff:ff:ff:ff:ff:ff", src=m.CLIENT) / to4 / tcp
    yield "ARP", m.Ether(dst="ff:ff:ff:ff:ff:ff", src=m.CLIENT) / m.ARP(pdst=public[4])
    yield "IPv4 error", (ether / to4 / m.ICMP(type=3, code=3) / m.IPerror(src=mapped[4], dst=client[4])
                         / m.UDPerror(sport=8081, dport=40123))
    yield "IPv6 error", (ether / to6 / m.ICMPv6DestUnreach(code=4)
                         / m.IPv6(src=mapped[6], dst=client[6]) / m.UDP(sport=8081, dport=40123))
    yield "later fragment inside", (ether / to4 / m.ICMP(type=11, code=1)
                                    / m.IPerror(src=public[4], dst=client[4], frag=2, proto=17)
                                    / bytes(20))
    yield "three tags", ether / m.Dot1Q(vlan=1) / m.Dot1Q(vlan=2) / m.Dot1Q(vlan=3) / to4 / tcp
    yield "cut", bytes(ether / to4 / tcp)[:-1]
    yield "version 5", bytes(ether / to4 / tcp).replace(b"\x08\x00\x45", b"\x08\x00\x55", 1)
    yield "DCCP", ether / m.IP(src=client[4], dst=public[4], proto=33) / bytes(16)


def test_p12_what_is_not_translated_leaves_bit_for_bit(tmp_path):
    """P12 F.5 F.6 F.9: fragments, source routes, ICMP errors, ARP and broken headers."""
    names, frames = zip(*((name, bytes(frame)) for name, frame in unchanged_frames()))
    left = m.pass_frames(tmp_path, {0: frames, 3: frames})
    for index, name in enumerate(names):
        assert left[0, index] == (1, frames[index]), name
        assert left[3, index] == (0, frames[index]), name


def test_f21_wrong_checksums_stay_wrong(tmp_path):
    """F.21: the difference to the right checksum (RFC 1071) is the same before and after."""
    arrives, leaves, right = [], [], {}
    for case in m.matrix():
        if case["tags"] != "untagged" or case["l4"] not in ("tcp", "udp") \
                or case["direction"] != "to the server":
            continue
        good = m.frames(case)
        at = good[0].index(struct.pack(">HH", m.CLIENT_PORT, m.PUBLIC_PORT))
        at += 16 if case["l4"] == "tcp" else 6
        broken = bytearray(good[0])
        broken[at:at + 2] = struct.pack(">H", (struct.unpack_from(">H", broken, at)[0] ^ 0x0450) or 1)
        right[len(arrives)] = (at, broken[at:at + 2], good)
        arrives.append(bytes(broken))
        leaves.append(good[1])
    assert len(arrives) == 14
    left = m.pass_frames(tmp_path, {0: arrives})
    for index, (at, wrong, good) in right.items():
        before = struct.unpack(">H", wrong)[0] - struct.unpack_from(">H", good[0], at)[0]
        frame = left[0, index][1]
        after = struct.unpack_from(">H", frame, at)[0] - struct.unpack_from(">H", good[1], at)[0]
        assert before % 0xffff == after % 0xffff != 0
        assert frame[:at] == good[1][:at] and frame[at + 2:] == good[1][at + 2:]


# ---- files -------------------------------------------------------------------------------------

@pytest.fixture(name="config")
def _config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(m.json.dumps(m.config()))
    return path


FRAME = bytes(m.Ether(dst=m.FUNCTION1, src=m.CLIENT) / m.IP(src="192.0.2.1", dst="192.0.2.2") / ("x" * 9))


def test_formats_of_capture_files(tmp_path, config):
    """Microseconds and nanoseconds, both byte orders: frames and times are kept to the nanosecond."""
    for nano in (False, True):
        for order in "<>":
            records = [(5 * 10**9 + (123456789 if nano else 123456000), FRAME), (6 * 10**9, FRAME[:1])]
            (tmp_path / "in.pcap").write_bytes(pcap(records, nano=nano, order=order))
            result = run("-c", config, "--net", tmp_path / "in.pcap", "--host",
                         f",{tmp_path}/out.pcap")
            assert (result.returncode, result.stderr) == (0, "")
            assert read_pcap(tmp_path / "out.pcap") == records


def test_pcapng_is_read(tmp_path, config):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    packet = struct.pack("<IIIII", 0, 0, 7, len(FRAME), len(FRAME)) + FRAME
    (tmp_path / "in.pcapng").write_bytes(
        block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
        + block(1, struct.pack("<HHI", 1, 0, 0)) + block(6, packet))
    result = run("-c", config, "-n", tmp_path / "in.pcapng", "-h", f",{tmp_path}/out.pcap")
    assert (result.returncode, result.stderr) == (0, "")
    assert read_pcap(tmp_path / "out.pcap") == [(7000, FRAME)]


GOOD = pcap([(0, FRAME)])


BAD_FILES = {
    "missing": (None, "No such file or directory"),
    "empty": (b"", "truncated"),
    "nonsense": (b"nonsense of some length, longer than a header", "unknown file format"),
    "cut header": (GOOD[:20], "truncated"),
    "raw IP": (pcap([], link=101), "are not Ethernet; capture on an Ethernet interface"),
    "linux cooked": (pcap([], link=113), "are not Ethernet"),
    "unknown link type": (pcap([], link=65000), "are not Ethernet"),
    "cut frame": (GOOD + GOOD[24:-1], "packet 2: truncated dump file"),
    "cut record header": (GOOD + GOOD[24:30], "packet 2: truncated dump file"),
    "snapped frame": (GOOD + pcap([(0, FRAME, len(FRAME) + 1)])[24:], "packet 2: only"),
    "frame of no bytes": (GOOD + pcap([(0, b"")])[24:], "packet 2: it has 0 bytes; a frame has 1 to"),
    "frame too long": (pcap([(0, bytes(65536))], snap=262144), "packet 1: it has 65536 bytes"),
    "huge length": (GOOD + struct.pack("<IIII", 0, 0, 0xffffffff, 0xffffffff), "packet 2: "),
}


@pytest.mark.parametrize("data, words", BAD_FILES.values(), ids=BAD_FILES)
def test_bad_capture_files(tmp_path, config, data, words):
    """One line that names the file and, where there is one, the packet; frames before it are written."""
    path = tmp_path / "in.pcap"
    if data is not None:
        path.write_bytes(data)
    result = run("-c", config, "--net", path, "--host", f",{tmp_path}/out.pcap")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("portcam-model: ") and result.stderr.count("\n") == 1
    assert str(path) in result.stderr and words in result.stderr, result.stderr
    if "packet 2" in words:
        assert read_pcap(tmp_path / "out.pcap") == [(0, FRAME)]


def test_a_frame_longer_than_the_card_takes_is_dropped(tmp_path, config):
    """P12: oversize frames are no error; they are dropped and counted."""
    (tmp_path / "in.pcap").write_bytes(pcap([(0, bytes(9600)), (0, bytes(9601))], snap=262144))
    result = run("-c", config, "--net", tmp_path / "in.pcap", "--host", f",{tmp_path}/out.pcap", "-s")
    assert (result.returncode, result.stderr) == (0, "")
    assert [len(frame) for _, frame in read_pcap(tmp_path / "out.pcap")] == [9600]
    rows = dict((row.split()[0], row.split()[1:]) for row in result.stdout.splitlines())
    assert rows["oversize"] == ["1", "9601"]


def test_inputs_are_merged_by_time(tmp_path, config):
    """Ties go to the lower function, then the order of the options; a file's own order is kept."""
    def tagged(number):
        return FRAME + bytes([number])

    times = {"net": [5, 5, 3], "a": [4, 6], "b": [5], "c": [5]}
    frames, number = {}, 0
    for key, list_of_times in times.items():
        frames[key] = [(time * 1000, tagged(number + i)) for i, time in enumerate(list_of_times)]
        number += len(list_of_times)
        (tmp_path / key).write_bytes(pcap(frames[key]))
    settings = m.config()
    settings["backends"].append({"name": "sink", "function": 3})
    settings["addresses"].append({"address": "192.0.2.2", "domain": "shop"})
    settings["services"].append({"name": "sink", "domain": "shop", "address": "192.0.2.2",
                                 "mode": "deliver", "backends": ["sink"]})
    config.write_text(m.json.dumps(settings))
    result = run("-c", config, "--host", f"2={tmp_path}/b", "--host", f"2={tmp_path}/c", "--host",
                 f"1={tmp_path}/a", "--net", tmp_path / "net", "--host", f"3=,{tmp_path}/out.pcap")
    assert (result.returncode, result.stderr) == (0, "")
    order = [frame[-1] for _, frame in read_pcap(tmp_path / "out.pcap")]
    assert order == [3, 0, 1, 2, 5, 6, 4]


def test_frames_without_an_output_are_told(tmp_path, config):
    (tmp_path / "in.pcap").write_bytes(pcap([(0, FRAME), (1, FRAME)]))
    result = run("-c", config, "--net", tmp_path / "in.pcap")
    assert result.returncode == 0
    assert result.stderr == ("portcam-model: note: 2 frames left by function 1, which has no output "
                             "file\n")


@pytest.mark.parametrize("words", [
    [], ["--net", "x"], ["-c", "x"], ["-c", "x", "--net", ""], ["-c", "x", "--net", ","],
    ["-c", "x", "--host", "16=y"], ["-c", "x", "--host", "0=y"], ["-c", "x", "--host", "1="],
    ["-c", "x", "--net", "y", "z"], ["-c", "x", "--colour"], ["-c"],
    ["-c", "x", "--host", "18446744073709551617=y"],
])
def test_wrong_options_are_exit_status_1(words):
    result = run(*words)
    assert result.returncode == 1
    assert "usage: portcam-model" in result.stderr and result.stdout == ""


def test_outputs_never_destroy_inputs_or_each_other(tmp_path, config):
    path = tmp_path / "in.pcap"
    path.write_bytes(GOOD)
    (tmp_path / "link").hardlink_to(path)
    for words in (["--net", f"{path},{path}"], ["--net", f"{path},{tmp_path}/link"],
                  ["--net", path, "--host", f",{path}"],
                  ["--net", f"{path},{tmp_path}/o", "--host", f",{tmp_path}/o"],
                  ["--net", f"{path},{tmp_path}/o", "--net", f",{tmp_path}/p"]):
        result = run("-c", config, *words)
        assert result.returncode == 2 and result.stderr.startswith("portcam-model: "), words
        assert path.read_bytes() == GOOD


@pytest.mark.parametrize("target", ["/dev/full", "/nonexistent/out.pcap"])
def test_an_output_that_cannot_be_written_is_an_error(tmp_path, config, target):
    (tmp_path / "in.pcap").write_bytes(GOOD)
    result = run("-c", config, "--net", tmp_path / "in.pcap", "--host", f",{target}")
    assert result.returncode == 2
    assert target in result.stderr and result.stderr.count("\n") == 1


def test_a_configuration_with_errors_is_refused_with_lines(tmp_path, config):
    settings = m.config()
    settings["services"][0]["backends"] = ["nobody"]
    settings["domains"][0]["state"] = "asleep"
    config.write_text(m.json.dumps(settings, indent=1))
    (tmp_path / "in.pcap").write_bytes(GOOD)
    result = run("-c", config, "--net", tmp_path / "in.pcap", "--host", f",{tmp_path}/out.pcap")
    assert result.returncode == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("portcam-model: ")]
    assert len(lines) == 2 and all(f"{config}:" in line for line in lines)
    assert not (tmp_path / "out.pcap").exists()
