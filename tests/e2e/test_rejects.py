# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""Answers of the card to refused packets, as a Linux client takes them and as scapy reads them from the wire."""

import contextlib
import subprocess
import sys

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap

from place import apply, lab

pytestmark = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))

PUBLIC = {4: "198.51.100.1", 6: lab.PUBLIC6}
LAYER3 = {4: IP, 6: IPv6}
PORT = 81       # nobody has it
ENGINES = ["model", "lockstep"]

RECORD = """
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 0))
with open(sys.argv[2], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    file.flush()
    print("ready", flush=True)
    while True:
        frame = s.recv(65535)
        file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
        file.flush()
"""

# What each asks the kernel for; prints the name of the exception.
TCP_ASK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)
    print("connected")
except OSError as error:
    print(type(error).__name__)
"""
UDP_ASK = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(bytes(range(100)))
try:
    print("answered", s.recv(100))
except OSError as error:
    print(type(error).__name__)
"""
# A connection whose record is ended between two messages.
CUT = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)
s.sendall(b"GET /server HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
print(s.recv(1000).split()[1].decode(), flush=True)
sys.stdin.readline()
try:
    s.sendall(b"GET /server HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    print("answered", s.recv(1000))
except OSError as error:
    print(type(error).__name__)
"""


def config():
    return {"format": 1, "functions": [{"function": 1, "mac": lab.SERVER_MAC, "domain": "shop", "default": True}],
            "domains": [{"name": "shop", "unknown": "reject"}],
            "addresses": [{"address": address, "domain": "shop"} for address in PUBLIC.values()],
            "backends": [{"name": "one", "address": lab.SERVER, "port": 8081, "function": 1}],
            "services": [{"name": "web", "domain": "shop", "address": PUBLIC[4], "protocol": "tcp", "port": 80,
                          "mode": "stateful", "backends": ["one"]}]}


@pytest.fixture(name="shop", scope="module", params=ENGINES)
def _shop(request):
    with lab.Lab(request.param) as laboratory:
        apply(laboratory, config())
        yield laboratory
        assert laboratory.finish()["differences"] == 0


@contextlib.contextmanager
def recorded(place):
    """What passes both interfaces in the block: a dictionary that is filled at its end."""
    seen, files = {}, {}
    for tap, space in (("net0", place.client), ("host1", place.server)):
        name, files[tap] = f"record-{tap}", place.folder / f"{tap}.pcap"
        place.log(name).unlink(missing_ok=True)
        recorder = place.start(name, "ip", "netns", "exec", space, sys.executable, "-c", RECORD, tap, files[tap])
        lab.wait_until(lambda log=place.log(name): "ready" in log.read_text(), "a recorder", recorder)
    try:
        yield seen
    finally:
        for tap, file in files.items():
            place.stop(f"record-{tap}")
            seen[tap] = list(rdpcap(str(file)))


def ask(place, text, *words):
    done = place.run(place.client, sys.executable, "-c", text, *words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def about(frames, layer, port):
    """Frames with this port on either side."""
    return [frame for frame in frames if layer in frame and port in (frame[layer].sport, frame[layer].dport)]


def has_right_checksums(frame):
    """Are they those that scapy computes?"""
    again = Ether(bytes(frame))
    for layer in (IP, TCP, ICMP):
        if layer in again:
            again[layer].chksum = None
    if ICMPv6DestUnreach in again:
        again[ICMPv6DestUnreach].cksum = None
    return bytes(again) == bytes(frame)


def is_from_the_card(answer, question, version):
    """Header fields of section 6 of docs/pipeline.md."""
    layer = LAYER3[version]
    assert (answer[Ether].src, answer[Ether].dst) == (question[Ether].dst, question[Ether].src)
    assert (answer[layer].src, answer[layer].dst) == (question[layer].dst, question[layer].src)
    if version == 4:
        assert (answer[IP].ttl, answer[IP].id, str(answer[IP].flags)) == (64, 0, "DF")
    else:
        assert answer[IPv6].hlim == 64
    assert has_right_checksums(answer)
    return True


@pytest.mark.parametrize("version", [4, 6])
def test_p4_a_port_without_listener_is_refused_by_the_card(shop, version):
    """P4 S4.29: one SYN, one RST with the acknowledgement that the client needs; the server sees neither."""
    with recorded(shop) as seen:
        assert ask(shop, TCP_ASK, PUBLIC[version], PORT) == "ConnectionRefusedError"
    question, answer = about(seen["net0"], TCP, PORT)
    assert question[TCP].flags == "S" and is_from_the_card(answer, question, version)
    assert answer[TCP].flags == "RA" and (answer[TCP].sport, answer[TCP].dport) == (PORT, question[TCP].sport)
    assert answer[TCP].seq == 0 and answer[TCP].ack == (question[TCP].seq + 1) % 2**32
    assert answer[TCP].window == 0 and answer[TCP].options == []
    assert about(seen["host1"], TCP, PORT) == []


def test_p4_curl_is_refused_at_once(shop):
    done = shop.curl(f"http://{PUBLIC[4]}:{PORT}/")
    assert done.returncode == 7  # not 28, which is a timeout


@pytest.mark.parametrize("version", [4, 6])
def test_p4_udp_is_told_that_the_port_is_unreachable(shop, version):
    """P4 S4.30: ICMP and ICMPv6 port unreachable with the packet's beginning, which the kernel gives to the socket."""
    with recorded(shop) as seen:
        assert ask(shop, UDP_ASK, PUBLIC[version], PORT) == "ConnectionRefusedError"
    question = about(seen["net0"], UDP, PORT)[0]
    if version == 4:
        answer = next(frame for frame in seen["net0"] if ICMP in frame)
        assert (answer[ICMP].type, answer[ICMP].code) == (3, 3)
        quoted = bytes(answer[ICMP])[8:]
    else:
        answer = next(frame for frame in seen["net0"] if ICMPv6DestUnreach in frame)
        assert answer[ICMPv6DestUnreach].code == 4
        quoted = bytes(answer[ICMPv6DestUnreach])[8:]
    assert is_from_the_card(answer, question, version)
    assert quoted == bytes(question)[14:128]
    assert not [frame for frame in seen["host1"] if UDP in frame and frame[UDP].dport == PORT]


def test_p6_a_packet_without_record_gets_a_rst_that_ends_the_connection(shop):
    """P6 S4.44: the client sent bytes and an ACK, so the RST has the number that it acknowledged."""
    with recorded(shop) as seen:
        client = subprocess.Popen(["ip", "netns", "exec", shop.client, sys.executable, "-c", CUT, PUBLIC[4], "80"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert client.stdout.readline() == "200\n"
        shop.portcam("connection", "flush", "--service", "web")
        assert client.communicate("\n")[0] == "ConnectionResetError\n"
    frames = about(seen["net0"], TCP, 80)
    question, answer = frames[-2:]
    assert bytes(question[TCP].payload).startswith(b"GET") and is_from_the_card(answer, question, 4)
    assert answer[TCP].flags == "R" and answer[TCP].seq == question[TCP].ack and answer[TCP].ack == 0


def test_p7_no_backend_is_a_refusal(shop):
    """P7: a new connection while all weights are 0."""
    shop.portcam("backend", "drain", "one")
    try:
        with recorded(shop) as seen:
            assert ask(shop, TCP_ASK, PUBLIC[4], 80) == "ConnectionRefusedError"
    finally:
        shop.portcam("backend", "set", "one", "weight", "1")
    question, answer = about(seen["net0"], TCP, 80)
    assert is_from_the_card(answer, question, 4) and answer[TCP].flags == "RA"
    assert answer[TCP].ack == (question[TCP].seq + 1) % 2**32
    assert ask(shop, TCP_ASK, PUBLIC[4], 80) == "connected"
