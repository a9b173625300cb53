# SPDX-License-Identifier: Apache-2.0
"""portcam-model with services of mode stateful, from the configuration to the captures: connections over two
servers, time, and the answers to refused packets, which must be, byte for byte, what scapy builds."""

import json

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from model_run import pcap, read_pcap, run

CLIENT, ROUTER = "02:00:00:00:00:cc", "02:00:00:00:00:01"
HOST, PUBLIC = {4: "192.0.2.77", 6: "2001:db8:c::77"}, {4: "198.51.100.1", 6: "2001:db8:a::1"}
LAYER3 = {4: IP, 6: IPv6}


def config():
    web = {"name": "web", "domain": "shop", "address": PUBLIC[4], "protocol": "tcp", "port": 80,
           "mode": "stateful", "backends": ["one", "two"]}
    return {"format": 1,
            "functions": [{"function": 1, "mac": ROUTER, "default": True}],
            "domains": [{"name": "shop", "unknown": "reject"}],
            "addresses": [{"address": PUBLIC[4], "domain": "shop"},
                          {"address": PUBLIC[6], "domain": "shop"}],
            "backends": [{"name": "one", "address": "10.0.0.1", "port": 8080, "function": 1},
                         {"name": "two", "address": "10.0.0.2", "port": 8080, "function": 1}],
            "services": [web]}


def capture(path, frames, first=0):
    """A capture file of frames, a tenth of a second apart."""
    path.write_bytes(pcap([((first + index) * 10**8, frame) for index, frame in enumerate(frames)]))
    return path


def model(folder, *words):
    path = folder / "config.json"
    path.write_text(json.dumps(config()))
    done = run("-c", path, *words)
    assert done.returncode == 0, done.stderr
    return done


def left(path):
    return [frame for _, frame in read_pcap(path)]


def ethernet(tags=0):
    frame = Ether(dst=ROUTER, src=CLIENT)
    for tag in range(tags):
        frame /= Dot1Q(vlan=5 + tag, prio=3)
    return frame


def segment(flags, source=(HOST[4], 40000), target=(PUBLIC[4], 80)):
    return bytes(ethernet() / IP(src=source[0], dst=target[0])
                 / TCP(sport=source[1], dport=target[1], flags=flags, seq=100))


def test_p5_p8_connections_stay_on_their_servers(tmp_path):
    """P5 P8 P9: twenty clients take turns on two servers; later packets and replies follow."""
    clients = [(HOST[4], 40000 + index) for index in range(20)]
    opening = [segment("S", client) for client in clients]
    later = [segment("A", client) for client in reversed(clients)]
    replies = []
    for index, client in enumerate(clients):
        server = ("10.0.0.1", 8080) if index % 2 == 0 else ("10.0.0.2", 8080)
        replies.append(segment("SA", server, client))
    net = capture(tmp_path / "net.pcap", opening + [segment("A", ("192.0.2.1", 1))] * 100 + later)
    host = capture(tmp_path / "host.pcap", replies, first=50)
    model(tmp_path, f"--net={net},{tmp_path / 'to-net'}", f"--host={host},{tmp_path / 'to-host'}")
    to_host = [Ether(frame) for frame in left(tmp_path / "to-host")]
    assert [frame[IP].dst for frame in to_host[:20]] == ["10.0.0.1", "10.0.0.2"] * 10
    assert [frame[IP].dst for frame in to_host[20:]] == ["10.0.0.2", "10.0.0.1"] * 10
    assert {frame[TCP].dport for frame in to_host} == {8080}
    answers = [frame for frame in left(tmp_path / "to-net") if Ether(frame)[TCP].flags == "SA"]
    assert answers == [
        segment("SA", (PUBLIC[4], 80), client) for client in clients]


def refused():
    """Packets that nobody takes, and the answers that scapy makes."""
    for version in (4, 6):
        layer3 = LAYER3[version]
        there = {"src": HOST[version], "dst": PUBLIC[version]}
        back = {"src": PUBLIC[version], "dst": HOST[version]}
        header = dict(back, ttl=64, id=0, flags="DF") if version == 4 else dict(back, hlim=64)
        for tags in range(3):
            answer = Ether(dst=CLIENT, src=ROUTER)
            for tag in range(tags):
                answer /= Dot1Q(vlan=5 + tag, prio=3)
            for flags, payload in (("S", 0), ("S", 9), ("A", 5), ("PA", 1000), ("FA", 0)):
                ask = TCP(sport=7, dport=81, flags=flags, seq=1000, ack=77) / Raw(bytes(payload))
                reset = TCP(sport=81, dport=7, flags="R", seq=77, ack=0, window=0)
                if "A" not in flags:
                    reset = TCP(sport=81, dport=7, flags="RA", seq=0, ack=1001 + payload, window=0)
                yield ethernet(tags) / layer3(**there) / ask, answer / layer3(**header) / reset
            for length in (0, 1, 50, 63, 64, 80, 400):
                ask = ethernet(tags) / layer3(**there) / UDP(sport=7, dport=81) / Raw(b"x" * length)
                quoted = bytes(ask)[14 + 4 * tags:128]
                icmp = ICMP(type=3, code=3) if version == 4 else ICMPv6DestUnreach(code=4)
                yield ask, answer / layer3(**header) / icmp / Raw(quoted)


def test_p4_answers_to_refused_packets_are_those_of_scapy(tmp_path):
    """P4 S4.29 S4.30: TCP RST, ICMP and ICMPv6 unreachable, tagged or not, of every length."""
    pairs = [(bytes(ask), bytes(answer)) for ask, answer in refused()]
    net = capture(tmp_path / "net.pcap", [ask for ask, _ in pairs])
    model(tmp_path, f"--net={net},{tmp_path / 'to-net'}")
    frames = left(tmp_path / "to-net")
    assert len(frames) == len(pairs) == 72
    for (ask, answer), frame in zip(pairs, frames):
        assert frame == answer.ljust(60, b"\0"), Ether(ask).summary()


@pytest.mark.parametrize("flags, reason", [("A", "no_record_reject"), ("R", "reject_silent")])
def test_p6_without_a_record(tmp_path, flags, reason):
    """P6: an ACK is answered, a RST never."""
    net = capture(tmp_path / "net.pcap", [segment(flags)])
    done = model(tmp_path, f"--net={net},{tmp_path / 'to-net'}", "--stats")
    assert reason in done.stdout
    assert len(left(tmp_path / "to-net")) == (flags == "A")
