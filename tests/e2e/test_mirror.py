# SPDX-License-Identifier: Apache-2.0
"""The mirror of the connections: what an operator sees of it, and what another process reads of it, on the simulated card
with the reference model as its engine and frames from here."""

import array
import json
import mmap
import os
import re
import select
import socket
import subprocess

import pytest

from cli_daemon import ROOT, Daemon
from test_connections import CLIENT, PUBLIC, SERVERS, SHOP, SYN, SYN_ACK, ACK, Card, ends, tcp

READER = ROOT / "build/docs/examples/mirror"
RST = 4


@pytest.fixture(name="card")
def _card(tmp_path):
    with Card(tmp_path) as card:
        yield card.start()


@pytest.fixture(name="daemon")
def _daemon(tmp_path, card):
    with Daemon(tmp_path, device=f"vfio-user:{card.path}") as daemon:
        daemon.start().apply(SHOP)
        yield daemon


def changes(connection, count):
    """So many changes of connections; other events between them are left out."""
    found = []
    while len(found) < count:
        event = connection.line()
        if event["event"] == "connection":
            found.append(event)
    return found


def monitor(daemon, **filters):
    connection = daemon.connect()
    args = {"args": {"filter": filters}} if filters else {}
    assert connection.ask("monitor", "start", **args)["event"] == "monitor"
    return connection


def mirror(daemon):
    return daemon.json("mirror", "status")["mirror"]


def read(daemon, *words):
    return subprocess.run([READER, daemon.socket, *words], capture_output=True, text=True, timeout=60, check=False)


# ---- monitor ----

def test_the_life_of_a_connection_is_told_with_both_tuples_and_its_last_counters(daemon, card):
    client = monitor(daemon)
    server = card.connect(4000, ACK)
    told = changes(client, 1)
    while told[-1]["state"] != "established":
        told += changes(client, 1)
    first, last = told[0], told[-1]
    assert first["change"] == "began"
    assert all(event["change"] == "changed" for event in told[1:])
    for event in told:
        assert event["client"] == {"address": CLIENT, "port": 4000}
        assert event["public"] == {"address": PUBLIC, "port": 80}
        assert event["server"] == {"address": SERVERS[event["backend"]], "port": 8080}
        assert event["service"] == "web" and event["protocol"] == "tcp" and event["format"] == 1
    assert last["embryonic"] is False
    daemon.json("connection", "delete", last["connection"])
    end = changes(client, 1)[0]
    assert (end["change"], end["cause"], end["state"]) == ("ended", "deleted", "established")
    assert end["forward"] == {"packets": 2, "octets": 120}
    assert end["reverse"] == {"packets": 1, "octets": 60}
    assert end["server"] == {"address": server[0], "port": server[1]}
    client.close()


def test_an_expired_connection_says_so(daemon, card):
    client = monitor(daemon)
    server = card.connect(4001, SYN_ACK)
    card.host.send(tcp(server, (CLIENT, 4001), RST))
    assert ends(card.net.receive())[2] == RST
    told = changes(client, 1)
    while told[-1]["change"] != "ended": # the service's timeout is half a second
        told += changes(client, 1)
    assert told[-1]["cause"] == "expired" and told[-1]["state"] == "reset"
    assert told[-1]["reverse"]["packets"] == 2
    client.close()


def test_filters_choose_what_is_told(daemon, card):
    one = monitor(daemon, client=f"{CLIENT}:4005")
    established = monitor(daemon, state="established", service="web")
    everything = monitor(daemon)
    for port in range(4000, 4010):
        card.connect(port, ACK if port % 2 else SYN)
    assert {event["client"]["port"] for event in changes(one, 1)} == {4005}
    assert sorted(event["client"]["port"] for event in changes(established, 5)) == list(range(4001, 4010, 2))
    assert {event["client"]["port"] for event in changes(everything, 10)} <= set(range(4000, 4010))
    answer = daemon.connect().ask("monitor", "start", args={"filter": {"service": "nope"}})
    assert answer["error"]["code"] == "not_found"
    for client in (one, established, everything):
        client.close()


def first_line(process, card, port):
    """The first line that a monitor prints: connections are made until it has begun to listen."""
    while not select.select([process.stdout], [], [], 0.2)[0]:
        card.connect(port, SYN)
        port += 1
    return process.stdout.readline(), port


def test_the_command_prints_a_line_for_each(daemon, card):
    command = [ROOT / "build/cli/portcam", "-S", daemon.socket, "monitor", "--client", CLIENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as text, \
            subprocess.Popen([*command, "-j"], stdout=subprocess.PIPE, text=True) as lines:
        line, port = first_line(text, card, 4100)
        words = line.split()
        assert words[1:4] == ["began", "tcp", "syn_seen"], line
        assert words[4].startswith(f"{CLIENT}:41") and words[5:8] == ["->", f"{PUBLIC}:80", "<-"], line
        line, port = first_line(lines, card, port)
        event = json.loads(line)
        assert event["change"] == "began" and event["client"]["address"] == CLIENT
        daemon.json("connection", "flush", "--all")
        while "ended" not in line:
            line = text.stdout.readline()
        assert re.search(r" deleted, 1 packet 60 octets, replies 0 packets 0 octets, 0 s$", line), line
        text.kill()
        lines.kill()


# ---- the mirror ----

def test_status_and_audit(daemon, card):
    for port in range(4000, 4050):
        card.connect(port, ACK)
    assert daemon.json("connection", "count")["states"] == {"established": 50}
    status = mirror(daemon)
    assert status["running"] and status["exact"]
    assert status["nonsense_events"] == status["nonsense_records"] == status["audit_different"] == 0
    audit = daemon.json("mirror", "audit")
    assert (audit["ok"], audit["records"], audit["different"]) == (True, 50, 0)
    assert audit["blocks"] == (status["slots"] + 4095) // 4096
    assert "50 connections: equal" in daemon.run("mirror", "audit").stdout
    text = daemon.run("mirror", "status").stdout
    assert "running           yes\n" in text


def test_a_daemon_that_starts_again_has_all_connections(daemon, card):
    for port in range(4000, 4020):
        card.connect(port, ACK)
    daemon.stop()
    for port in range(4020, 4030):
        card.connect(port, SYN)
    daemon.start()
    assert mirror(daemon)["records"] == 30
    assert daemon.json("mirror", "audit")["records"] == 30
    client = monitor(daemon)
    card.connect(4030, SYN)
    assert changes(client, 1)[0]["client"]["port"] == 4030
    client.close()


def test_after_a_reset_the_mirror_goes_on(daemon, card):
    client = monitor(daemon)
    card.connect(4000, ACK)
    daemon.json("device", "reset")
    card.connect(4001, SYN)
    told = changes(client, 1)
    while told[-1]["client"]["port"] != 4001:
        told += changes(client, 1)
    assert mirror(daemon)["running"]
    assert daemon.json("mirror", "audit")["different"] == 0
    client.close()


# ---- other processes ----

def test_another_process_reads_the_mirror(daemon, card):
    for port in range(4000, 4010):
        card.connect(port, ACK)
    client = monitor(daemon)
    card.connect(4010, SYN)
    while changes(client, 1)[0]["client"]["port"] != 4010: # the last of those before may come behind the beginning
        pass
    client.close()
    result = read(daemon)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[-1].startswith("11 connections, ")
    assert sum(f"{CLIENT} port 4003 to port 80" in line for line in lines) == 1
    result = read(daemon, CLIENT, "4003", "80")
    assert result.returncode == 0 and f"protocol 6, {CLIENT} port 4003 to port 80" in result.stdout
    assert read(daemon, CLIENT, "4999", "80").returncode == 4


def test_the_file_cannot_be_written(daemon):
    client = daemon.connect()
    client.send(b'{"format": 1, "object": "mirror", "verb": "share"}\n')
    fds = array.array("i", [0])
    data, control, _, _ = client.socket.recvmsg(4096, socket.CMSG_SPACE(fds.itemsize))
    assert json.loads(data)["slots"] == mirror(daemon)["slots"]
    fds.frombytes(control[0][2])
    fd = fds[1]
    with pytest.raises(PermissionError):
        mmap.mmap(fd, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    with pytest.raises(OSError):
        os.pwrite(fd, b"x", 0)
    again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR)
    with pytest.raises(PermissionError):
        mmap.mmap(again, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    with pytest.raises(PermissionError):
        os.pwrite(again, b"x", 0)
    with pytest.raises(OSError):
        os.ftruncate(again, 0)
    os.close(again)
    os.close(fd)
    client.close()


def test_who_mirrors_nothing_says_so(tmp_path):
    result = subprocess.run([READER, tmp_path / "nobody"], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 5 and "No such file" in result.stderr
    result = subprocess.run([ROOT / "build/cli/portcam", "-d", "model:", "mirror", "status"], capture_output=True,
                            text=True, timeout=60, check=False)
    assert result.returncode == 1 and "mirror asks portcamd" in result.stderr
