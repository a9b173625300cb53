# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a command of portcam: its message, as text and JSON, and its exit code."""

import copy
import json
import signal
import subprocess

import pytest

from cli_daemon import PORTCAM, SHOP, run

USAGE, REFUSED, NOT_FOUND, SETUP, TIMEOUT = 1, 2, 4, 5, 124
TO_WEB = "explain from network tcp 10.0.0.2:1234 to 198.51.100.1:80"


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
