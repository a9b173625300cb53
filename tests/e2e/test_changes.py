# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""Packet semantics section 9: existing connections survive every change that does not remove their backend."""

import collections
import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

import cli_daemon
from place import apply, lab

pytestmark = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))

TALK = pathlib.Path(__file__).resolve().parent / "talk.py"
KEPT = {f"kept{n}": 9000 + n for n in range(6)}      # servers that have connections and stay
SPARE = {f"spare{n}": 9010 + n for n in range(6)}    # servers that come and go
STATIC = 9020
ENDS = ["198.51.100.1:80", "198.51.100.2:80", "198.51.100.3:443", "198.51.100.1:8080"]
SERVED = {"a": ["kept0", "kept1", "kept2", "kept3"], "b": ["kept2", "kept3", "kept4"], "c": ["kept4", "kept5"]}
SCHEDULERS = {"a": ["rr", "wrr", "fast"], "b": ["mh", "sh", "wrr"], "c": ["lc", "wlc"]}


def backend(name):
    return {"name": name, "address": lab.SERVER, "port": {**KEPT, **SPARE}[name], "function": 1}


def key_of(scheduler):
    """All clients have one address here."""
    return "client+port" if scheduler == "mh" else None


def config():
    def service(name, address, port):
        first = SCHEDULERS[name][0]
        return {"name": name, "domain": "shop", "address": address, "protocol": "tcp", "port": port, "mode": "stateful",
                "scheduler": first, "backends": SERVED[name], **({"key": key_of(first)} if key_of(first) else {})}
    return {
        "format": 1, "functions": [{"function": 1, "mac": lab.SERVER_MAC, "domain": "shop", "default": True}],
        "domains": [{"name": "shop"}, {"name": "bank"}],
        "addresses": [{"address": address, "domain": "shop"} for address in lab.PUBLIC],
        "backends": [backend(name) for name in KEPT] +
                    [{"name": "static", "address": lab.SERVER, "port": STATIC, "function": 1}],
        "services": [service("a", "198.51.100.1", 80), service("b", "198.51.100.2", 80), service("c", "198.51.100.3", 443),
                     {"name": "d", "domain": "shop", "address": "198.51.100.1", "protocol": "tcp", "port": 8080,
                      "mode": "static", "backends": ["static"]}]}


class Changes:
    """Random changes, each one change set; it knows what is there."""

    def __init__(self, daemon, seed):
        self.daemon = daemon
        self.chance = random.Random(seed)
        self.spares = set()
        self.served = {name: list(names) for name, names in SERVED.items()}
        self.services = {}   # those that come and go, with their backends
        self.addresses = set()
        self.kinds = collections.Counter()
        self.ended = 0

    def ask(self, kind, obj, verb, may_end=False, **args):
        """One change set, which must be accepted, and may end connections only of what it removes."""
        answer = self.daemon.ask(obj, verb, args=args)
        assert "error" not in answer, (obj, verb, args, answer)
        ended = answer["ended"]
        assert may_end or not ended, (obj, verb, args, answer)
        self.ended += ended
        self.kinds[kind] += 1

    def weight(self):
        name = self.chance.choice([*KEPT, *self.spares])
        self.ask("weight", "backend", "set", name=name, weight=self.chance.choice([0, 0, 1, 2, 3, 50, 65535]))

    def spare(self):
        """A backend comes, or goes if no service has it."""
        name = self.chance.choice(list(SPARE))
        if name not in self.spares:
            self.ask("backend add", "backend", "add", **backend(name))
            self.spares.add(name)
        elif all(name not in names for names in [*self.served.values(), *self.services.values()]):
            self.ask("backend del", "backend", "del", name=name)
            self.spares.remove(name)
        else:
            self.weight()

    def backends(self):
        """A service with connections gets other spare servers beside its own."""
        name = self.chance.choice(list(SERVED))
        some = [spare for spare in sorted(self.spares) if self.chance.random() < 0.4]
        names = SERVED[name] + some
        self.chance.shuffle(names)
        self.ask("backends of a service", "service", "set", may_end=not set(self.served[name]) <= set(names), name=name,
                 backends=names)
        self.served[name] = names

    def settings(self):
        name = self.chance.choice(list(SERVED))
        if self.chance.random() < 0.5:
            scheduler = self.chance.choice(SCHEDULERS[name])
            self.ask("scheduler", "service", "set", name=name, scheduler=scheduler, key=key_of(scheduler))
        else:
            self.ask("timeouts", "service", "set", name=name,
                     timeouts={"established": self.chance.randrange(600, 90000), "fin_both": self.chance.randrange(1, 200)})

    def service(self):
        """Another service comes, before or behind those with connections, or goes."""
        name = f"more{self.chance.randrange(12)}"
        if name in self.services:
            self.ask("service del", "service", "del", name=name)
            del self.services[name]
            return
        port = 10000 + int(name[4:])
        keys = {"protocol": self.chance.choice(["tcp", "udp"]), "port": port}
        if self.chance.random() < 0.7:
            keys["address"] = self.chance.choice(list(lab.PUBLIC))
        if self.chance.random() < 0.3:
            keys.update(mode="deliver", backends=[self.chance.choice(list(KEPT))])
        else:
            names = self.chance.sample(list(KEPT), 3)
            keys.update(mode="stateful", scheduler="wrr", backends=names)
        self.ask("service add", "service", "add", name=name, domain="shop", **keys)
        self.services[name] = keys["backends"]

    def address(self):
        """Longer and shorter prefixes than the addresses with connections: rows move."""
        address, domain = self.chance.choice([("198.51.100.0/24", "shop"), ("198.51.100.128/25", "shop"),
                                              *((f"203.0.113.{n}/32", "bank") for n in range(8))])
        there = address in self.addresses
        self.ask("address del" if there else "address add", "address", "del" if there else "add", address=address,
                 **({} if there else {"domain": domain}))
        self.addresses ^= {address}

    def one(self):
        self.chance.choices([self.weight, self.spare, self.backends, self.settings, self.service, self.address],
                            [6, 3, 3, 2, 4, 2])[0]()


def begin_talk(place, connections, pause, seed):
    """Servers at every port, and the client, all of whose connections have had an answer."""
    ports = [*KEPT.values(), *SPARE.values(), STATIC]
    place.start("talk-server", "ip", "netns", "exec", place.server, sys.executable, TALK, "server", lab.SERVER, *ports)
    lab.wait_until(lambda: "ready" in place.log("talk-server").read_text(), "the servers",
                   place.processes["talk-server"], place.log("talk-server"))
    client = subprocess.Popen(
        ["ip", "netns", "exec", place.client, sys.executable, TALK, "client", str(connections), str(seed), str(pause), *ENDS],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "ready\n"
    return client


def test_a_connection_without_its_record_is_broken_and_told():
    """What the other test looks for is seen: the records of one service are ended, and exactly its connections break."""
    with lab.Lab("model") as place:
        apply(place, config())
        client = begin_talk(place, 40, 0.2, 1)
        place.portcam("connection", "flush", "--service", "a")
        told = json.loads(client.communicate("")[0])
    assert sorted(row["number"] for row in told["broken"]) == list(range(0, 40, len(ENDS)))
    assert {row["end"] for row in told["broken"]} == {ENDS[0]}
    assert {row["why"].split(":")[0] for row in told["broken"]} == {"ConnectionResetError"}


@pytest.mark.parametrize("engine, connections, changes, pause", [("model", 2000, 1000, 1.5), ("lockstep", 60, 25, 2.0)])
def test_section_9_no_change_breaks_a_connection_whose_backend_stays(engine, connections, changes, pause):
    """Weights, backends, services, schedulers, timeouts and addresses change at random while connections talk."""
    seed = int(os.environ.get("SEED", "1"))
    print(f"SEED={seed}, engine {engine}")
    with lab.Lab(engine) as place:
        apply(place, config())
        client = begin_talk(place, connections, pause, seed)
        daemon = cli_daemon.Connection(place.folder / "portcam.sock")
        try:
            work = Changes(daemon, seed)
            for _ in range(changes):
                work.one()
            told = json.loads(client.communicate("")[0])
        finally:
            daemon.close()
            client.kill()
            client.wait()
        records = place.json("connection", "count")
        reasons = place.portcam("stats", "show").stdout.split("\n\n")[0]
        card = place.finish()
    print(dict(work.kinds), f"{work.ended} connections ended with what was removed")
    print({key: value for key, value in told.items() if key not in ("broken", "failed_visits")})
    print(records, reasons, sep="\n")
    assert card["differences"] == 0
    assert told["broken"] == [] and told["connections"] == connections
    assert told["messages"] >= 2 * connections
    kept = {str(port) for port in [*KEPT.values(), STATIC]}
    assert set(told["ports"]) == kept
    # A visitor may be refused, or lose its server when that is removed; no other.
    assert [visit for visit in told["failed_visits"] if str(visit["port"]) in kept or visit["end"] == ENDS[3]] == []
    assert sum(work.kinds.values()) == changes
