# SPDX-License-Identifier: Apache-2.0
"""Connections as an operator sees and ends them: through the daemon and without it, on the simulated card with the
reference model as its engine and frames from here."""

import json
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

from cli_daemon import PORTCAM, ROOT, Daemon, Simulator, run

SYN, RST, ACK, SYN_ACK = 2, 4, 16, 18
USAGE, REFUSED, NOT_FOUND = 1, 2, 4
PUBLIC, CLIENT = "198.51.100.1", "203.0.113.9"
SERVERS = {"web1": "192.0.2.10", "web2": "192.0.2.11"}
STATES = ["syn_seen", "syn_ack_seen", "established", "closing_client", "closing_server", "closing_both",
          "reset_client", "reset_server", "reset", "unreplied", "replied"]
SHOP = {
    "format": 1,
    "device": {"mac": "02:00:00:00:00:aa"},
    "functions": [{"function": 1, "mac": "02:00:00:00:00:01", "default": True}],
    "domains": [{"name": "shop", "state": "running", "unknown": "pass"}],
    "addresses": [{"address": "198.51.100.1/32", "domain": "shop"},
                  {"address": "2001:db8::1/128", "domain": "shop"}],
    "backends": [{"name": "web1", "address": SERVERS["web1"], "port": 8080,
                  "mac": "02:00:00:00:01:01", "function": 2, "weight": 2},
                 {"name": "web2", "address": SERVERS["web2"], "port": 8080,
                  "mac": "02:00:00:00:01:02", "function": 2, "weight": 2},
                 {"name": "spare", "address": "192.0.2.12", "port": 8080, "function": 2,
                  "backup": True}],
    "services": [{"name": "web", "domain": "shop", "address": PUBLIC, "protocol": "tcp",
                  "port": 80, "mode": "stateful", "scheduler": "rr",
                  "timeouts": {"reset": 0.5}, "backends": ["web1", "web2", "spare"]}],
}


class Port:
    """A port of the card: frames with their length before them."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def send(self, frame):
        self.socket.sendall(struct.pack(">I", len(frame)) + frame)

    def receive(self):
        return self.file.read(struct.unpack(">I", self.file.read(4))[0])

    def close(self):
        self.file.close()
        self.socket.close()


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp(source, destination, flags, seq=1000, mac=b"\x02\0\0\0\0\xaa"):
    """A frame; source and destination are (IP, port)."""
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, socket.inet_aton(source[0]),
                     socket.inet_aton(destination[0]))
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    segment = struct.pack(">HHIIBBHHH", source[1], destination[1], seq, 1, 5 << 4, flags, 512, 0, 0)
    frame = mac + b"\x02\0\0\0\0\x99" + b"\x08\0" + ip + segment
    return frame.ljust(60, b"\0")


def ends(frame):
    """Source and destination of a TCP frame, and its flags."""
    ports = struct.unpack(">HH", frame[34:38])
    return ((socket.inet_ntoa(frame[26:30]), ports[0]), (socket.inet_ntoa(frame[30:34]), ports[1]),
            frame[47])


class Card(Simulator):
    def __init__(self, folder):
        super().__init__(folder / "card")
        self.folder = folder
        self.command += ["--net", f"socket:{folder}/net", "--host", f"socket:{folder}/one",
                         "--host", f"socket:{folder}/two"]
        self.net = self.host = None

    def start(self, wait=True):
        super().start(wait)
        self.net, self.host = Port(self.folder / "net"), Port(self.folder / "two")
        return self

    def __exit__(self, *rest):
        for port in (self.net, self.host):
            if port:
                port.close()
        super().__exit__(*rest)

    def connect(self, port, upto=SYN):
        """A connection of the client's port, as far as the packet `upto`; its server."""
        self.net.send(tcp((CLIENT, port), (PUBLIC, 80), SYN))
        _, server, _ = ends(self.host.receive())
        if upto in (SYN_ACK, ACK):
            self.host.send(tcp(server, (CLIENT, port), SYN_ACK))
            assert ends(self.net.receive())[:2] == ((PUBLIC, 80), (CLIENT, port))
        if upto == ACK:
            self.net.send(tcp((CLIENT, port), (PUBLIC, 80), ACK, seq=1001))
            assert ends(self.host.receive())[1] == server
        return server


@pytest.fixture(name="card")
def _card(tmp_path):
    with Card(tmp_path) as card:
        yield card.start()


@pytest.fixture(name="daemon")
def _daemon(tmp_path, card):
    with Daemon(tmp_path, device=f"vfio-user:{card.path}") as daemon:
        daemon.start().apply(SHOP)
        yield daemon


@pytest.fixture(name="busy")
def _busy(daemon, card):
    """Four connections of client ports 4000 to 4003: two established, two only begun; two at each server."""
    for port in (4000, 4001):
        card.connect(port, ACK)
    for port in (4002, 4003):
        card.connect(port, SYN)
    return daemon


def listed(daemon, *options):
    answer = daemon.json("connection", "list", *options)
    assert answer["count"] == len(answer["connections"])
    return answer["connections"]


# ---- looking ----

def test_a_line_has_both_ends_and_both_directions(busy):
    lines = busy.run("connection", "list").stdout.splitlines()
    assert lines[0].split()[:9] == ["CONNECTION", "PROTO", "STATE", "CLIENT", "->", "PUBLIC", "<-", "SERVER",
                                    "SERVICE"]
    assert lines[-1] == "4 connections" and len(lines) == 6
    line = next(line for line in lines if f"{CLIENT}:4000 " in line)
    assert re.match(rf"\d+:\d+ +tcp +established +{CLIENT}:4000 +-> {PUBLIC}:80 +<- 192\.0\.2\.1[01]:8080 +web +web[12] +"
                    r"[\d.msh]+ +[\d.msh]+ +1\dm\d\ds +2 +120 +1 +60$", line), line


def test_json_is_whole_and_filters_choose(busy):
    everything = listed(busy)
    assert len(everything) == 4
    one = next(c for c in everything if c["client"]["port"] == 4000)
    assert one["client"] == {"address": CLIENT, "port": 4000}
    assert one["public"] == {"address": PUBLIC, "port": 80}
    assert one["server"] == {"address": SERVERS[one["backend"]], "port": 8080}
    assert (one["state"], one["service"], one["protocol"], one["embryonic"]) == ("established", "web", "tcp", False)
    assert one["forward"] == {"packets": 2, "octets": 120} and one["reverse"] == {"packets": 1, "octets": 60}
    assert one["idle_ms"] <= one["age_ms"] and one["left_ms"] <= 900000
    for options, count in ((["--service", "web"], 4), (["--backend", "web1"], 2), (["--backend", "spare"], 0),
                           (["--client", CLIENT], 4), (["--client", f"{CLIENT}:4002"], 1),
                           (["--state", "syn_seen"], 2), (["--state", "established", "--backend", "web2"], 1),
                           (["--protocol", "udp"], 0), (["--client", "2001:db8::1"], 0)):
        assert len(listed(busy, *options)) == count, options
        assert busy.json("connection", "count", *options)["count"] == count
    assert busy.json("connection", "count")["states"] == {"established": 2, "syn_seen": 2}
    text = busy.run("connection", "count").stdout
    assert re.match(r"syn_seen +2\nestablished +2\nall +4\n$", text), text


def test_show_has_every_field(busy):
    one = listed(busy, "--client", f"{CLIENT}:4001")[0]
    whole = busy.json("connection", "show", one["connection"])["connection"]
    assert set(whole) > set(one)
    assert f"{whole['slot']}:{whole['generation']}" == one["connection"]
    assert whole["domain"] == "shop" and whole["client_next"] == 1001
    assert busy.json("connection", "show", str(whole["slot"]))["connection"]["generation"] == whole["generation"]
    text = busy.run("connection", "show", one["connection"]).stdout
    for words in (f"from the client  {CLIENT}:4001 -> {PUBLIC}:80, 2 packets, 120 octets", "service          web, domain shop"):
        assert words in text


def test_states_are_those_of_the_filter(busy):
    for state in STATES:
        busy.json("connection", "count", "--state", state)
    result = busy.run("connection", "list", "--state", "none")
    assert result.returncode == USAGE and ", ".join(STATES) in result.stderr


def test_backends_and_stats_count_connections(busy, card):
    backends = {b["name"]: b for b in busy.json("-s", "backend", "show")["backends"]}
    for name in SERVERS:
        assert (backends[name]["active"], backends[name]["records"]) == (2, 2)
        assert backends[name]["connections"]["new"] == 2
        assert backends[name]["connections"]["syn_ack_count"] == 1
    text = busy.run("-s", "backend", "show").stdout
    for column in ("ACTIVE", "RECORDS", "NEW", "SYN REPEATS", "SYN RESETS", "SYN-ACK MS", "MAX MS"):
        assert column in text
    assert "CONNECTIONS" not in busy.run("backend", "show").stdout
    stats = busy.json("stats", "show")
    assert stats["connections"]["new"] == stats["connections"]["records"] == 4
    assert stats["connections"]["embryonic"] == 2
    assert busy.run("stats", "show").stdout.startswith(
        "connections: 4 new, 4 records, 2 of them embryonic, 81952 slots\n")
    text = busy.run("--rate", "stats", "show").stdout
    assert "MAX MS EVER" in text and "MAX MS" not in text.replace("MAX MS EVER", "")
    stop = threading.Event()

    def traffic():
        port = 5000
        while not stop.is_set():
            card.connect(port, SYN_ACK)
            port += 1

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        rate = busy.json("--rate", "stats", "show")
    finally:
        stop.set()
        thread.join()
    assert rate["connections"]["new"] > 0 and rate["seconds"] > 0
    web1 = next(b for b in rate["backends"] if b["name"] == "web1")
    assert web1["connections"]["new"] > 0 and web1["connections"]["syn_ack_ms_mean"] >= 0
    assert web1["connections"]["syn_ack_ms_max_ever"] >= 0
    assert not {"syn_ack_ms", "syn_ack_ms_max"} & set(web1["connections"])


def test_explain_finds_the_record(busy):
    packet = busy.json(*f"explain tcp {CLIENT}:4000 to {PUBLIC}:80".split())["packets"][0]
    assert packet["reason"] == "connection_forward"
    assert "state established" in json.dumps(packet["steps"])
    server = listed(busy, "--client", f"{CLIENT}:4000")[0]["server"]["address"]
    packet = busy.json(*f"explain from function 2 tcp {server}:8080 to {CLIENT}:4000".split())["packets"][0]
    assert packet["reason"] == "connection_reverse" and f"from {PUBLIC}:80" in packet["becomes"]
    packet = busy.json(*f"explain tcp {CLIENT}:9 to {PUBLIC}:80".split())["packets"][0]
    assert packet["reason"] == "connection_new"
    assert len(listed(busy)) == 4, "nothing was made"


# ---- ending ----

def test_delete_ends_only_what_is_meant(busy, card):
    one = listed(busy, "--client", f"{CLIENT}:4000")[0]["connection"]
    slot, generation = map(int, one.split(":"))
    result = busy.run("connection", "delete", f"{slot}:{generation + 100}")
    assert result.returncode == REFUSED
    assert f"the connection in slot {slot} is another one than {slot}:{generation + 100}" in result.stderr
    assert busy.json("-n", "connection", "delete", one)["connection"]["connection"] == one
    assert len(listed(busy)) == 4
    assert busy.json("connection", "delete", one)["connection"]["state"] == "established"
    assert busy.run("connection", "delete", one).returncode == NOT_FOUND
    assert len(listed(busy)) == 3
    card.net.send(tcp((CLIENT, 4000), (PUBLIC, 80), ACK, seq=1001))
    source, destination, flags = ends(card.net.receive())
    assert (source, destination) == ((PUBLIC, 80), (CLIENT, 4000)) and flags & RST


def test_flush_needs_a_choice(busy):
    assert busy.run("connection", "flush").returncode == USAGE
    answer = busy.json("-n", "connection", "flush", "--backend", "web1")
    assert answer["count"] == 2 and answer["dry_run"] and len(listed(busy)) == 4
    text = busy.run("connection", "flush", "--backend", "web1").stdout.splitlines()
    assert text[-1] == "2 connections ended" and len(text) == 4
    assert {c["backend"] for c in listed(busy)} == {"web2"}
    answer = busy.json("connection", "flush", "--all")
    assert answer["count"] == 2 and not answer["dry_run"] and listed(busy) == []
    connection = busy.connect()
    assert connection.ask("connection", "flush", args={})["error"]["code"] == "usage"
    connection.close()


def test_removing_a_backend_ends_its_connections_and_says_so(busy):
    assert busy.run("service", "set", "web", "backends", "web2,spare").stdout.endswith("2 connections ended\n")
    assert {c["backend"] for c in listed(busy)} == {"web2"}
    config = json.loads(json.dumps(SHOP))
    config["services"] = []
    answer = busy.apply(config, "-n")
    assert answer["ended"] == 2 and answer["dry_run"] and len(listed(busy)) == 2
    assert busy.apply(config)["ended"] == 2 and listed(busy) == []


def test_connections_survive_other_changes_and_the_daemon(busy, card):
    busy.json("service", "set", "web", "timeouts", "reset=5,syn=600")
    busy.json("backend", "set", "web1", "weight", "0")
    busy.json("backend", "add", "more", "address", "192.0.2.77", "port", "8080", "function", "2")
    busy.json("service", "set", "web", "backends", "web1,web2,more", "scheduler", "wlc")
    busy.json("limits", "set", "reject_rate", "5")
    assert busy.stop() == 0
    busy.start()
    assert "made equal" not in busy.log.read_text() and "applied again" not in busy.log.read_text()
    assert len(listed(busy)) == 4
    card.net.send(tcp((CLIENT, 4000), (PUBLIC, 80), ACK, seq=1001))
    assert ends(card.host.receive())[0] == (CLIENT, 4000)


# ---- draining ----

def test_drain_waits_and_tells_what_ended_by_itself(busy, card):
    """Servers end two connections with RST, whose timeout is short; nothing has to be ended."""
    assert busy.run("backend", "drain", "web1").stdout == \
        "backend web1 is draining: of 2 connections 0 ended by themselves, 0 were ended, 2 are left\n"
    for c in listed(busy, "--backend", "web1"):
        card.host.send(tcp((SERVERS["web1"], 8080), (CLIENT, c["client"]["port"]), RST))
        card.net.receive()
    answer = busy.json("backend", "drain", "web1", "--wait")
    assert answer["left"] == 0 and answer["ended"] == [] and answer["weight_before"] == 0
    assert answer["ended_by_themselves"] == answer["records"]
    assert listed(busy, "--backend", "web1") == []
    for port in (6000, 6001, 6002):
        assert card.connect(port)[0] == SERVERS["web2"]


def test_drain_ends_the_rest_at_the_deadline_and_lists_it(busy):
    before = {c["connection"] for c in listed(busy, "--backend", "web2")}
    answer = busy.json("backend", "drain", "web2", "--deadline", "0.3")
    assert answer["seconds"] >= 0.3 and answer["weight_before"] == 2
    assert {c["connection"] for c in answer["ended"]} == before and len(before) == 2
    assert answer["left"] == 0 and answer["ended_by_themselves"] == 0 and answer["records"] == 2
    assert busy.json("config", "show")["config"]["backends"][1]["weight"] == 0
    text = busy.run("backend", "drain", "web1", "--deadline", "0").stdout.splitlines()
    assert text[0].startswith("CONNECTION") and len(text) == 4
    assert text[-1] == \
        "backend web1 is drained: of 2 connections 0 ended by themselves, 2 were ended, 0 are left"


def test_drain_ends_nothing_of_a_backend_that_serves_again(busy):
    drain = subprocess.Popen([PORTCAM, "-S", busy.socket, "backend", "drain", "web1", "--deadline", "3"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while busy.json("config", "show")["config"]["backends"][0]["weight"] != 0:
        time.sleep(0.02)
    busy.json("backend", "set", "web1", "weight", "2")
    out, errors = drain.communicate(timeout=60)
    assert drain.returncode == REFUSED
    assert out == "backend web1 is draining: of 2 connections 0 were ended, and then it failed\n"
    assert "backend web1 was given another weight than 0 meanwhile" in errors
    assert len(listed(busy, "--backend", "web1")) == 2


def test_drain_as_a_dry_run_changes_nothing_and_lists_what_would_end(busy):
    mine = {c["connection"] for c in listed(busy, "--backend", "web1")}
    assert busy.run("-n", "backend", "drain", "web1").stdout == \
        "backend web1 would get weight 0; it has 2 connections\n"
    text = busy.run("-n", "backend", "drain", "web1", "--deadline", "0").stdout.splitlines()
    assert text[-1] == "backend web1 would get weight 0; it has 2 connections, which would be ended"
    assert text[0].startswith("CONNECTION") and {line.split()[0] for line in text[1:-1]} == mine
    assert busy.run("-n", "backend", "drain", "web1", "--deadline", "60").stdout.endswith(
        "it has 2 connections, and those that are left after 60 seconds would be ended\n")
    answer = busy.json("-n", "backend", "drain", "web1", "--deadline", "0")
    assert {c["connection"] for c in answer["ended"]} == mine and answer["dry_run"] is True
    assert (answer["records"], answer["left"], answer["ended_by_themselves"]) == (2, 2, 0)
    assert busy.json("config", "show")["config"]["backends"][0]["weight"] == 2
    assert len(listed(busy)) == 4


def test_a_share_of_embryonic_connections_above_the_capacity_is_warned_of(busy):
    answer = busy.json("limits", "set", "embryonic", "81953")
    assert answer["changed"] and "this card has room for 81952 connections" in answer["warnings"][0]
    assert busy.json("limits", "set", "reject_rate", "7")["warnings"] == []
    assert busy.json("limits", "set", "embryonic", "81952")["warnings"] == []
    assert busy.json("limits", "set", "embryonic", "0")["warnings"] == []
    result = busy.run("-n", "limits", "set", "embryonic", "1000000")
    assert result.returncode == 0 and "warning: limits: \"embryonic\" is 1000000" in result.stderr


def test_one_is_not_plural(daemon, card):
    card.connect(4000)
    one = listed(daemon)[0]["connection"]
    assert "1 packet, 60 octets\n" in daemon.run("connection", "show", one).stdout
    assert daemon.run("stats", "show").stdout.startswith("connections: 1 new, 1 record, 1 of them embryonic")
    assert daemon.run("mirror", "audit").stdout == "21 blocks with 1 connection: equal\n"
    assert "waiting now: 0 frames" in daemon.run("slow_path", "status").stdout
    assert daemon.run("connection", "list").stdout.endswith("\n1 connection\n")
    assert daemon.run("connection", "flush", "--all").stdout.endswith("\n1 connection ended\n")


def test_backups_take_over_when_all_others_are_drained(daemon, card):
    for name in SERVERS:
        daemon.json("backend", "set", name, "weight", "0")
    assert card.connect(7000)[0] == "192.0.2.12"
    daemon.json("backend", "set", "web2", "weight", "1")
    assert {card.connect(port)[0] for port in range(7001, 7005)} == {SERVERS["web2"]}


# ---- other ways to the card ----

def test_without_a_daemon(busy, card, tmp_path):
    assert busy.stop() == 0
    options = ["-d", f"vfio-user:{card.path}", "-D", str(tmp_path / "state")]
    answer = json.loads(run("-j", *options, "connection", "list").stdout)
    assert answer["count"] == 4
    result = run(*options, "backend", "drain", "web1", "--deadline", "0")
    assert result.returncode == 0 and "2 were ended" in result.stdout
    assert json.loads(run("-j", *options, "connection", "count").stdout)["count"] == 2


def test_a_long_list_lets_others_in_between(busy):
    """A request looks at a part of the table, so that no other client waits for all of it."""
    connection = busy.connect()
    starts, found, start = [], 0, 0
    while start is not None:
        starts.append(start)
        answer = connection.ask("connection", "list", args={"from": start})
        found += len(answer["connections"])
        start = answer["next"]
    assert found == 4 and starts == list(range(0, 81952, 16384))
    for args in ({"from": -1}, {"from": "x"}, {"from": 1 << 40}, {"from": 81952}, {"filter": []},
                 {"filter": {"service": 5}}):
        assert connection.ask("connection", "list", args=args)["error"]["code"] == "usage", args
    for verb, args in (("show", {}), ("show", {"slot": "1"}), ("delete", {"slot": 1})):
        assert connection.ask("connection", verb, args=args)["error"]["code"] == "usage"
    connection.close()


# ---- configurations ----

def test_example_is_right(daemon):
    result = daemon.run("config", "apply", ROOT / "docs/examples/balance.json")
    assert result.returncode == 0 and result.stderr == ""
    shown = {s["name"]: s for s in daemon.json("service", "show")["services"]}
    assert (shown["web"]["scheduler"], shown["dns"]["scheduler"]) == ("wlc", "mh")
    assert shown["web"]["timeouts"] == {"established": 3600}
    text = daemon.run("service", "show").stdout
    assert "SCHEDULER" in text and "established=3600" in text and "NO_RECORD" not in text


def test_warnings_do_not_refuse(daemon):
    """F.18: told by check and apply, and by the edit that brings it, but by no other edit."""
    shared = json.loads(json.dumps(SHOP))
    shared["services"].append(dict(SHOP["services"][0], name="alt", port=8000))
    path = daemon.write(shared)
    words = "192.0.2.10 tcp port 8080 and 2 more are also service \"web\"'s"
    for verb in ("check", "diff", "apply"):
        result = daemon.run("config", verb, path)
        assert result.returncode == 0 and f'warning: {path}:' in result.stderr and words in result.stderr
    assert words in daemon.apply(shared)["warnings"][0]
    assert daemon.json("config", "check", path)["warnings"]
    assert daemon.json("backend", "set", "web1", "weight", "5")["warnings"] == []
    daemon.json("service", "del", "alt")
    answer = daemon.json(*"service add alt domain shop address 198.51.100.1 protocol tcp port 8000 mode stateful "
                         "backends web1".split())
    assert "192.0.2.10 tcp port 8080 is also service" in answer["warnings"][0]


def test_a_weight_is_one_change_set(daemon):
    answer = daemon.json("backend", "set", "web1", "weight", "9")
    assert {row["table"] for row in answer["rows"]} <= {"backend", "schedule"}
    answer = daemon.json("service", "set", "web", "scheduler", "wrr")
    assert {row["table"] for row in answer["rows"]} <= {"service", "schedule"}
    answer = daemon.json("backend", "set", "web1", "weight", "0")
    assert {row["table"] for row in answer["rows"]} == {"backend", "schedule"}
    assert {row["object"] for row in answer["rows"]} == {'backend "web1"', 'service "web"'}


def test_unknown_reject_answers(daemon, card):
    daemon.json("domain", "set", "shop", "unknown", "reject")
    card.net.send(tcp((CLIENT, 1234), (PUBLIC, 81), SYN))
    source, destination, flags = ends(card.net.receive())
    assert (source, destination) == ((PUBLIC, 81), (CLIENT, 1234)) and flags & RST


def test_records_age(daemon, card):
    daemon.json("service", "set", "web", "timeouts", "syn=0.2")
    card.connect(4000)
    while listed(daemon):
        time.sleep(0.05)
