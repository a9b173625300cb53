# SPDX-License-Identifier: Apache-2.0
"""Configurations through portcamd on a model card: files, errors, edits, crashes, the schema."""

import copy
import json
import random
import re
import signal
import threading
import time

import pytest

from cli_daemon import ROOT, SHOP, Daemon, Simulator, run


@pytest.fixture(name="daemon")
def _daemon(tmp_path):
    with Daemon(tmp_path) as daemon:
        yield daemon.start()


def test_apply_show_save_round_trip(daemon):
    answer = daemon.apply(SHOP)
    assert answer["changed"] and not answer["dry_run"]
    assert {row["op"] for row in answer["rows"]} == {"add"}
    assert daemon.json("config", "show")["config"] == SHOP
    saved = daemon.folder / "saved.json"
    assert daemon.run("config", "save", saved).returncode == 0
    assert json.loads(saved.read_text()) == SHOP
    again = daemon.apply(saved.read_text())
    assert not again["changed"] and again["rows"] == [] and again["objects"] == []


def test_dry_run_changes_nothing(daemon):
    answer = daemon.apply(SHOP, "-n")
    assert answer["dry_run"] and not answer["changed"] and len(answer["rows"]) == 22
    assert daemon.json("service", "show")["services"] == []
    diff = daemon.json("config", "diff", daemon.write(SHOP))
    assert diff["rows"] == answer["rows"]
    assert daemon.json("service", "show")["services"] == []
    daemon.apply(SHOP)
    edit = daemon.json("-n", "domain", "state", "shop", "paused")
    assert edit["objects"] == [{"op": "change", "object": "domain", "name": "shop",
                                "fields": {"state": ["running", "paused"]}}]
    assert daemon.json("domain", "show", "shop")["domains"][0]["state"] == "running"


def test_errors_carry_file_and_line_and_change_nothing(daemon):
    daemon.apply(SHOP)
    bad = copy.deepcopy(SHOP)
    bad["services"][0]["backends"] = ["web9"]
    bad["domains"][1]["unknown"] = "reject"
    bad["backends"][3]["colour"] = 1
    path = daemon.write(bad, "shop.json")
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1)
                if '"services"' in text) + 1
    result = daemon.run("config", "apply", path)
    assert result.returncode == 2
    assert (f'{path}:{line}: service "web": backend "web9" is not defined; '
            'add it to "backends" or correct the name') in result.stderr
    assert 'unknown key "colour"' in result.stderr
    error = daemon.json("config", "apply", path, code=2)["error"]
    assert {message["line"] for message in error["messages"]} >= {line}
    assert daemon.json("config", "show")["config"] == SHOP
    # What only the card can know is told when the rest is right.
    bad["services"][0]["backends"] = ["web1"]
    del bad["backends"][3]["colour"]
    bad["backends"][3]["function"] = 99
    result = daemon.run("config", "check", daemon.write(bad, "shop.json"))
    assert result.returncode == 2 and "there is no function 99" in result.stderr


def test_edits_of_every_object(daemon):
    for words in ("device set mac 02:00:00:00:00:aa",
                  "domain add shop unknown drop home 1",
                  "domain add bank",
                  "function add 1 mac 02:00:00:00:00:01 domain shop default true",
                  "function add 2 mac 02:00:00:00:00:02",
                  "address add 198.51.100.1 domain shop function 1",
                  "address add 198.51.100.2 vlan 5 domain bank",
                  "address add 2001:db8::1 domain bank",
                  "backend add web1 address 192.0.2.10 port 8081 mac 02:00:00:00:01:01 function 1",
                  "backend add web2 address 192.0.2.10 port 8082 function 1",
                  "backend add dns address 2001:db8:1::53 function 2",
                  "backend add all address 192.0.2.20 function 2",
                  "service add web domain shop address 198.51.100.1 protocol tcp port 80 "
                  "mode static backends web1",
                  "service add bankweb domain bank address 198.51.100.2 protocol tcp port 80 "
                  "mode static backends web2",
                  "service add dns domain bank address 2001:db8::1 port 53 mode static "
                  "backends dns",
                  "service add rest domain shop mode deliver backends all"):
        answer = daemon.json(*words.split())
        assert answer["changed"], words
    assert daemon.json("config", "show")["config"] == SHOP
    daemon.json(*"service set web port 81 strict true".split())
    service = daemon.json("service", "show", "web")["services"][0]
    assert service["port"] == 81 and service["strict"] is True
    daemon.json(*"service set web port 80 strict none".split())
    daemon.json(*"address set 198.51.100.2/32 vlan 5 function 3".split())
    assert daemon.json("address", "show", "198.51.100.2", "vlan", "5")["addresses"][0][
        "function"] == 3
    daemon.json(*"address set 198.51.100.2/32 vlan 5 function none".split())
    assert daemon.json("config", "show")["config"] == SHOP
    # What others need cannot go.
    error = daemon.json("backend", "del", "web1", code=2)["error"]
    assert error["msg"].startswith("backend web1 is in use; nothing was removed")
    assert 'service "web": backend "web1" is not defined' in error["messages"][1]["text"]
    for words in ("service del rest", "backend del all", "address del 198.51.100.9",
                  "function del 9", "domain state nobody paused"):
        code = 0 if words in ("service del rest", "backend del all") else 4
        daemon.json(*words.split(), code=code)


def test_domain_states(daemon):
    daemon.apply(SHOP)
    words = "explain from network tcp 10.0.0.2:1234 to 198.51.100.1:80".split()
    for state, reason in (("paused", "paused_drop"), ("stopped", "stopped_drop"),
                          ("draining", "static_forward"), ("running", "static_forward")):
        daemon.json("domain", "state", "shop", state)
        assert daemon.json(*words)["packets"][0]["reason"] == reason
    assert daemon.run("domain", "state", "shop", "tired").returncode == 2


def test_device_reset_applies_again(daemon):
    daemon.apply(SHOP)
    assert daemon.json("device", "reset")["reset"] is True
    assert daemon.json("config", "show")["config"] == SHOP
    assert daemon.json("device", "selftest")["ok"] is True
    tables = daemon.json("device", "show")["devices"][0]["tables"]
    assert tables["service"]["used"] == 4


def large_config(services, backends):
    config = {"format": 1, "domains": [{"name": f"d{i}"} for i in range(100)],
              "addresses": [{"address": f"10.9.0.{i}", "domain": f"d{i}"} for i in range(100)],
              "backends": [{"name": f"b{i}", "address": f"10.8.{i // 250}.{i % 250 + 1}",
                            "port": 8000, "function": 1} for i in range(backends)],
              "services": []}
    for i in range(services):
        config["services"].append({"name": f"s{i}", "domain": f"d{i % 100}",
                                   "address": f"10.9.0.{i % 100}", "protocol": "tcp",
                                   "port": 1000 + i, "mode": "static", "backends": [f"b{i}"]})
    return config


def test_a_full_card(daemon):
    config = large_config(1024, 4096)
    path = daemon.folder / "large.json"
    path.write_text(json.dumps(config))
    answer = daemon.json("config", "apply", path)
    assert len(answer["rows"]) == 100 + 100 + 4096 + 1024 + 1024 + 1
    assert daemon.json("device", "selftest")["ok"] is True
    config["services"].append(dict(config["services"][0], name="more", port=5, backends=["b1024"]))
    path.write_text(json.dumps(config))
    result = daemon.run("config", "check", path)
    assert result.returncode == 2
    assert "there are 1025 services, and this card has room for 1024; remove 1" in result.stderr


def test_kill_9_at_any_moment_leaves_one_of_the_two(tmp_path):
    seed = 7
    print(f"seed {seed}")
    draw = random.Random(seed)
    two = copy.deepcopy(SHOP)
    two["services"][0]["backends"] = ["web2"]
    two["services"][1]["backends"] = ["web1"]
    with Daemon(tmp_path) as daemon:
        daemon.start()
        daemon.apply(SHOP)
        paths = [daemon.write(SHOP, "one.json"), daemon.write(two, "two.json")]

        def applying():
            """Both in turn, until the daemon is gone."""
            while all(run("-S", daemon.socket, "config", "apply", path).returncode == 0
                      for path in paths):
                pass

        for _ in range(12):
            thread = threading.Thread(target=applying)
            thread.start()
            time.sleep(draw.random() * 0.15)
            daemon.stop(signal.SIGKILL)
            thread.join()
            daemon.start()
            assert daemon.json("config", "show")["config"] in (SHOP, two)
            assert daemon.json("device", "selftest")["ok"] is True


def test_the_card_keeps_its_tables_while_the_daemon_dies(tmp_path):
    card = tmp_path / "card.sock"
    with (Simulator(card) as simulator,
          Daemon(tmp_path, device=f"vfio-user:{card}") as daemon):
        simulator.start()
        daemon.start()
        daemon.apply(SHOP)
        daemon.stop(signal.SIGKILL)
        daemon.start()
        log = daemon.log.read_text()
        assert "applied again" not in log and "made equal" not in log
        assert daemon.json("config", "show")["config"] == SHOP
        assert daemon.json("device", "selftest")["ok"] is True
        # Without its state the daemon finds out from the rows.
        daemon.stop()
        (tmp_path / "state/state.json").unlink()
        daemon.start()
        assert "names are made up" in daemon.log.read_text()
        assert len(daemon.json("service", "show")["services"]) == 4
        daemon.apply(SHOP)
        assert daemon.json("config", "show")["config"] == SHOP
        assert daemon.stop() == 0


def test_start_with_a_configuration(tmp_path):
    with Daemon(tmp_path) as daemon:
        path = daemon.write(SHOP, "start.json")
        daemon.options += ["-c", str(path)]
        daemon.start()
        assert daemon.json("config", "show")["config"] == SHOP
        assert daemon.stop() == 0
        path.write_text('{"format": 1,\n "x": 1}')
        daemon.start(wait=False)
        assert daemon.process.wait() == 2
        assert f'{path}:2: configuration: unknown key "x"' in daemon.log.read_text()


def test_starting_values_end_with_the_card_s_reset(tmp_path):
    """Kept values above what the card shows are those of a card that somebody reset."""
    with Simulator(tmp_path / "card") as card, \
            Daemon(tmp_path, device=f"vfio-user:{tmp_path}/card") as daemon:
        card.start()
        daemon.start().apply(SHOP)
        assert daemon.stop() == 0
        kept = tmp_path / "state/state.json"
        state = json.loads(kept.read_text())
        assert state["seed"] > 0
        state["numbers"]["services"]["web"][1:] = [5, 500, 5, 500]
        kept.write_text(json.dumps(state))
        daemon.start()
        assert "the card's counters started again without this library" in daemon.log.read_text()
        service = daemon.json("-s", "service", "show", "web")["services"][0]
        assert service["forward"] == {"packets": 0, "octets": 0}
        assert json.loads(kept.read_text())["numbers"]["services"]["web"][1:] == [0, 0, 0, 0]
        assert daemon.json("config", "show")["config"] == SHOP
        assert daemon.stop() == 0


# ---- the schema ----

def schema():
    return json.loads((ROOT / "docs/portcam.schema.json").read_text())


def schema_keys(node):
    return sorted(node["properties"])


def test_schema_names_the_keys_that_the_parser_takes(daemon):
    """The parser lists its keys when it meets an unknown one; the schema has the same."""
    node = schema()
    lists = ("functions", "domains", "addresses", "backends", "services")
    places = {"": node, **{name: node["properties"][name]["items"] for name in lists}}
    for name, part in places.items():
        config = {"format": 1, "colour": 1} if not name else {"format": 1, name: [{"colour": 1}]}
        result = daemon.run("config", "check", daemon.write(config))
        keys = re.search(r'unknown key "colour"; the keys here are (.*)', result.stderr).group(1)
        assert sorted(keys.split(", ")) == schema_keys(part), name
        assert part["additionalProperties"] is False
    device = daemon.run("config", "check", daemon.write({"format": 1, "device": {"colour": 1}}))
    assert "the keys here are mac" in device.stderr
    assert schema_keys(node["properties"]["device"]) == ["mac"]


def test_schema_enumerations_are_the_parsers(daemon):
    items = schema()["properties"]
    for name, key, base in (("domains", "state", {"name": "a"}),
                            ("domains", "unknown", {"name": "a"}),
                            ("services", "mode", {"name": "a", "domain": "d", "backends": ["b"]})):
        config = {"format": 1, name: [dict(base, **{key: "colour"})]}
        result = daemon.run("config", "check", daemon.write(config))
        words = re.search(r"write one of (.*)", result.stderr).group(1)
        assert sorted(words.split(", ")) == sorted(items[name]["items"]["properties"][key]["enum"])


def test_example_of_the_manual_is_right(daemon):
    text = (ROOT / "docs/man/portcam.conf.5.scd").read_text()
    example = text.split("```")[1]
    result = daemon.run("config", "check", daemon.write(example))
    assert result.returncode == 0, result.stderr
