# SPDX-License-Identifier: Apache-2.0
"""portcam trace as an operator uses it, on the simulated card with the reference model as its engine and frames from here."""

import json
import re
import select
import signal
import struct
import subprocess
import time

import pytest

from cli_daemon import PORTCAM, Daemon, run
from test_connections import ACK, CLIENT, PUBLIC, SHOP, SYN, Card, tcp

USAGE, REFUSED, NOT_FOUND, SETUP = 1, 2, 4, 5
OTHER = "192.0.2.77"
ARP = b"\xff" * 6 + b"\x02\0\0\0\0\x99\x08\x06" + bytes(46)


@pytest.fixture(name="card")
def _card(tmp_path):
    with Card(tmp_path) as card:
        yield card.start()


@pytest.fixture(name="daemon")
def _daemon(tmp_path, card):
    with Daemon(tmp_path, device=f"vfio-user:{card.path}") as daemon:
        daemon.start().apply(SHOP)
        yield daemon


class Trace:
    """The command, from the moment that the card samples to the end of the with block."""

    def __init__(self, daemon, *words):
        self.process = subprocess.Popen([PORTCAM, "-S", daemon.socket, *map(str, words)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        stream = self.process.stdout if "-j" in words else self.process.stderr
        self.first = stream.readline().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def line(self):
        return self.process.stdout.readline().decode().rstrip("\n")

    def quiet(self, seconds=0.3):
        """Is nothing told for so long?"""
        return not select.select([self.process.stdout], [], [], seconds)[0]

    def end(self, number=signal.SIGINT, code=0):
        """What it tells until its end: standard output and standard error."""
        if number:
            self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == code, errors
        return out, errors.decode()


def test_a_line_for_each_packet_with_its_rows(daemon, card):
    with Trace(daemon, "trace") as trace:
        assert trace.first == "portcam: tracing, at most 1000 packets a second; Ctrl-C ends it\n"
        server, port = card.connect(4000, ACK)
        card.net.send(tcp((CLIENT, 4001), (PUBLIC, 81), SYN))
        card.net.send(tcp((OTHER, 4002), ("192.0.2.99", 81), SYN))
        card.net.send(ARP)
        lines = [trace.line() for _ in range(6)]
        backend = {"192.0.2.10": "web1", "192.0.2.11": "web2"}[server]
        rows = f"[domain shop, address {PUBLIC}/32, service web, backend {backend}, connection "
        assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} ", line) for line in lines)
        first, reply, ack, wrong, stranger, arp = (line.split(" ", 1)[1] for line in lines)
        slot = re.search(r"connection (\d+) begins\]$", first).group(1)
        assert first == (f"network: tcp {CLIENT}:4000 -> {PUBLIC}:80 [S], 60 bytes: rewrite (connection_new), to "
                         f"{server}:{port} by function 2  {rows}{slot} begins]")
        assert reply == (f"function 2: tcp {server}:{port} -> {CLIENT}:4000 [S.], 60 bytes: rewrite (connection_reverse), "
                         f"from {PUBLIC}:80 by the network  {rows}{slot}]")
        assert ack == (f"network: tcp {CLIENT}:4000 -> {PUBLIC}:80 [.], 60 bytes: rewrite (connection_forward), to "
                       f"{server}:{port} by function 2  {rows}{slot}]")
        assert wrong == (f"network: tcp {CLIENT}:4001 -> {PUBLIC}:81 [S], 60 bytes: pass (unknown_pass), to function 1  "
                         f"[domain shop, address {PUBLIC}/32]")
        assert stranger == (f"network: tcp {OTHER}:4002 -> 192.0.2.99:81 [S], 60 bytes: pass (no_match), to function 1")
        assert arp == "network: arp, 60 bytes: pass (non_ip), to function 1"
        assert daemon.json("connection", "show", slot)["connection"]["client"]["port"] == 4000
        out, errors = trace.end()
        assert out == b"" and errors == "6 sampled, 6 matched, 0 limited, 0 lost\n"


def test_filters_choose(daemon, card):
    for words, ports in (("host " + CLIENT, [4000, 4001]), ("src host " + OTHER, [4002]), ("host 203.0.113.0/24", [4000, 4001]),
                         ("dst port 81 and tcp", [4001, 4002]), ("service web", [4000]), ("reason pass", [4001, 4002]),
                         ("ingress network ip", [4000, 4001, 4002]), ("host " + CLIENT + " port 81", [4001]),
                         ("ingress function 2", []), ("udp", []), ("every 2", [4000, 4002])):
        card.net.send(tcp((OTHER, 1), (PUBLIC, 82), SYN)) # nobody traces
        with Trace(daemon, "-j", "trace", *words.split()) as trace:
            card.net.send(tcp((CLIENT, 4000), (PUBLIC, 80), SYN))
            card.net.send(tcp((CLIENT, 4001), (PUBLIC, 81), SYN))
            card.net.send(tcp((OTHER, 4002), (PUBLIC, 81), SYN))
            card.net.send(ARP)
            daemon.json("stats", "show")
            time.sleep(0.2)
            *packets, end = map(json.loads, trace.end()[0].splitlines())
        packets = [packet for packet in packets if "source" in packet]
        assert [packet["source"]["port"] for packet in packets] == ports, words
        assert end["event"] == "trace_end" and end["why"] == "asked", words


def test_count_ends_it_and_json_has_all(daemon, card):
    with Trace(daemon, "-j", "trace", "count", "2", "tcp") as trace:
        assert json.loads(trace.first) == {"event": "trace", "every": 1, "rate": 1000, "format": 1}
        card.connect(4000, ACK)
        out, errors = trace.end(number=None)
    assert errors == ""
    first, second, end = map(json.loads, out.splitlines())
    assert (first["reason"], first["began"], second["reply"]) == ("connection_new", True, True)
    assert first["time"] == pytest.approx(time.time(), abs=60)
    assert bytes.fromhex(first["head"]) == tcp((CLIENT, 4000), (PUBLIC, 80), SYN)
    assert (end["why"], end["sampled"]) == ("count", 2)


def test_the_rate_is_kept(daemon, card):
    for words in (["rate", "5"], ["rate", "5", "service", "web"]):
        with Trace(daemon, "trace", *words) as trace:
            assert "at most 5 packets a second" in trace.first
            for port in range(5000, 5200):
                card.net.send(tcp((CLIENT, port), (PUBLIC, 80), SYN))
            for _ in range(200):
                card.host.receive()
            time.sleep(0.3)
            out, errors = trace.end()
        sampled, matched, limited, lost = map(int, re.findall(r"\d+", errors))
        assert 5 <= sampled < 200 and len(out.splitlines()) == sampled, errors
        assert (matched, limited, lost) == (200, 200 - sampled, 0), errors


def test_one_trace_at_a_time(daemon, card):
    with Trace(daemon, "trace") as trace:
        result = daemon.run("trace", "tcp")
        assert result.returncode == REFUSED
        assert f"this card is being traced already, by process {trace.process.pid} of user" in result.stderr
        connection = daemon.connect()
        assert connection.ask("trace", "stop")["ok"] is True # not its own: nothing happens
        connection.close()
        card.connect(4000, SYN)
        assert "connection_new" in trace.line()
        trace.process.kill()
        trace.process.wait()
    while busy(daemon): # until the daemon has seen that it is gone
        time.sleep(0.02)


def busy(daemon):
    """Does somebody trace?"""
    connection = daemon.connect()
    answer = connection.ask("trace", "start")
    connection.close()
    return "error" in answer


def test_a_capture_file_of_heads(daemon, card):
    file = daemon.folder / "trace.pcap"
    long = tcp((CLIENT, 4001), (PUBLIC, 81), SYN) + bytes(200)
    with Trace(daemon, "trace", "count", 2, "-w", file) as trace:
        assert trace.first.startswith(f"portcam: tracing to {file}, at most 1000 packets a second")
        card.net.send(tcp((CLIENT, 4000), (PUBLIC, 80), SYN))
        card.net.send(long)
        out, errors = trace.end(number=None)
    assert out == b"" and errors == "2 sampled, 2 matched, 0 limited, 0 lost\n"
    with Trace(daemon, "trace", "count", 2, "--write", "-") as trace:
        card.net.send(tcp((CLIENT, 4000), (PUBLIC, 80), SYN))
        card.net.send(long)
        out, errors = trace.end(number=None)
    for data in (file.read_bytes(), out):
        assert struct.unpack("<IHHiIII", data[:24]) == (0xa1b2c3d4, 2, 4, 0, 0, 128, 1)
        seconds, micros, head, length = struct.unpack("<IIII", data[24:40])
        assert abs(seconds - time.time()) < 60 and micros < 1000000 and (head, length) == (60, 60)
        assert data[40:100] == tcp((CLIENT, 4000), (PUBLIC, 80), SYN)
        assert struct.unpack("<II", data[108:116]) == (128, len(long))
        assert data[116:] == long[:128]
    result = daemon.run("trace", "-w", "/no/where")
    assert result.returncode == REFUSED and "/no/where cannot be written: No such file" in result.stderr
    assert not busy(daemon)
    before = file.read_bytes()
    assert daemon.run("trace", "-w", file, "service", "no").returncode == NOT_FOUND
    assert file.read_bytes() == before


def test_off_until_it_is_asked_for_and_off_again(daemon, card):
    assert not busy(daemon)
    card.connect(4000, ACK)
    with Trace(daemon, "trace", "-j") as trace:
        assert trace.quiet() # nothing of what was before
        trace.end()
    assert not busy(daemon)


def test_the_daemon_goes_away(daemon, card):
    with Trace(daemon, "trace") as trace:
        card.connect(4000, SYN)
        assert "connection_new" in trace.line()
        daemon.stop(signal.SIGKILL)
        errors = trace.end(number=None, code=SETUP)[1]
        assert "portcamd ended, and the trace with it" in errors
    daemon.start()
    with Trace(daemon, "trace", "count", 1) as trace: # what the killed one left running is started anew
        card.connect(4001, SYN)
        assert ":4001 " in trace.line()


def test_the_card_goes_away(daemon, card):
    with Trace(daemon, "-j", "trace") as trace:
        card.stop(signal.SIGKILL)
        out = trace.end(number=None, code=SETUP)[0].decode()
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "setup"


def test_a_reset_of_the_card(daemon, card):
    with Trace(daemon, "trace", "tcp") as trace:
        card.connect(4000, SYN)
        assert ":4000 " in trace.line()
        daemon.json("device", "reset")
        port = 4001
        while trace.quiet(0.1):
            card.connect(port, SYN)
            port += 1
        assert "connection_new" in trace.line()
        assert "the card was reset 1 time" in trace.end()[1]


def test_a_client_that_does_not_read_is_dropped(daemon, card):
    connection = daemon.connect()
    assert connection.ask("trace", "start", args={"rate": 65535})["event"] == "trace"
    frame = tcp((OTHER, 4000), ("192.0.2.99", 81), SYN)
    for _ in range(200):
        for _ in range(200):
            card.net.send(frame)
        if not busy(daemon):
            break
    assert not busy(daemon)
    connection.close()


def test_wrong_arguments_over_the_socket(daemon):
    connection = daemon.connect()
    for args in ({"src": 5}, {"hosts": "x"}, {"hosts": ["1.2.3.4"] * 3}, {"ports": [0]}, {"ports": ["80"]}, {"rate": 0},
                 {"rate": 1 << 40}, {"every": -1}, {"count": "1"}, {"version": "5"}, {"version": 4}, {"ingress": 256},
                 {"hosts": [5]}, {"protocol": 6}, {"reasons": ["drop"]}, {"dst_port": 65536}):
        answer = connection.ask("trace", "start", args=args)
        assert answer["error"]["code"] == "usage", args
    assert connection.ask("trace", "start", args={"service": "no"})["error"]["code"] == "not_found"
    connection.close()
    assert not busy(daemon)


WRONG = {
    "or": (USAGE, "trace knows no or: all that is given must fit"),
    "host": (USAGE, "after host stands an ADDRESS or ADDRESS/LENGTH"),
    "host 1.2.3": (USAGE, 'a host is "1.2.3"; give an address, or ADDRESS/LENGTH'),
    "src host 10.0.0.1/8": (USAGE, 'the source is "10.0.0.1/8"; it has bits behind its length'),
    "host 1.1.1.1 host 2.2.2.2 host 3.3.3.3": (USAGE, "a packet has two sides; host is given more than twice"),
    "src port 1 src port 2": (USAGE, "is given twice; all that is given must fit"),
    "src service web": (USAGE, "after src stands host ADDRESS or port N"),
    "port 0": (USAGE, "after port stands a number from 1 to 65535, not 0"),
    "port http": (USAGE, "not http"),
    "proto tpc": (USAGE, 'the protocol is "tpc"; give tcp, udp, sctp, icmp, icmpv6 or a number'),
    "tcp udp": (USAGE, "protocol is given twice"),
    "ingress 99": (USAGE, "there is no function 99; this card has 0 to 15"),
    "ingress door": (USAGE, "after ingress stands network or function N"),
    "reason drip": (NOT_FOUND, 'there is no reason "drip"; `portcam stats show --all` lists them'),
    "service wob": (NOT_FOUND, 'there is no service "wob"; `portcam service show` lists them'),
    "ip6 host 1.2.3.4": (USAGE, "no packet is of IPv4 and of IPv6"),
    "rate 100000": (USAGE, "after rate stands a number from 1 to 65535"),
    "192.0.2.1": (USAGE, 'what is "192.0.2.1"? Say host or port before it'),
    "hots 192.0.2.1": (USAGE, 'what is "hots"? Did you mean host?'),
    "xyzzy": (USAGE, 'what is "xyzzy"? A filter is made of'),
    "-j -w -": (USAGE, "standard output takes JSON or packets, not both"),
    "-d model:": (USAGE, "trace asks portcamd; it does not work with --device"),
}


def test_what_is_wrong_is_said(daemon):
    for words, (code, text) in WRONG.items():
        result = daemon.run("trace", *words.split())
        assert result.returncode == code and text in result.stdout + result.stderr, (words, result)
    result = run("-S", "/nowhere", "trace")
    assert result.returncode == SETUP and "portcamd does not run" in result.stderr
