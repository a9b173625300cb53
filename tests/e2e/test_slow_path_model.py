# SPDX-License-Identifier: Apache-2.0
"""portcam-model with its slow path against scapy: fragments of random sizes in random orders, put together by scapy, are
what scapy builds for the translated flow; SCTP has the CRC that scapy makes; chains of headers are translated."""

import itertools
import json
import random

import model_run as m
from model_run import pcap, read_pcap, run
from scapy.layers.inet import defragment
from scapy.layers.inet6 import defragment6

SEED = 77


def config(*services):
    """The configuration of the other tests, with SCTP port 80 too, and as many packets as there are."""
    settings = m.config()
    settings["slow_path"] = {"rate": 65535, "burst": 65535}
    for version in (4, 6):
        settings["services"].append(
            {"name": f"v{version}-sctp", "domain": "shop", "address": m.PUBLIC[version],
             "protocol": "sctp", "port": m.PUBLIC_PORT, "mode": "static",
             "backends": [f"v{version}-mapped"]})
    settings["services"] += services
    return settings


def pass_frames(folder, frames_in, settings=None):
    """[(ingress, frame)], one a millisecond, through the model and its slow path: {function: [frame]} in order."""
    path = folder / "config.json"
    path.write_text(json.dumps(settings or config()))
    words = ["-c", path, "--slow-path"]
    for function in range(3):
        records = [(10**6 * (index + 1), frame) for index, (ingress, frame) in enumerate(frames_in)
                   if ingress == function]
        source = folder / f"in{function}.pcap"
        source.write_bytes(pcap(records))
        target = f"{source},{folder}/out{function}.pcap"
        words += ["--net", target] if function == 0 else ["--host", f"{function}={target}"]
    result = run(*words)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    return {function: [frame for _, frame in read_pcap(folder / f"out{function}.pcap")]
            for function in range(3)}


def network(packet):
    """The IP layer of a frame."""
    return packet[m.IP] if m.IP in packet else packet[m.IPv6]


def pieces(frame, number, chance):
    """The fragments of a frame, cut at random places."""
    packet = m.Ether(frame)
    layer = network(packet)
    head = frame[:len(frame) - len(layer.original)]
    if m.IP in packet:
        data, room = bytes(layer.payload)[:layer.len - 4 * layer.ihl], bytes(layer)[:4 * layer.ihl]
    else:
        data, room = bytes(layer.payload)[:layer.plen], bytes(layer)[:40]
    most, at, cut = chance.choice((8, 24, 64, 512, 1480)), 0, []
    while at < len(data):
        size = 8 * chance.randrange(max(1, most // 16), most // 8 + 1)
        size = max(size, 40) if at == 0 else size  # with the headers of layer 4
        if at == 0 and size >= len(data):
            size = (len(data) - 1) // 8 * 8
        part, more = data[at:at + size], at + size < len(data)
        if m.IP in packet:
            ip = m.IP(room)
            ip.flags, ip.frag, ip.id, ip.len, ip.chksum = int(more), at // 8, number, None, None
            fragment = bytes(ip / m.Raw(part))
        else:
            ip = m.IPv6(room)
            header = m.IPv6ExtHdrFragment(nh=ip.nh, offset=at // 8, m=int(more), id=number)
            ip.nh, ip.plen = 44, None
            fragment = bytes(ip / header / m.Raw(part))
        cut.append(head + fragment)
        at += size
    return cut


def whole(frames):
    """What scapy makes of fragments: Ethernet header, and the IP packet."""
    layers = [network(m.Ether(frame)) for frame in frames]
    heads = {frame[:12] for frame in frames}
    assert len(heads) == 1
    for layer in layers:  # every header has its right checksum
        if layer.version == 4:
            again = layer.copy()
            again.chksum = None
            assert m.IP(bytes(again)).chksum == layer.chksum
    if layers[0].version == 6:
        layers.sort(key=lambda layer: layer[m.IPv6ExtHdrFragment].offset)  # defragment6() does it wrong
        return heads.pop(), defragment6(layers)
    packets = list(defragment(layers))
    assert len(packets) == 1
    return heads.pop(), packets[0]


def same(got, leaves, text):
    head, packet = got
    right = network(m.Ether(leaves))
    assert head == leaves[:12], text
    assert (packet.src, packet.dst) == (right.src, right.dst), text
    if packet.version == 4:
        data = bytes(right.payload)[:right.len - 4 * right.ihl]
        assert bytes(packet.payload)[:len(data)] == data and packet.len == right.len, text
    else:
        data = bytes(right.payload)[:right.plen]
        assert bytes(packet.payload) == data, text


CASES = [{"tags": tags, "ip": ip, "l4": l4, "direction": direction, "padding": 0}
         for tags, ip, l4, direction in itertools.product(
             ("untagged", "vlan", "qinq"), ("ipv4", "ipv4-router-alert", "ipv6"),
             ("tcp", "udp", "udp-other-port", "udp-zero", "icmp-echo"),
             ("to the server", "from the server"))
         if not (l4 == "udp-zero" and ip == "ipv6")]


def ingress_of(case):
    if case["direction"] == "to the server":
        return 0
    return 1 if case["l4"] in ("tcp", "udp", "udp-zero") else 2


def test_f5_fragments_of_any_size_in_any_order_become_what_scapy_builds(tmp_path):
    """Each datagram by itself, and its fragments shuffled; later ones before the first wait for it."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    frames_in, expected = [], []
    for number in range(240):
        case = dict(CASES[number % len(CASES)])
        case["payload"] = chance.randbytes(chance.randrange(60, 4000))
        arrives, leaves, egress = m.frames(case)
        cut = pieces(arrives, number, chance)
        if len(cut) > 128:  # more than a datagram may have
            continue
        if number % 4:
            chance.shuffle(cut)
        frames_in += [(ingress_of(case), frame) for frame in cut]
        expected.append((egress, len(cut), leaves, f"datagram {number}, {m.name(case)}"))
    left = pass_frames(tmp_path, frames_in)
    for egress, count, leaves, text in expected:
        frames, left[egress] = left[egress][:count], left[egress][count:]
        assert len(frames) == count, text
        same(whole(frames), leaves, text)
    assert not any(left.values())


def test_f5_fragments_of_many_datagrams_at_once(tmp_path):
    """Forty datagrams between the same two, all their fragments shuffled."""
    chance = random.Random(SEED + 1)
    print(f"seed {SEED + 1}")
    case = {"tags": "untagged", "ip": "ipv6", "l4": "udp", "direction": "to the server", "padding": 0}
    frames_in, expected = [], {}
    for number in range(40):
        case["payload"] = chance.randbytes(1000 + number)
        arrives, leaves, _ = m.frames(case)
        cut = pieces(arrives, number, chance)
        if len(cut) <= 128:
            frames_in += [(0, frame) for frame in cut]
            expected[number] = (len(cut), leaves)
    chance.shuffle(frames_in)
    by_number = {}
    settings = config()
    settings["slow_path"]["hold_ms"] = 60000
    for frame in pass_frames(tmp_path, frames_in, settings)[1]:
        by_number.setdefault(m.Ether(frame)[m.IPv6ExtHdrFragment].id, []).append(frame)
    assert set(by_number) == set(expected)
    for number, (count, leaves) in expected.items():
        assert len(by_number[number]) == count
        same(whole(by_number[number]), leaves, f"datagram {number}")


def sctp_frame(version, source, target, macs, payload, wrong=0):
    ip = (m.IP if version == 4 else m.IPv6)(src=source[0], dst=target[0])
    sctp = m.SCTP(sport=source[1], dport=target[1], tag=0xabcd)
    if payload is None:
        sctp /= m.SCTPChunkInit(init_tag=0x1111)
    else:
        sctp /= m.SCTPChunkData(tsn=7, data=payload)
    frame = bytes(m.Ether(dst=macs[1], src=macs[0]) / ip / sctp)
    if not wrong:
        return frame
    at = 14 + (20 if version == 4 else 40) + 8
    return frame[:at] + bytes([frame[at] ^ wrong]) + frame[at + 1:]


def sctp_pair(version, reply, payload, wrong=0):
    client, public, server = ((m.CLIENTS[version], m.CLIENT_PORT), (m.PUBLIC[version], m.PUBLIC_PORT),
                              (m.MAPPED[version], m.MAPPED_PORT))
    macs = (m.SERVER, m.CLIENT) if reply else (m.CLIENT, m.FUNCTION1)
    if reply:
        return (sctp_frame(version, server, client, macs, payload, wrong),
                sctp_frame(version, public, client, macs, payload, wrong))
    return (sctp_frame(version, client, public, macs, payload, wrong),
            sctp_frame(version, client, server, macs, payload, wrong))


def test_section_7_the_crc_of_sctp_is_that_of_scapy(tmp_path):
    """All lengths of payload up to 200 and some longer ones; the padding of chunks is scapy's."""
    frames_in, expected = [], {0: [], 1: []}
    for version, reply, size in itertools.product((4, 6), (0, 1), [None, *range(200), 1400, 8000]):
        payload = None if size is None else bytes(n * 7 % 256 for n in range(size))
        arrives, leaves = sctp_pair(version, reply, payload)
        assert arrives[-12:] != leaves[-12:] or arrives != leaves
        frames_in.append((reply, arrives))
        expected[1 - reply].append(leaves)
    left = pass_frames(tmp_path, frames_in)
    assert left[0] == expected[0] and left[1] == expected[1]


def test_section_8_a_wrong_crc_of_sctp_stays_wrong(tmp_path):
    """By the same bits."""
    frames = [sctp_pair(version, 0, b"payload", wrong) for version in (4, 6) for wrong in range(1, 256)]
    left = pass_frames(tmp_path, [(0, arrives) for arrives, _ in frames])
    assert left[1] == [leaves for _, leaves in frames]


def test_f25_sctp_in_fragments(tmp_path):
    """The CRC is in the first fragment, and depends on the length that the last one tells."""
    chance = random.Random(SEED + 2)
    print(f"seed {SEED + 2}")
    frames_in, expected = [], []
    for number in range(100):
        reply = number % 2
        arrives, leaves = sctp_pair(4 if number % 4 < 2 else 6, reply, chance.randbytes(400 + number))
        cut = pieces(arrives, number, chance)
        chance.shuffle(cut)
        frames_in += [(reply, frame) for frame in cut]
        expected.append((1 - reply, len(cut), leaves))
    left = pass_frames(tmp_path, frames_in)
    for number, (egress, count, leaves) in enumerate(expected):
        frames, left[egress] = left[egress][:count], left[egress][count:]
        same(whole(frames), leaves, f"packet {number}")


def test_f7_chains_beyond_the_window(tmp_path):
    """Hop-by-hop and destination options of up to 400 bytes before UDP and TCP."""
    frames_in, expected = [], []
    for l4, count, size in itertools.product(("tcp", "udp"), (1, 2, 3), (6, 62, 126)):
        frames = []
        for target in ((m.PUBLIC[6], m.PUBLIC_PORT), (m.MAPPED[6], m.MAPPED_PORT)):
            base = m.Ether(dst=m.FUNCTION1, src=m.CLIENT) / m.IPv6(src=m.CLIENTS[6], dst=target[0])
            layer = (m.TCP if l4 == "tcp" else m.UDP)(sport=m.CLIENT_PORT, dport=target[1])
            segment = bytes(m.IPv6(src=m.CLIENTS[6], dst=target[0]) / layer / m.Raw(b"chain"))[40:]
            option = bytes([(size + 2) // 8 - 1, 1, size - 2]) + bytes(size - 2)
            protocol = 6 if l4 == "tcp" else 17
            chain = b"".join(bytes([60 if n + 1 < count else protocol]) + option
                             for n in range(count))
            base[m.IPv6].nh, base[m.IPv6].plen = 60, len(chain) + len(segment)
            frames.append(bytes(base) + chain + segment)
        frames_in.append((0, frames[0]))
        expected.append(frames[1])
    assert pass_frames(tmp_path, frames_in)[1] == expected


def test_without_the_option_fragments_pass(tmp_path):
    case = {"tags": "untagged", "ip": "ipv4", "l4": "udp", "direction": "to the server", "padding": 0,
            "payload": bytes(500)}
    cut = pieces(m.frames(case)[0], 1, random.Random(SEED))
    (tmp_path / "config.json").write_text(json.dumps(config()))
    (tmp_path / "in.pcap").write_bytes(pcap([(0, frame) for frame in cut]))
    result = run("-c", tmp_path / "config.json", "-n", tmp_path / "in.pcap", "-h", f",{tmp_path}/out.pcap")
    assert (result.returncode, result.stderr) == (0, "")
    assert [frame for _, frame in read_pcap(tmp_path / "out.pcap")] == cut
