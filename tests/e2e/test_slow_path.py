# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""The slow path with real kernels at both ends of the simulated card: they cut datagrams into fragments, and put together
what comes; SCTP by raw sockets, with the CRC of scapy."""

import signal
import textwrap
import time

import pytest

import place
from place import lab

pytestmark = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))

PING = "198.51.100.2"
SHOP = {
    "format": 1,
    "device": {"mac": "02:00:00:00:00:aa"},
    "functions": [{"function": 1, "mac": lab.SERVER_MAC, "domain": "shop", "default": True}],
    "domains": [{"name": "shop"}],
    "addresses": [{"address": ip, "domain": "shop"} for ip in (*lab.PUBLIC, lab.PUBLIC6)],
    "backends": [
        {"name": "udp4", "address": lab.SERVER, "port": 5353, "function": 1},
        {"name": "any4", "address": lab.SERVER, "function": 1},
        {"name": "udp6", "address": lab.SERVER6, "port": 5353, "function": 1},
        {"name": "dns", "address": lab.SERVER, "port": 5454, "function": 1},
        {"name": "sctp", "address": lab.SERVER, "port": 7000, "function": 1}],
    "services": [
        {"name": "udp4", "domain": "shop", "address": "198.51.100.1", "protocol": "udp", "port": 53,
         "mode": "static", "backends": ["udp4"]},
        {"name": "ping", "domain": "shop", "address": PING, "protocol": "icmp", "mode": "static",
         "backends": ["any4"]},
        {"name": "udp6", "domain": "shop", "address": lab.PUBLIC6, "protocol": "udp", "port": 53,
         "mode": "static", "backends": ["udp6"]},
        {"name": "dns", "domain": "shop", "address": "198.51.100.3", "protocol": "udp", "port": 53,
         "mode": "stateful", "backends": ["dns"]},
        {"name": "sctp", "domain": "shop", "address": "198.51.100.1", "protocol": "sctp", "port": 80,
         "mode": "static", "backends": ["sctp"]}],
}
ECHO = """
import socket, sys
family = socket.AF_INET6 if ":" in "{address}" else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.bind(("{address}", {port}))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(65535)
    s.sendto(data[::-1], peer)
"""
ASK = """
import socket, sys
family = socket.AF_INET6 if ":" in "{address}" else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout({patience})
s.connect(("{address}", 53))
for size in {sizes}:
    data = bytes(i * 7 % 251 for i in range(size))
    for attempt in range({tries}):
        s.send(data)
        try:
            assert s.recv(65535) == data[::-1], size
            break
        except TimeoutError:
            assert attempt + 1 < {tries}, size
"""
SIZES = (0, 1, 100, 1452, 1453, 1472, 1473, 2000, 2953, 4096, 5000, 8192, 9000)


@pytest.fixture(name="shop", scope="module", params=["model", "lockstep"])
def _shop(request):
    """The RTL is slow here and may drop fragments on their way to the host; its clients ask again."""
    with lab.Lab(request.param) as laboratory:
        place.apply(laboratory, SHOP)
        yield laboratory
        assert laboratory.processes["card"].poll() is None
        assert laboratory.processes["portcamd"].poll() is None
        if request.param == "lockstep":
            assert laboratory.finish()["differences"] == 0


def status(shop):
    """Of the slow path, which tells it a few times a second."""
    time.sleep(0.6)
    return shop.json("slow_path", "status")


def outcomes(shop):
    """{reason: {outcome: packets}}"""
    return {row["reason"]: row["outcomes"] for row in status(shop)["reasons"]}


def ask(shop, address, sizes, text=ASK):
    """Each size is asked for, of the RTL up to ten times."""
    tries, patience = (10, 3) if shop.engine != "model" else (1, 20)
    done = shop.run(shop.client, "/usr/bin/python3", "-c",
                    text.format(address=address, sizes=sizes, tries=tries, patience=patience),
                    capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def needs_records(shop):
    if not status(shop)["connections_known"]:
        pytest.skip("this card does not mirror its connections")


def test_f5_udp_of_any_size_both_ways(shop):
    with place.server(shop, ECHO.format(address=lab.SERVER, port=5353)):
        ask(shop, "198.51.100.1", SIZES)
    assert outcomes(shop)["fragment"]["rewritten"] >= 2 * sum(size > 1472 for size in SIZES)


def test_f5_udp_over_ipv6_of_any_size_both_ways(shop):
    with place.server(shop, ECHO.format(address=lab.SERVER6, port=5353)):
        ask(shop, lab.PUBLIC6, SIZES)


def test_f5_answers_of_a_stateful_service(shop):
    """As of DNS: small questions, and answers of 4 KB; then large questions too."""
    needs_records(shop)
    answer = ECHO.replace("data[::-1]", "(data[::-1] * 4096)[:4096]")
    question = ASK.replace("data[::-1], size", "(data[::-1] * 4096)[:4096], size")
    with place.server(shop, answer.format(address=lab.SERVER, port=5454)):
        ask(shop, "198.51.100.3", (30, 31, 32), question)
    connections = shop.json("connection", "list")["connections"]
    assert [c["state"] for c in connections if c["service"] == "dns"] == ["replied"]
    with place.server(shop, ECHO.format(address=lab.SERVER, port=5454)):
        ask(shop, "198.51.100.3", SIZES)


def test_p8_a_connection_that_begins_with_fragments(shop):
    needs_records(shop)
    before = status(shop)["inserted"]
    with place.server(shop, ECHO.format(address=lab.SERVER, port=5454)):
        ask(shop, "198.51.100.3", (3000, 10, 5000))
    assert status(shop)["inserted"] == before + 1


ECHO_REQUEST = """
import socket, struct, sys

def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
raw.settimeout({patience})
for size in {sizes}:
    data = bytes(i * 7 % 251 for i in range(size))
    body = struct.pack(">HH", 77, size) + data
    sum_of = checksum(bytes([8, 0, 0, 0]) + body + bytes(len(body) % 2))
    raw.sendto(struct.pack(">BBH", 8, 0, sum_of) + body, ("{address}", 0))
    while True:
        packet, peer = raw.recvfrom(65535)
        if peer[0] == "{address}" and packet[20] == 0 and packet[24:28] == body[:4]:
            break
    assert packet[28:] == data, size
"""


def ping(shop, sizes, patience=20):
    """Echo requests of these sizes; did each get its answer? On the RTL some may be lost."""
    if shop.engine != "model" and patience > 1:
        return all(any(ping(shop, [size], patience=1) for _ in range(10)) for size in sizes[::8])
    done = shop.run(shop.client, "/usr/bin/python3", "-c",
                    ECHO_REQUEST.format(address=PING, sizes=sizes, patience=patience),
                    capture_output=True, text=True)
    return done.returncode == 0


def test_ping_of_every_size(shop):
    assert ping(shop, [*range(0, 64), *range(1465, 1490), *range(2945, 2965), *range(3000, 9500, 487)])


SCTP = """
import socket, sys
from scapy.layers.sctp import SCTP, SCTPChunkData
from scapy.packet import Raw

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)
raw.settimeout({patience})

def heard():
    while True:
        try:
            packet, peer = raw.recvfrom(65535)
        except TimeoutError:
            return
        sctp = packet[4 * (packet[0] & 15):]
        whole = SCTP(sctp)
        whole.chksum = None
        right = bytes(whole) == sctp
        yield peer[0], whole.sport, whole.dport, sctp[28:], right

def say(to, sport, dport, data):
    raw.sendto(bytes(SCTP(sport=sport, dport=dport, tag=5) / SCTPChunkData(tsn=1, data=data)), (to, 0))
"""


def test_section_7_sctp_with_other_ports(shop):
    """Also in fragments; the server sees its port and a right CRC, the client the public one."""
    server = SCTP.replace("{patience}", "600") + textwrap.dedent("""
        print("ready", flush=True)
        for peer, sport, dport, data, right in heard():
            if dport == 7000:
                assert right
                say(peer, dport, sport, data)
    """)
    client = SCTP.replace("{patience}", "3") + textwrap.dedent("""
        def answered(size):
            data = bytes(i * 7 % 251 for i in range(size)) + bytes(-size % 4)
            say("198.51.100.1", 4000, 80, data)
            for peer, sport, dport, answer, right in heard():
                if peer == "198.51.100.1" and dport == 4000 and answer == data:
                    assert (sport, right) == (80, True), size
                    return True
            return False

        for size in (1, 2, 3, 4, 100, 1000, 1400, 2000, 4000, 8000):
            assert any(answered(size) for attempt in range(10)), size
    """)
    with place.server(shop, server):
        done = shop.run(shop.client, "/usr/bin/python3", "-c", client, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert outcomes(shop)["sctp_ports"]["rewritten"] >= 10


def test_f7_headers_beyond_the_window(shop):
    """The kernel puts 200 bytes of destination options before UDP; a receiver skips them."""
    options = f"""
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS,
                     bytes([0, 24, 0x1e, 196]) + bytes(196))
    """
    client = ASK.replace("for size in", textwrap.dedent(options) + "for size in", 1)
    with place.server(shop, ECHO.format(address=lab.SERVER6, port=5353)):
        ask(shop, lab.PUBLIC6, (10, 1000, 3000), client)
    assert outcomes(shop)["complex_window"]["rewritten"] >= 2


def test_a_daemon_that_is_killed_and_its_successor(shop):
    """While there is none fragments pass the card, so that they reach nobody; the next one takes them again."""
    shop.stop("portcamd", signal.SIGKILL)
    shop.start_daemon()
    assert ping(shop, [3000, 5000])
    assert outcomes(shop)["fragment"]["rewritten"] >= 6


def test_status_in_words_and_switched_off(shop):
    assert "fragment" in shop.portcam("slow_path", "status").stdout
    shop.portcam("slow_path", "set", "reasons", "sctp_ports")
    before = outcomes(shop)["fragment"]
    ping(shop, [3000], patience=1)
    assert outcomes(shop)["fragment"] == before
    place.apply(shop, SHOP)
    assert ping(shop, [3000])
