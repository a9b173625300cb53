# SPDX-License-Identifier: Apache-2.0
"""The portcam command: its whole table, answers, monitor, help and completion."""

import json
import re
import select
import subprocess

import pytest

from cli_daemon import PORTCAM, ROOT, SHOP, run

REFUSED, NOT_FOUND, SETUP = 2, 4, 5
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
