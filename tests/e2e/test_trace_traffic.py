# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""portcam trace with real kernels at both ends of the simulated card: each line says what the sender, the receiver and the
card's own counters say."""

import json
import re
import signal
import subprocess
import time

import pytest

import place
from place import lab

pytestmark = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))

WEB, POOL, DNS = lab.PUBLIC  # three public addresses
SHOP = {
    "format": 1,
    "device": {"mac": "02:00:00:00:00:aa"},
    "functions": [{"function": 1, "mac": lab.SERVER_MAC, "domain": "shop", "default": True}],
    "domains": [{"name": "shop", "unknown": "reject"}],
    "addresses": [{"address": ip, "domain": "shop"} for ip in (*lab.PUBLIC, lab.PUBLIC6)],
    "backends": [{"name": "one", "address": lab.SERVER, "port": 8081, "function": 1},
                 {"name": "two", "address": lab.SERVER, "port": 8082, "function": 1},
                 {"name": "six", "address": lab.SERVER6, "port": 8083, "function": 1},
                 {"name": "udp", "address": lab.SERVER, "port": 5353, "function": 1}],
    "services": [{"name": "web", "domain": "shop", "address": WEB, "protocol": "tcp", "port": 80, "mode": "static",
                  "backends": ["one"]},
                 {"name": "pool", "domain": "shop", "address": POOL, "protocol": "tcp", "port": 80, "mode": "stateful",
                  "backends": ["two"]},
                 {"name": "web6", "domain": "shop", "address": lab.PUBLIC6, "protocol": "tcp", "port": 80,
                  "mode": "static", "backends": ["six"]},
                 {"name": "dns", "domain": "shop", "address": DNS, "protocol": "udp", "port": 53, "mode": "static",
                  "backends": ["udp"]}],
}
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[2])))
for i in range(int(sys.argv[3])):
    s.sendto(bytes(int(sys.argv[4])), (sys.argv[1], 53))
"""


@pytest.fixture(name="shop", scope="module", params=["model", "lockstep"])
def _shop(request):
    with lab.Lab(request.param) as laboratory:
        place.apply(laboratory, SHOP)
        yield laboratory
        if request.param == "lockstep":
            assert laboratory.finish()["differences"] == 0


class Trace:
    """The command with -j, from the moment that the card samples to the end of the with block."""

    def __init__(self, shop, words):
        self.process = subprocess.Popen([lab.PORTCAM, "-S", shop.folder / "portcam.sock", "-j", "trace", *words.split()],
                                        stdout=subprocess.PIPE, text=True)
        assert json.loads(self.process.stdout.readline())["event"] == "trace"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def packets(self, asked=True):
        """All until its end, and what the end says."""
        if asked:
            self.process.send_signal(signal.SIGINT)
        *packets, end = [json.loads(line) for line in self.process.stdout]
        assert self.process.wait() == 0 and end["event"] == "trace_end"
        assert end["nonsense"] == 0
        return packets, end


def counted(shop):
    """{reason: packets}, when no more come; ARP and the like do not count."""
    before = None
    while True:
        now = {row["reason"]: row["packets"] for row in shop.json("stats", "show")["reasons"]
               if row["reason"] not in ("no_match", "non_ip", "multicast", "neighbour_discovery")}
        if now == before:
            return now
        before = now
        time.sleep(0.3)


def send(shop, port, count, size=10):
    """UDP from this port; they have passed the card."""
    done = shop.run(shop.client, "/usr/bin/python3", "-c", SEND, DNS, str(port), str(count), str(size))
    assert done.returncode == 0
    counted(shop)


def rows(packet):
    return [packet.get(key) for key in ("domain", "address", "service", "backend")]


def ends(packet):
    return [f"{packet[key]['address']}:{packet[key]['port']}" for key in ("source", "destination")]


@pytest.mark.parametrize("public, service, backend, server, there, back", [
    (WEB, "web", "one", f"{lab.SERVER}:8081", {"static_forward"}, {"static_reverse"}),
    (POOL, "pool", "two", f"{lab.SERVER}:8082", {"connection_new", "connection_forward"}, {"connection_reverse"})])
def test_a_request_and_its_answer(shop, public, service, backend, server, there, back):
    """Every packet of it, in both directions, with the rows that it took and the address that it gets."""
    with Trace(shop, f"tcp host {lab.CLIENT}") as trace:
        done = shop.curl(f"http://{public}/server")
        assert done.stdout == server + "\n"
        counted(shop)
        packets, end = trace.packets()
    packets = [p for p in packets if f"{public}:80" in ends(p) or server in ends(p)]
    requests = [p for p in packets if not p["reply"]]
    replies = [p for p in packets if p["reply"]]
    assert len(requests) >= 4 and len(replies) >= 3 and end["lost"] == end["limited"] == 0
    client = ends(requests[0])[0]
    assert [p["tcp_flags"] for p in requests][0] == "S" and replies[0]["tcp_flags"] == "S."
    for p in packets:
        assert p["verdict"] == "rewrite" and rows(p) == ["shop", f"{public}/32", service, backend], p
    for p in requests:
        assert (p["ingress"], p["egress"], ends(p)) == (0, 1, [client, f"{public}:80"])
        assert p["becomes"]["destination"] == {"address": lab.SERVER, "port": int(server.split(":")[1])}
    for p in replies:
        assert (p["ingress"], p["egress"], ends(p)) == (1, 0, [server, client])
        assert p["becomes"]["source"] == {"address": public, "port": 80}
    assert {p["reason"] for p in requests} == there and {p["reason"] for p in replies} == back
    assert len({p.get("connection") for p in packets}) == 1
    assert ("connection" in packets[0]) == (service == "pool")


def test_every_packet_is_told_as_it_is_counted(shop):
    before = counted(shop)
    with Trace(shop, "rate 60000") as trace:
        for _ in range(3):
            shop.curl(f"http://{WEB}/")
            shop.curl(f"http://[{lab.PUBLIC6}]/")
            shop.curl(f"http://{WEB}:81/")
        after = counted(shop)
        packets, end = trace.packets()
    told = {}
    for p in packets:
        told[p["reason"]] = told.get(p["reason"], 0) + 1
    for reason in ("static_forward", "static_reverse", "unknown_reject"):
        assert told[reason] == after[reason] - before.get(reason, 0) > 0, reason
    assert end["matched"] == end["sampled"] == len(packets)
    six = [p for p in packets if p.get("service") == "web6"]
    assert six and all(":" in p["source"]["address"] for p in six)


def test_what_is_refused_or_dropped(shop):
    with Trace(shop, "reason reject,drop") as trace:
        shop.curl(f"http://{WEB}:81/")
        shop.curl(f"http://{WEB}/")
        counted(shop)
        packets, _ = trace.packets()
    assert packets and all(p["verdict"] == "reject" and p["reason"] == "unknown_reject" for p in packets)
    assert all("egress" not in p and rows(p) == ["shop", f"{WEB}/32", None, None] for p in packets)


def test_fragments_are_told_as_punted(shop):
    with Trace(shop, "reason fragment") as trace:
        send(shop, 4100, 1, 3000)
        packets, _ = trace.packets()
    packets = [p for p in packets if p["ingress"] == 0]
    assert [p["fragment"]["offset"] for p in packets] == [0, 1480, 2960]
    assert all(p["verdict"] == "punt" and p["protocol"] == "udp" and "egress" not in p for p in packets)
    assert ends(packets[0]) == [f"{lab.CLIENT}:4100", f"{DNS}:53"]


def test_count_rate_and_every(shop):
    with Trace(shop, f"src host {lab.CLIENT} src port 4200 dst port 53 count 3") as trace:
        send(shop, 4199, 5)
        send(shop, 4200, 5)
        packets, end = trace.packets(asked=False)
    assert [ends(p) for p in packets] == [[f"{lab.CLIENT}:4200", f"{DNS}:53"]] * 3 and end["why"] == "count"
    with Trace(shop, "src port 4201 every 10") as trace:
        send(shop, 4201, 41)
        packets, end = trace.packets()
    assert (end["sampled"], end["matched"]) == (5, 41)
    with Trace(shop, "src port 4202 rate 4") as trace:
        send(shop, 4202, 100)
        packets, end = trace.packets()
    assert 4 <= end["sampled"] < 100 and end["limited"] == 100 - end["sampled"]
    assert end["matched"] == 100 and len(packets) == end["sampled"]


def test_the_heads_are_what_is_on_the_wire(shop):
    file = shop.folder / "heads.pcap"
    with subprocess.Popen([lab.PORTCAM, "-S", shop.folder / "portcam.sock", "trace", "service", "web", "-w", file],
                          stderr=subprocess.PIPE, text=True) as trace:
        assert "tracing" in trace.stderr.readline()
        assert shop.curl(f"http://{WEB}/server").returncode == 0
        trace.send_signal(signal.SIGINT)
        sampled = int(re.match(r"\d+", trace.communicate()[1]).group())
    scapy = pytest.importorskip("scapy.all")
    frames = scapy.rdpcap(str(file))
    assert len(frames) == sampled >= 7
    assert {frame[scapy.IP].dst for frame in frames} == {WEB, lab.CLIENT}
    assert any(bytes(frame).endswith(b"/") or b"GET /server" in bytes(frame) for frame in frames)
