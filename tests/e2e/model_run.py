# SPDX-License-Identifier: Apache-2.0
"""What the tests of portcam-model share: its configuration, packets made by scapy, the run, capture files."""

import itertools
import json
import logging
import pathlib
import struct
import subprocess

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, UDPerror  # noqa: E402
from scapy.layers.inet import IPOption_LSRR, IPOption_NOP, IPOption_Router_Alert, IPOption_RR  # noqa: E402
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment  # noqa: E402
from scapy.layers.inet6 import IPv6ExtHdrHopByHop, IPv6ExtHdrRouting  # noqa: E402
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoReply  # noqa: E402
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6Unknown, RouterAlert  # noqa: E402
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether  # noqa: E402
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit, SCTPChunkInitAck  # noqa: E402
from scapy.packet import Raw  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "build/cli/portcam-model"

DEVICE, CLIENT, SERVER = "02:00:00:00:00:de", "02:00:00:00:00:cc", "02:00:00:00:00:55"
FUNCTION1 = "02:00:00:00:00:01"

# Client, public side, server with ports of its own, server that keeps them: by IP version.
CLIENTS = {4: "192.0.2.77", 6: "2001:db8:c::77"}
PUBLIC = {4: "198.51.100.1", 6: "2001:db8:a::1"}
MAPPED = {4: "10.1.2.3", 6: "2001:db8:b:1:2:3:4:5"}
KEPT = {4: "10.9.8.7", 6: "2001:db8:b:9:8:7:6:5"}
CLIENT_PORT, PUBLIC_PORT, MAPPED_PORT, OTHER_PORT = 40123, 80, 8081, 5001


def _objects(version):
    public, name = PUBLIC[version], f"v{version}"
    services = [{"name": f"{name}-{protocol}", "domain": "shop", "address": public,
                 "protocol": protocol, "port": PUBLIC_PORT, "mode": "static",
                 "backends": [f"{name}-mapped"]} for protocol in ("tcp", "udp")]
    services.append({"name": f"{name}-rest", "domain": "shop", "address": public, "mode": "static",
                     "backends": [f"{name}-kept"]})
    backends = [{"name": f"{name}-mapped", "address": MAPPED[version], "port": MAPPED_PORT,
                 "function": 1},
                {"name": f"{name}-kept", "address": KEPT[version], "mac": SERVER, "function": 2}]
    return {"address": public, "domain": "shop"}, backends, services


def config():
    """TCP and UDP port 80 of both public addresses go to port 8081 of a server; all else to another."""
    v4, v6 = _objects(4), _objects(6)
    return {"format": 1, "device": {"mac": DEVICE},
            "functions": [{"function": 1, "mac": FUNCTION1, "default": True}],
            "domains": [{"name": "shop", "unknown": "drop"}], "addresses": [v4[0], v6[0]],
            "backends": v4[1] + v6[1], "services": v4[2] + v6[2]}


# ---- packets -----------------------------------------------------------------------------------

TAGS = {
    "untagged": [],
    "vlan": [lambda: Dot1Q(vlan=5, prio=7, id=1)],
    "priority": [lambda: Dot1Q(vlan=0, prio=3)],
    "qinq": [lambda: Dot1AD(vlan=100, prio=5, id=1), lambda: Dot1Q(vlan=7)],
}
IPS = {
    "ipv4": (4, [], []),
    "ipv4-options": (4, [IPOption_RR(routers=["192.0.2.1", "0.0.0.0"]), IPOption_NOP()], []),
    "ipv4-router-alert": (4, [IPOption_Router_Alert()], []),
    "ipv6": (6, [], []),
    "ipv6-hop-by-hop": (6, [], [lambda: IPv6ExtHdrHopByHop(options=[RouterAlert()])]),
    "ipv6-chain": (6, [], [IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt,
                           lambda: IPv6ExtHdrRouting(addresses=[], segleft=0)]),
    "ipv6-atomic": (6, [], [lambda: IPv6ExtHdrFragment(offset=0, m=0, id=77)]),
}
L4S = ("tcp", "tcp-syn", "tcp-other-port", "udp", "udp-other-port", "udp-zero", "sctp", "sctp-init",
       "icmp-echo")


def _tcp(kind, reply, payload):
    """The packets of one flow: they carry each other's sequence numbers."""
    client, server, syn = 0x12345678, 0x9abcdef0, kind == "tcp-syn"
    options = [("MSS", 1400), ("NOP", None), ("WScale", 7)] if syn else []
    if reply:
        return {"seq": server, "ack": client + (1 if syn else len(payload)), "options": options,
                "flags": "SA" if syn else "PA"}
    return {"seq": client, "ack": 0 if syn else server, "options": options,
            "flags": "S" if syn else "PA"}


def _layer4(kind, version, ports, reply, payload):
    sport, dport = ports
    if kind.startswith("tcp"):
        return TCP(sport=sport, dport=dport, window=1234, **_tcp(kind, reply, payload)) / Raw(payload)
    if kind == "udp-zero":
        return UDP(sport=sport, dport=dport, chksum=0) / Raw(payload)
    if kind.startswith("udp"):
        return UDP(sport=sport, dport=dport) / Raw(payload)
    if kind == "sctp":
        return SCTP(sport=sport, dport=dport, tag=0xabcd) / SCTPChunkData(tsn=7, data=payload)
    if kind == "sctp-init":
        if reply:
            return SCTP(sport=sport, dport=dport, tag=0x1111) / SCTPChunkInitAck(init_tag=0x2222)
        return SCTP(sport=sport, dport=dport, tag=0) / SCTPChunkInit(init_tag=0x1111)
    number = dport if reply else sport
    if version == 4:
        return ICMP(type=0 if reply else 8, id=number, seq=3) / Raw(payload)
    echo = ICMPv6EchoReply if reply else ICMPv6EchoRequest
    return echo(id=number, seq=3, data=payload)


def _frame(case, source, target, macs):
    """The frame of a case between two (address, port), with every checksum made by scapy."""
    version, options, extensions = IPS[case["ip"]]
    packet = Ether(dst=macs[1], src=macs[0])
    for tag in TAGS[case["tags"]]:
        packet /= tag()
    if version == 4:
        packet /= IP(src=source[0], dst=target[0], ttl=case.get("ttl", 61), tos=0xb9, id=0x1234,
                     flags="DF", options=options)
    else:
        packet /= IPv6(src=source[0], dst=target[0], hlim=case.get("ttl", 61), tc=0xb9, fl=0x54321)
        for extension in extensions:
            packet /= extension()
    packet /= _layer4(case["l4"], version, (source[1], target[1]),
                      case["direction"] == "from the server", case["payload"])
    return bytes(packet) + bytes(case["padding"])


def frames(case):
    """The frame of a case as it arrives, as it must leave, and the function it leaves by."""
    version = IPS[case["ip"]][0]
    mapped = case["l4"] in ("tcp", "tcp-syn", "udp", "udp-zero")
    client = (CLIENTS[version], case.get("client port", CLIENT_PORT))
    public = (PUBLIC[version], PUBLIC_PORT if mapped else OTHER_PORT)
    server = (MAPPED[version], MAPPED_PORT) if mapped else (KEPT[version], OTHER_PORT)
    if case["direction"] == "to the server":
        arrives = _frame(case, client, public, (CLIENT, FUNCTION1))
        macs = (CLIENT, FUNCTION1) if mapped else (DEVICE, SERVER)
        return arrives, _frame(case, client, server, macs), 1 if mapped else 2
    arrives = _frame(case, server, client, (SERVER, CLIENT))
    return arrives, _frame(case, public, client, (SERVER if mapped else DEVICE, CLIENT)), 0


def matrix():
    """Each combination of tags, IP header, layer 4 and direction."""
    for tags, ip, l4, direction in itertools.product(TAGS, IPS, L4S,
                                                     ("to the server", "from the server")):
        if l4 == "udp-zero" and IPS[ip][0] == 6:
            continue  # no such UDP over IPv6
        yield {"tags": tags, "ip": ip, "l4": l4, "direction": direction,
               "payload": b"portcam " * 3 + ip.encode(), "padding": 5}


# ---- ICMP errors about the same flows ----------------------------------------------------------

ROUTERS = {4: "203.0.113.200", 6: "2001:db8:f::1"}
ERRORS = {4: ((3, 4), (3, 1), (4, 0), (11, 0), (12, 0)), 6: ((1, 4), (2, 0), (3, 0), (4, 1))}
INNER_OPTIONS = {"": [], "options": [IPOption_RR(routers=["192.0.2.1", "0.0.0.0"]), IPOption_NOP()]}


def _embedded(case, source, target):
    """The packet that an error is about, its IP header first, as far as the error has it."""
    version = case["version"]
    reply = case["direction"] == "to the server"  # the server sent it
    if version == 4:
        packet = IP(src=source[0], dst=target[0], ttl=1, id=0x4321, flags=case.get("flags", "DF"),
                    options=INNER_OPTIONS[case.get("inner", "")])
    else:
        packet = IPv6(src=source[0], dst=target[0], hlim=1)
    packet /= _layer4(case["l4"], version, (source[1], target[1]), reply, case["payload"])
    return bytes(packet)[:case.get("bytes")]


def _error(case, source, target, embedded, macs):
    packet = Ether(dst=macs[1], src=macs[0])
    for tag in TAGS[case.get("tags", "untagged")]:
        packet /= tag()
    kind, code = case["error"]
    if case["version"] == 4:
        packet /= IP(src=source, dst=target, ttl=61, id=7) / ICMP(type=kind, code=code, nexthopmtu=1280)
    else:
        packet /= IPv6(src=source, dst=target, hlim=61)
        packet /= ICMPv6Unknown(type=kind, code=code, msgbody=(1280).to_bytes(4, "big") + embedded)
        return bytes(packet)
    return bytes(packet / Raw(embedded))


def error_frames(case):
    """An ICMP error about a packet of the flow as it arrives, as it must leave, and the function."""
    version = case["version"]
    mapped = case["l4"] in ("tcp", "tcp-syn", "udp", "udp-zero")
    client = (CLIENTS[version], case.get("client port", CLIENT_PORT))
    public = (PUBLIC[version], PUBLIC_PORT if mapped else OTHER_PORT)
    server = (MAPPED[version], MAPPED_PORT) if mapped else (KEPT[version], OTHER_PORT)
    router = ROUTERS[version] if case["sender"] == "router" else None
    if case["direction"] == "to the server":
        before, after = _embedded(case, public, client), _embedded(case, server, client)
        macs = (CLIENT, FUNCTION1) if mapped else (DEVICE, SERVER)
        return (_error(case, router or client[0], public[0], before, (CLIENT, FUNCTION1)),
                _error(case, router or client[0], server[0], after, macs), 1 if mapped else 2)
    before, after = _embedded(case, client, server), _embedded(case, client, public)
    return (_error(case, router or server[0], client[0], before, (SERVER, CLIENT)),
            _error(case, public[0], client[0], after, (SERVER if mapped else DEVICE, CLIENT)), 0)


def errors():
    """Each combination of version, type, layer 4 of the packet inside, direction, sender and size."""
    for version, l4, direction, sender in itertools.product(
            (4, 6), ("tcp", "tcp-syn", "udp", "udp-zero", "udp-other-port", "sctp-init", "icmp-echo"),
            ("to the server", "from the server"), ("end", "router")):
        if l4 == "udp-zero" and version == 6:
            continue
        for error in ERRORS[version]:
            header = 20 if version == 4 else 40
            for size in (header + 8, header + 20, None):
                if l4 == "sctp-init" and size == header + 20:
                    continue  # where the kernel makes a checksum over what is there of it
                yield {"version": version, "l4": l4, "direction": direction, "sender": sender,
                       "error": error, "bytes": size, "payload": b"what was lost"}


def name(case):
    if "error" in case:
        return " ".join(str(value) for value in case.values())
    return " ".join(case[key] for key in ("tags", "ip", "l4", "direction"))


# ---- capture files -----------------------------------------------------------------------------

def pcap(records, nano=False, order="<", link=1, snap=65535):
    """The bytes of a capture file with these (nanoseconds, bytes); a third value: the original length."""
    data = struct.pack(order + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, snap, link)
    for time, frame, *length in records:
        fraction = time % 10**9 // (1 if nano else 1000)
        data += struct.pack(order + "IIII", time // 10**9, fraction, len(frame),
                            length[0] if length else len(frame)) + frame
    return data


def read_pcap(path):
    """[(nanoseconds, bytes)] of an Ethernet capture file."""
    data = pathlib.Path(path).read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert magic in (0xa1b2c3d4, 0xa1b23c4d) and link == 1
    records, at = [], 24
    while at < len(data):
        seconds, fraction, captured, length = struct.unpack_from("<IIII", data, at)
        assert captured == length and at + 16 + captured <= len(data)
        scale = 1 if magic == 0xa1b23c4d else 1000
        records.append((seconds * 10**9 + fraction * scale, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return records


# ---- the program -------------------------------------------------------------------------------

def run(*words):
    return subprocess.run([MODEL, *map(str, words)], capture_output=True, text=True, timeout=600,
                          check=False)


def pass_frames(folder, frames_in, settings=None):
    """Frames, {ingress function: [bytes]}, through the model: {(function, index): (egress, bytes)}."""
    path = folder / "config.json"
    path.write_text(json.dumps(settings or config()))
    words = ["-c", path]
    for function in range(4):
        source = ""
        if function in frames_in:
            source = folder / f"in{function}.pcap"
            # The microsecond of its timestamp tells which frame one is.
            source.write_bytes(pcap((1000 * index + function * 10**12, frame)
                                    for index, frame in enumerate(frames_in[function])))
        target = f"{source},{folder}/out{function}.pcap"
        words += ["--net", target] if function == 0 else ["--host", f"{function}={target}"]
    result = run(*words)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    left = {}
    for function in range(4):
        for time, frame in read_pcap(folder / f"out{function}.pcap"):
            key = (time // 10**12, time % 10**12 // 1000)
            assert key not in left, "a frame left twice"
            left[key] = (function, frame)
    return left
