# SPDX-License-Identifier: Apache-2.0
"""The portcam command: its whole table, answers, errors, exit codes, help and completion."""

import copy
import json
import re
import select
import signal
import struct
import subprocess

import pytest

import model_run as m
from cli_daemon import PORTCAM, ROOT, SHOP, Daemon, run

USAGE, REFUSED, PARTIAL, NOT_FOUND, SETUP, TIMEOUT = 1, 2, 3, 4, 5, 124
TABLE = {"device": ["list", "bind", "unbind", "show", "set", "health", "selftest", "reset"],
         "function": ["show", "add", "set", "del"],
         "domain": ["show", "add", "set", "del", "state"],
         "address": ["show", "add", "set", "del"],
         "service": ["show", "add", "set", "del"],
         "backend": ["show", "add", "set", "del", "drain"],
         "limits": ["show", "set"],
         "slow_path": ["show", "status", "set"],
         "connection": ["list", "show", "count", "delete", "flush"],
         "mirror": ["status", "audit"],
         "stats": ["show"],
         "config": ["show", "check", "diff", "apply", "save"],
         "monitor": [], "explain": [], "trace": [], "help": []}
TO_WEB = "explain from network tcp 10.0.0.2:1234 to 198.51.100.1:80"
REPLY = "explain from function 1 tcp 192.0.2.10:8081 to 10.0.0.2:1234"


@pytest.fixture(name="empty")
def _empty(tmp_path):
    with Daemon(tmp_path) as daemon:
        yield daemon.start()


@pytest.fixture(name="daemon")
def _daemon(empty):
    empty.apply(SHOP)
    return empty


@pytest.fixture(name="still", scope="module")
def _still(tmp_path_factory):
    """One daemon for the tests that change nothing."""
    with Daemon(tmp_path_factory.mktemp("still")) as daemon:
        daemon.start()
        daemon.apply(SHOP)
        yield daemon


# ---- every object and verb ----

def test_help_lists_the_whole_table():
    text = run("help").stdout
    found = dict(re.findall(r"^  (\w+) +((?:\w+\|)*\w+)?  ", text, re.M))
    assert {name: verbs.split("|") if verbs else [] for name, verbs in found.items()} == TABLE
    assert run("--help").stdout == run("-h").stdout == text


@pytest.mark.parametrize("name", TABLE)
def test_help_of_every_object(name):
    text = run("help", name).stdout
    assert text.startswith(f"{name}: ")
    for verb in TABLE[name]:
        assert re.search(rf"^  portcam {name} {verb}\b", text, re.M)
    assert run("-h", name).stdout == run(name, "-h").stdout == text
    if TABLE[name]:
        assert run(name, "help").stdout == text


TEXTS = {
    "device list": r"no cards\n|.*  [0-9a-f]{4}",
    "device bind 0000:ff:1f.7": NOT_FOUND,
    "device unbind pci:0000:ff:1f.7": NOT_FOUND,
    "device show": r"device +model:\n(.*\n)+build +0x[0-9a-f]{8}\n(.*\n)+service +4  1024\n",
    "device health": r"(ok +\w+ +.+\n){5}",
    "device selftest": r"(ok +\w+ +.+\n){4}",
    "device reset": r"the card was reset\n",
    "device set mac 02:00:00:00:00:bb":
        r"~ device: mac 02:00:00:00:00:aa -> 02:00:00:00:00:bb\n1 row changed\n",
    "function show":
        r"FUNCTION  MAC                DOMAIN  DEFAULT\n1 +02:00:00:00:00:01  shop    true",
    "function show 2": r"FUNCTION.*\n2 .*\n",
    "function add 3 mac 02:00:00:00:00:03":
        r"\+ function 3: mac 02:00:00:00:00:03\n1 row changed\n",
    "function set 2 domain bank": r"~ function 2: domain none -> bank\n1 row changed\n",
    "function del 2": r"- function 2\n1 row changed\n",
    "domain show": r"NAME  STATE    UNKNOWN  HOME\nshop  running  drop     1\n",
    "domain show bank": r"NAME.*\nbank .*\n",
    "domain add third": r"\+ domain third: state running, unknown pass\n1 row changed\n",
    "domain set bank unknown drop": r"~ domain bank: unknown pass -> drop\n1 row changed\n",
    "domain state bank paused": r"~ domain bank: state running -> paused\n1 row changed\n",
    "domain del bank": None,
    "address show":
        r"ADDRESS          VLAN  DOMAIN  FUNCTION\n198\.51\.100\.1/32  any   shop    1\n",
    "address show 198.51.100.2 vlan 5": r"ADDRESS.*\n198\.51\.100\.2/32  5 .*\n",
    "address add 198.51.100.3 vlan 7 domain bank":
        r"\+ address 198\.51\.100\.3/32 vlan 7: domain bank\n",
    "address set 198.51.100.1 function 2": r"~ address 198\.51\.100\.1/32: function 1 -> 2\n",
    "address del 198.51.100.1": None,
    "service show":
        r"NAME     DOMAIN  ADDRESS       VLAN  PROTOCOL  PORT  MODE     STRICT  BACKENDS\n",
    "service show dns": r"NAME.*\ndns .*\n",
    "service add ping domain shop protocol icmp mode deliver backends all":
        r"\+ service ping: domain shop, protocol icmp, mode deliver, backends all\n2 rows",
    "service set web port 81": r"~ service web: port 80 -> 81\n",
    "service del web": r"- service web\n",
    "backend show": r"NAME  ADDRESS         PORT  MAC                FUNCTION  WEIGHT\n",
    "backend show dns": r"NAME.*\ndns   2001:db8:1::53  keep  -    2         1\n",
    "backend add new address 192.0.2.99 function 0": r"\+ backend new: .*\n1 row changed\n",
    "backend set web1 port 8090": r"~ backend web1: port 8081 -> 8090\n",
    "backend del web1": None,
    "backend drain web1":
        r"backend web1 has weight 0: of 0 connections 0 ended by themselves, 0 were ended, 0 are left\n",
    "limits show": r"EMBRYONIC  REJECT_RATE  REJECT_BURST\n",
    "limits set reject_rate 5": r"\+ limits: reject_rate 5\n1 row changed\n",
    "slow_path show": r"ENABLED  REASONS .*  RATE   BURST  .*\n *true +fragment,sctp_ports,.*  20000  256  ",
    "slow_path status": r"no packets yet\nrunning yes, connections known (yes|no)\nwaiting now: 0 ",
    "slow_path set reasons fragment rate 9":
        r"\+ slow_path: reasons fragment, rate 9\n1 row changed\n",
    "connection list": r"0 connections\n",
    "mirror status": r"running +yes\n(.*\n)*records +0\n",
    "mirror audit": r"\d+ blocks with 0 connections: equal\n",
    "connection count": r"all +0\n",
    "connection flush --all": r"0 connections ended\n",
    "connection show 5": NOT_FOUND,
    "connection delete 5:1": NOT_FOUND,
    "stats show": r"all counters are 0; --all lists them\n",
    "config show": r"\{\n  \"format\": 1,\n",
    "config save": r"\{\n  \"format\": 1,\n",
    "config check FILE": r"ok\n",
    "config diff FILE": r"nothing to change\n",
    "config apply FILE": r"nothing to change\n",
    TO_WEB: r"P1   tcp from 10\.0\.0\.2:1234.*\n(P\d+ .*\n)+verdict: rewrite \(static_forward\)\n",
    "help": "Usage: ",
}


def test_every_command_is_tried():
    tried = {tuple(words.split()[:2]) for words in TEXTS}
    for name, verbs in TABLE.items():
        for verb in verbs:
            assert (name, verb) in tried


@pytest.mark.parametrize("words", TEXTS)
def test_text_and_json_of_every_command(daemon, words):
    """As a dry run in JSON, where the format number always is, and as text."""
    keys = {"show": "devices", "health": "checks", "selftest": "checks", "reset": "reset"}
    path = daemon.write(SHOP, "same.json")
    split = [str(path) if word == "FILE" else word for word in words.split()]
    verb = split[1] if len(split) > 1 else ""
    code = REFUSED if TEXTS[words] is None else TEXTS[words] if TEXTS[words] == NOT_FOUND else 0
    if split != ["help"]:
        answer = daemon.json("-n", *split, code=code)
        assert "id" not in answer
        if code:
            assert answer["error"]["code"] == {REFUSED: "refused", NOT_FOUND: "not_found"}[code]
            assert answer["error"]["msg"]
        elif split[0] == "device" and verb in keys:
            assert keys[verb] in answer
        elif verb in ("add", "set", "del", "state", "apply", "diff"):
            assert answer["dry_run"] and not answer["changed"] and answer["warnings"] == []
        if verb != "reset":
            assert daemon.json("config", "show")["config"] == SHOP
    result = daemon.run(*split)
    assert result.returncode == code, result.stderr
    if code == NOT_FOUND:
        missing = "no PCI device 0000:ff:1f.7" if "bind" in verb else "there is no connection in slot 5"
        assert result.stdout == "" and missing in result.stderr
    elif code:
        assert result.stdout == ""
        assert "is in use; nothing was removed; first change or remove what" in result.stderr
    else:
        assert re.match(TEXTS[words], result.stdout), result.stdout
        assert result.stderr == "" or verb == "drain" and 'service "web" is not stateful' in result.stderr


@pytest.mark.parametrize("name", ["function", "domain", "address", "service", "backend"])
def test_counters_with_s(still, name):
    plural = {"address": "addresses"}.get(name, name + "s")
    pair = ("rx", "tx") if name == "function" else ("forward", "reverse")
    for item in still.json("-s", name, "show")[plural]:
        for way in pair:
            assert set(item[way]) == {"packets", "octets"}
    assert pair[0] not in still.json(name, "show")[plural][0]
    header, row = still.run("-s", name, "show").stdout.splitlines()[:2]
    assert "PACKETS" in header and "OCTETS" in header and row.endswith(" 0")
    assert len(header) == len(row), "numbers are aligned right"


def test_stats(still):
    everything = still.json("-a", "stats", "show")
    defs = (ROOT / "hw/regs/gen/portcam_defs.h").read_text()
    reasons = re.findall(r"^    PORTCAM_REASON_(?!MAX)(\w+) = ", defs, re.M)
    assert [entry["reason"].upper() for entry in everything["reasons"]] == reasons and len(everything["functions"]) == 16
    assert [entry["name"] for entry in everything["services"]] == ["web", "bankweb", "dns", "rest"]
    text = still.run("--all", "stats", "show").stdout
    for title in ("REASON", "FUNCTION", "DOMAIN", "ADDRESS", "SERVICE", "BACKEND"):
        assert re.search(rf"(^|\n\n){title} ", text)
    rates = still.json("-a", "--rate", "stats", "show")
    assert rates["seconds"] > 0 and rates["reasons"][0]["packets"] == 0.0


def test_config_save(still):
    target = still.folder / "saved.json"
    assert still.run("config", "save", target).stdout == ""
    assert json.loads(target.read_text()) == SHOP
    result = still.run("config", "save", still.folder / "no/where")
    assert result.returncode == REFUSED and "nothing was written" in result.stderr
    piped = still.run("config", "check", "-", input=json.dumps(SHOP))
    assert piped.returncode == 0 and piped.stdout == "ok\n"
    piped = still.run("config", "check", "-", input="{")
    assert piped.returncode == REFUSED and "input:1: " in piped.stderr


# ---- what is wrong ----

WRONG = {
    "": (USAGE, "give an object and a verb"),
    "xyzzy": (USAGE, 'there is no object "xyzzy"; `portcam help` lists them'),
    "servce show": (USAGE, 'there is no object "servce"; did you mean service?'),
    "help bakend": (USAGE, 'there is no object "bakend"; did you mean backend?'),
    "service": (USAGE, "what about service? give a verb: show, add, set, del; `portcam help service`"),
    "stats": (USAGE, "what about stats? give a verb: show"),
    "show": (USAGE, '"show" is a verb; the object stands first, as in: portcam device show'),
    "service list": (USAGE, 'service has no verb "list"; did you mean show?'),
    "service remove web": (USAGE, 'service has no verb "remove"; did you mean del?'),
    "connection ls": (USAGE, 'connection has no verb "ls"; did you mean list?'),
    "connection kill 5:1": (USAGE, 'connection has no verb "kill"; did you mean delete?'),
    "service set web": (USAGE, "what shall change? give KEY VALUE"),
    "limits set embryonic -5": (USAGE, "no number here is below 0"),
    "service shwo": (USAGE, 'service has no verb "shwo"; did you mean show?'),
    "config app x": (USAGE, 'config has no verb "app"; did you mean apply?'),
    "config frobnicate": (USAGE, 'config has no verb "frobnicate"; `portcam help config` lists'),
    "service set web prto 1": (USAGE, 'service has no key "prto"; did you mean port?'),
    "service set web colour 1": (USAGE, 'no key "colour"; `portcam help service` lists them'),
    "service set web port": (USAGE, "port has no value"),
    "service set web port x": (USAGE, 'port is "x"; give a whole number'),
    "service set web port 80 port 81": (USAGE, "port is given twice"),
    "service set web strict maybe": (USAGE, 'strict is "maybe"; give true or false'),
    "service set web port 70000": (REFUSED, '"port" is 70000; it must be from 1 to 65535'),
    "service set web mode stattic":
        (REFUSED, '"mode" is "stattic"; write one of static, stateful, deliver'),
    "service set web scheduler rr": (REFUSED, '"scheduler" is for mode "stateful"; remove it'),
    "service set web timeouts syn": (USAGE, 'timeouts is "syn"; write it as established=3600,syn=30'),
    "service set web timeouts syn=5,sun=6": (REFUSED, 'unknown key "sun"'),
    "limits set reject_rate 70000": (REFUSED, '"reject_rate" is 70000; it must be from 0 to 65535'),
    "connection list --service nope": (NOT_FOUND, 'there is no service "nope"'),
    "connection list --client 1.2.3": (USAGE, "write it as 192.0.2.7, 192.0.2.7:1234 or"),
    "connection list --client 1.2.3.4:0": (USAGE, "write it as 192.0.2.7, 192.0.2.7:1234 or"),
    "connection list --state open": (USAGE, "write one of syn_seen, syn_ack_seen, established"),
    "connection list --protocol x": (USAGE, "write tcp, udp, sctp, icmp, icmpv6 or a number"),
    "connection flush": (USAGE, "which connections shall end? choose them with --service"),
    "connection show": (USAGE, "which connection? give SLOT or SLOT:GENERATION"),
    "connection show 99999999": (USAGE, "there is no slot 99999999; this card has 0 to 81951"),
    "connection delete 5": (USAGE, "which connection? give SLOT:GENERATION"),
    "connection delete 5:1x": (USAGE, "which connection? give SLOT:GENERATION"),
    "connection delete 5:1": (NOT_FOUND, "there is no connection in slot 5; it has ended"),
    "service show --state reset": (USAGE, "--protocol and --state choose connections"),
    "service show --wait": (USAGE, "--wait and --deadline go with backend drain"),
    "backend del web1 --rate": (USAGE, "--rate goes with stats show"),
    "connection flush --all --backend web1": (USAGE, "give one or the other"),
    "backend drain": (USAGE, "which backend? give its name"),
    "backend drain nope": (NOT_FOUND, 'there is no backend "nope"'),
    "backend drain web1 --deadline x": (USAGE, '--deadline is "x"; give seconds, 0 or more'),
    "service add": (USAGE, "which service? give its name"),
    "service add new": (REFUSED, 'service "new": "domain" is missing; add it'),
    "service add web domain shop": (REFUSED, 'service "web" exists already; use set to change it'),
    "service del web extra": (USAGE, '"extra" is too much; service del takes NAME'),
    "service del nope":
        (NOT_FOUND, 'there is no service "nope"; `portcam service show` lists them'),
    "service set nope port 1": (NOT_FOUND, 'there is no service "nope"'),
    "service show nope": (NOT_FOUND, 'there is no service "nope"'),
    "address show 192.0.2.1": (NOT_FOUND, 'there is no address "192.0.2.1"'),
    "address add 192.0.2.1/24 domain shop": (REFUSED, "has bits behind its prefix length; write "
                                             "192.0.2.0/24"),
    "address add 192.0.2.1 vlan": (USAGE, "vlan has no value"),
    "address add 192.0.2.1 vlan 4095 domain shop": (REFUSED, '"vlan" is 4095'),
    "backend add new address 192.0.2.1 function 99":
        (REFUSED, "there is no function 99; the functions of this card are 0 to 15"),
    "function add 0": (REFUSED, '"function" is 0; it must be from 1 to 255'),
    "domain state shop": (USAGE, "which state? give running, draining, paused or stopped"),
    "domain state shop tired": (REFUSED, "write one of running, draining, paused, stopped"),
    "domain set shop unknown ignore": (REFUSED, "write one of pass, drop, reject"),
    "device set": (USAGE, "what shall change? give KEY VALUE"),
    "device set mac 1": (REFUSED, '"1" is not a MAC address; write it as 02:00:00:00:00:01'),
    "device bind": (USAGE, "which card? give its PCI address"),
    "device bind 3:0": (USAGE, '"3:0" is not a PCI address: write it like 0000:03:00.0'),
    "device unbind 3:0": (USAGE, '"3:0" is not a PCI address: write it like 0000:03:00.0'),
    "device bind 0000:ff:1f.7": (NOT_FOUND, "no PCI device 0000:ff:1f.7: check the address with lspci"),
    "device bind 0000:ff:1f.7 now": (USAGE, '"now" is too much; device bind takes ADDRESS'),
    "device reset now": (USAGE, '"now" is too much; device reset takes no arguments'),
    "monitor now": (USAGE, '"now" is too much; monitor takes no arguments'),
    "config check": (USAGE, "which file? give its name, or - for standard input"),
    "config check /nowhere": (NOT_FOUND, "/nowhere cannot be read: No such file or directory; correct its name"),
    "config check /": (REFUSED, "/ cannot be read: Is a directory; name a file"),
    "domain add name shop": (
        USAGE, "the name stands first, without the word name: portcam domain add shop"),
    "domain add name shop home 1": (USAGE, "without the word name: portcam domain add shop ..."),
    "domain state name shop paused": (USAGE, "portcam domain state shop ..."),
    "domain del name shop": (USAGE, "portcam domain del shop"),
    "domain show name shop": (USAGE, "portcam domain show shop"),
    "address add address 10.0.0.1 domain a": (
        USAGE, "the address stands first, without the word address: portcam address add 10.0.0.1"),
    "function add function 1 domain a": (USAGE, "portcam function add 1 ..."),
    "domain show name": (NOT_FOUND, 'there is no domain "name"'),
    "explain icmp 1.2.3.4:3 to 198.51.100.1": (
        USAGE, 'icmp has no ports; leave the packet\'s "source_port" away'),
    "explain 47 1.2.3.4 to 198.51.100.1:80": (
        USAGE, 'protocol 47 has no ports; leave the packet\'s "destination_port" away'),
    "explain": (USAGE, "a packet is PROTOCOL SOURCE[:PORT] to DESTINATION[:PORT]"),
    "explain from function": (USAGE, "after from stands network or function NUMBER"),
    "explain from function 99 tcp 10.0.0.1 to 10.0.0.2": (USAGE, "there is no function 99"),
    "explain tcp 10.0.0.1:99999 to 10.0.0.2": (USAGE, '"99999" is no port'),
    "explain tcp 10.0.0.1 to 2001:db8::1": (USAGE, "of one IP version"),
    "explain vlan 9999 tcp 10.0.0.1 to 10.0.0.2": (USAGE, "after vlan stands a number up to 4094"),
    "explain colour 10.0.0.1 to 10.0.0.2": (USAGE, "give tcp, udp, sctp, icmp, icmpv6 or a number"),
    "explain hex": (USAGE, "after hex stand the bytes of a frame, two digits each"),
    "explain hex 012": (USAGE, "after hex stand the bytes of a frame"),
    "explain hex 0g": (USAGE, "after hex stand the bytes of a frame"),
    "explain pcap": (USAGE, "after pcap stands the name of a file"),
    "explain pcap /nowhere": (NOT_FOUND, "/nowhere: it cannot be read: No such file or directory; "
                              "correct its name"),
    "explain pcap /dev/null": (REFUSED, "/dev/null: it is shorter than a pcap header"),
    "-x service show": (USAGE, "-x is no option"),
    "--colour service show": (USAGE, "--colour is no option"),
    "service show --timeout": (USAGE, "--timeout has no value"),
    "-t 0 service show": (USAGE, '--timeout is "0"; give seconds, more than 0'),
    "-c /nowhere service show": (USAGE, "--state-dir and --config go with --device"),
    "-d model: monitor": (USAGE, "it does not work with --device"),
    "-d nonsense service show":
        (SETUP, "use pci:0000:03:00.0, vfio-user:/path/to/socket or model:"),
    "-d vfio-user:/nowhere service show": (SETUP, "no socket at /nowhere"),
    "-d model: -c /nowhere service show": (SETUP, "/nowhere cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("words", WRONG)
def test_errors_in_text_and_json(still, words):
    code, text = WRONG[words]
    result = still.run(*words.split())
    assert (result.returncode, result.stdout) == (code, "")
    assert text in result.stderr
    assert all(line.startswith("portcam: ") for line in result.stderr.splitlines())
    error = still.json(*words.split(), code=code)["error"]
    assert text in error["msg"] and isinstance(error["hint"], str)
    names = {USAGE: {"usage"}, REFUSED: {"refused", "exists"}, NOT_FOUND: {"not_found"},
             SETUP: {"setup"}}
    assert error["code"] in names[code]
    assert still.json("config", "show")["config"] == SHOP


def test_files_that_are_no_text(still):
    for text, words in ((b'{"format": 1,\n"domains": [\0]}', "2: there is a NUL byte; write the file"),
                        (b'{"format": 1,\n"domains": [{"name": "a\\u0000"}]}',
                         "2: a string has a NUL character, \\u0000; remove it"),
                        (b'\xef\xbb\xbf{"format": 1}', "1: the file begins with a byte order mark"),
                        (b'{"format": 1, "\xff": 1}', " is not UTF-8 text; write it as such")):
        path = still.folder / "text.json"
        path.write_bytes(text)
        for device in ((), ("-d", "model:")):
            result = still.run(*device, "config", "check", path)
            assert result.returncode == REFUSED and words in result.stderr
            assert f"{path}" in result.stderr and "JSON_ALLOW" not in result.stderr
    client = still.connect()
    client.send(b'{"format": 1, "object": "domain", "verb": "show", "args": {"name": "\\u0000"}}\n')
    assert "a string of the request has a NUL character" in client.line()["error"]["msg"]
    client.close()


def test_arguments_that_are_no_text(still):
    result = subprocess.run([PORTCAM, "-S", still.socket, "service", "show", b"\xff"],
                            capture_output=True, check=False)
    assert result.returncode == USAGE and b"argument 1 after the verb is not UTF-8" in result.stderr


def test_removing_what_is_in_use_says_what_needs_it(still):
    result = still.run("domain", "del", "bank")
    lines = result.stderr.splitlines()
    assert "domain bank is in use; nothing was removed" in lines[0]
    assert [line for line in lines if 'service "dns": domain "bank" is not defined' in line]


def test_s0_22_two_services_with_one_endpoint_are_refused_and_both_named(still):
    """S0.22: the mapping must be invertible."""
    config = copy.deepcopy(SHOP)
    config["services"].append(dict(config["services"][0], name="second", port=90))
    path = still.write(config, "twice.json")
    lines = {name: number for number, line in enumerate(path.read_text().splitlines(), 1)
             for name in ("web", "second", "web1") if f'"name": "{name}"' in line}
    result = still.run("config", "check", path)
    assert result.returncode == REFUSED
    assert f'{path}:{lines["second"] - 1}: service "second": replies from 192.0.2.10 port 8081' \
        in result.stderr
    assert f'could also belong to service "web" ({path}:{lines["web"] - 1})' in result.stderr
    assert "give one another backend address or port" in result.stderr
    edit = still.run(*"service add second domain shop address 198.51.100.1 protocol tcp port 90 "
                     "mode static backends web1".split())
    assert edit.returncode == REFUSED
    assert 'service "second"' in edit.stderr and 'service "web"' in edit.stderr


def test_without_a_daemon(tmp_path):
    result = run("-S", tmp_path / "none", "service", "show")
    assert result.returncode == SETUP
    assert "portcamd does not run" in result.stderr and "systemctl start portcamd" in result.stderr
    answer = json.loads(run("-j", "-S", tmp_path / "none", "service", "show").stdout)
    assert answer["format"] == 1 and answer["error"]["code"] == "setup"
    (tmp_path / "file").write_text("")
    assert run("-S", tmp_path / "file", "service", "show").returncode == SETUP
    assert run("-S", "x" * 200, "service", "show").returncode == SETUP
    assert run("device", "list").returncode == 0


def test_output_that_cannot_be_written(still):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([PORTCAM, "-S", still.socket, "config", "show"], stdout=full,
                                stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == REFUSED
    assert result.stderr == "portcam: standard output: No space left on device\n"


def test_a_daemon_that_does_not_answer(daemon):
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        result = daemon.run("-t", "0.2", "service", "show")
        assert result.returncode == TIMEOUT and "longer --timeout" in result.stderr
    finally:
        daemon.process.send_signal(signal.SIGCONT)


def test_with_its_own_device(tmp_path):
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(SHOP))
    answer = json.loads(run("-j", "-d", "model:", "-c", path, "service", "show").stdout)
    assert len(answer["services"]) == 4 and answer["format"] == 1
    result = run("-d", "model:", "-c", path, *TO_WEB.split())
    assert result.returncode == 0 and "verdict: rewrite" in result.stdout
    path.write_text('{"format": 2}')
    result = run("-d", "model:", "-c", path, "service", "show")
    assert result.returncode == REFUSED
    assert f'{path}:1: configuration: "format" is 2; it must be 1' in result.stderr


# ---- explain ----

def explained(daemon, words):
    return daemon.json(*words.split())["packets"][0]


def objects(packet):
    return [step["object"] for step in packet["steps"] if "object" in step]


def test_explain_a_service(still):
    """P1, P3, P4, P5: what was found where, and what becomes of it."""
    packet = explained(still, TO_WEB)
    assert (packet["verdict"], packet["reason"]) == ("rewrite", "static_forward")
    assert packet["egress"] == 1
    assert objects(packet) == ["address 198.51.100.1/32", 'service "web"', 'backend "web1"']
    assert packet["becomes"] == "tcp from 10.0.0.2:1234 to 192.0.2.10:8081"
    assert [step["rule"] for step in packet["steps"]][:4] == ["P1", "P2", "P3", "P4"]
    packet = explained(still, "explain udp [2001:db8::9]:5 to [2001:db8::1]:53")
    assert packet["becomes"] == "udp from [2001:db8::9]:5 to [2001:db8:1::53]:53"
    packet = explained(still, "explain udp 10.0.0.2:9 to 198.51.100.1:9")
    assert (packet["verdict"], packet["egress"]) == ("deliver", 2) and "becomes" not in packet


def test_explain_a_reply(still):
    """P9: the source is turned back into the public side."""
    packet = explained(still, REPLY)
    assert (packet["reason"], packet["egress"]) == ("static_reverse", 0)
    assert packet["becomes"] == "tcp from 198.51.100.1:80 to 10.0.0.2:1234"
    assert 'service "web"' in objects(packet)


def test_p11_explain_an_icmp_error(still):
    """P11: what is embedded is looked up; both ends of the translation are told."""
    inside = m.IP(src="198.51.100.1", dst="10.0.0.2") / m.TCP(sport=80, dport=1234)
    frame = m.Ether() / m.IP(src="10.9.9.9", dst="198.51.100.1") / m.ICMP(type=3, code=4) / bytes(inside)
    packet = explained(still, f"explain hex {bytes(frame).hex()}")
    assert (packet["verdict"], packet["reason"], packet["egress"]) == ("rewrite", "icmp_forward", 1)
    assert objects(packet) == ["address 198.51.100.1/32", 'service "web"', 'backend "web1"']
    texts = [step["text"] for step in packet["steps"] if step["rule"] == "P11"]
    assert texts[0].startswith("an ICMP error about tcp from 198.51.100.1:80 to 10.0.0.2:1234")
    assert texts[1] == "the destination becomes 192.0.2.10, the embedded source 192.0.2.10:8081"
    inside = m.IP(src="10.0.0.2", dst="192.0.2.10") / m.TCP(sport=1234, dport=8081)
    frame = m.Ether() / m.IP(src="192.0.2.1", dst="10.0.0.2") / m.ICMP(type=3, code=4) / bytes(inside)
    packet = explained(still, f"explain from function 1 hex {bytes(frame).hex()}")
    assert (packet["reason"], packet["egress"]) == ("icmp_reverse", 0)
    assert packet["steps"][-2]["text"] == ("the source becomes 198.51.100.1, the embedded destination "
                                           "198.51.100.1:80")


def test_f_19_strangers_with_and_without_strict(daemon):
    """F.19: the replies of a server to a client that came to it directly."""
    direct = "explain from function 1 tcp 192.0.2.10:8081 to 10.9.9.9:5555"
    packet = explained(daemon, direct)
    assert (packet["reason"], packet["becomes"]) == ("static_reverse",
                                                     "tcp from 198.51.100.1:80 to 10.9.9.9:5555")
    daemon.json("service", "set", "web", "strict", "true")
    packet = explained(daemon, direct)
    assert (packet["verdict"], packet["reason"]) == ("pass", "strict_pass")
    assert "becomes" not in packet
    assert explained(daemon, TO_WEB)["reason"] == "static_forward"


def test_explain_what_no_address_and_no_service_takes(daemon):
    """P12: passes; P4: the domain's policy for what is unknown."""
    packet = explained(daemon, "explain udp 10.0.0.2:9 to 203.0.113.1:9")
    assert (packet["verdict"], packet["reason"]) == ("pass", "no_match")
    assert objects(packet) == []
    packet = explained(daemon, "explain vlan 5 tcp 10.0.0.2:9 to 198.51.100.2:81")
    assert (packet["verdict"], packet["reason"]) == ("pass", "unknown_pass")
    assert explained(daemon, "explain tcp 10.0.0.2:9 to 198.51.100.2:80")["reason"] == "no_match", \
        "another VLAN is another address"
    daemon.json("service", "del", "rest")
    packet = explained(daemon, "explain tcp 10.0.0.2:9 to 198.51.100.1:81")
    assert (packet["verdict"], packet["reason"]) == ("drop", "unknown_drop")
    assert "egress" not in packet
    assert "verdict: drop (unknown_drop)" in daemon.run(
        *"explain tcp 10.0.0.2:9 to 198.51.100.1:81".split()).stdout


def frame(port, protocol=6):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, protocol, 0, bytes([10, 0, 0, 2]),
                     bytes([198, 51, 100, 1]))
    tcp = struct.pack("!HHIIBBHHH", 1234, port, 0, 0, 0x50, 2, 0, 0, 0)
    return bytes(12) + b"\x08\x00" + ip + tcp


def pcap(frames, order="<", magic=0xa1b2c3d4, link=1):
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, one in enumerate(frames):
        data += struct.pack(order + "IIII", number, 0, len(one), len(one)) + one
    return data


def test_explain_files_and_bytes(still):
    path = still.folder / "in.pcap"
    frames = [frame(80), frame(81), frame(80)[:20]]
    reasons = ["static_forward", "deliver", "unparsed_short"]
    for order in "<>":
        for magic in (0xa1b2c3d4, 0xa1b23c4d):
            path.write_bytes(pcap(frames, order, magic))
            answer = still.json("explain", "pcap", path)
            assert [packet["reason"] for packet in answer["packets"]] == reasons
    assert still.run("explain", "pcap", path).stdout.count("\npacket ") == 2
    one = still.json("explain", "from", "network", "hex", frame(80).hex(":"))
    assert one["packets"][0]["reason"] == "static_forward"
    words = [f"{byte:02x}" for byte in frame(80)]
    assert still.json("explain", "hex", *words) == one
    # A file that is cut tells what is there, and says so.
    path.write_bytes(pcap(frames)[:-5])
    result = still.run("explain", "pcap", path)
    assert result.returncode == PARTIAL and "; 2 explained" in result.stderr
    for data, text in ((pcap(frames, link=101), "its packets are not Ethernet"),
                       (b"x" * 100, "it is no pcap file"),
                       (b"\x0a\x0d\x0d\x0a" + bytes(100), "it is pcapng; convert it: editcap")):
        path.write_bytes(data)
        result = still.run("explain", "pcap", path)
        assert result.returncode == REFUSED and text in result.stderr


# ---- monitor ----

def lines_of(process, daemon, count):
    """Lines of a monitor. Changes are made until it tells them: it may still be connecting."""
    lines = []
    while len(lines) < count:
        for state in ("paused", "running"):
            daemon.json("domain", "state", "shop", state)
        while select.select([process.stdout], [], [], 0.2)[0]:
            line = process.stdout.readline()
            assert line, "monitor ended"
            lines.append(line)
    return lines


def test_monitor_tells_changes_and_ends_with_the_daemon(daemon):
    command = [PORTCAM, "-S", str(daemon.socket)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
    with (subprocess.Popen([*command, "monitor"], **options) as text,
          subprocess.Popen([*command, "-j", "monitor"], **options) as values):
        try:
            assert re.match(rb"\d\d:\d\d:\d\d config: the configuration changed\n",
                            lines_of(text, daemon, 1)[0])
            for line in lines_of(values, daemon, 2):
                event = json.loads(line)
                if event["event"] == "config":
                    assert event["format"] == 1 and event["time"] > 0
                    assert event["objects"][0]["fields"]["state"] in (["running", "paused"],
                                                                      ["paused", "running"])
            daemon.stop()
            assert text.wait() == SETUP and values.wait() == SETUP
            assert b"portcamd ended" in text.stderr.read()
            lines = [json.loads(line) for line in values.stdout.read().splitlines()]
            assert lines[-1]["error"]["code"] == "setup", "errors too are one line"
        finally:
            text.kill()
            values.kill()


# ---- completion ----

def complete(*words):
    script = (f'source "{ROOT}/build/cli/completion/portcam"; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); _portcam; printf "%s\\n" "${COMPREPLY[@]}"')
    result = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                            check=True)
    assert result.stderr == ""
    return set(result.stdout.split())


def test_completion():
    script = f'source "{ROOT}/build/cli/completion/portcam" && complete -p portcam'
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "complete -o default -F _portcam portcam"
    assert complete("portcam", "") == set(TABLE)
    assert complete("portcam", "se") == {"service"}
    for name, verbs in TABLE.items():
        if verbs:
            assert complete("portcam", "-j", name, "") == set(verbs)
    assert complete("portcam", "-S", "/x", "domain", "st") == {"state"}
    assert complete("portcam", "domain", "state", "shop", "pa") == {"paused"}
    assert complete("portcam", "service", "set", "web", "pro") == {"protocol"}
    assert "icmpv6" in complete("portcam", "service", "set", "web", "protocol", "")
    assert "--dry-run" in complete("portcam", "--d")
