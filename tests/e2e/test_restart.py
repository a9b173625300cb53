# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""portcamd is killed at any moment and started again, and the card is reset, while downloads run: no connection breaks, no
server changes, no record is lost, no counter jumps. KILLS, RESETS, DOWNLOADS and RATE in the environment make it longer
(`make restart`), SEED another run."""

import concurrent.futures
import hashlib
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest

import cli_daemon
from place import apply, lab

pytestmark = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))

PAGE = bytes(range(256)) * 3000  # 768,000 bytes
AT_ONCE = 30
ADDRESS = "198.51.100.1"
KINDS = ("services", "backends", "addresses", "domains")


def config():
    servers = {f"nginx{n + 1}": port for n, port in enumerate(lab.PUBLIC.values())}
    return {
        "format": 1, "functions": [{"function": 1, "mac": lab.SERVER_MAC, "domain": "shop", "default": True}],
        "domains": [{"name": "shop"}], "addresses": [{"address": address, "domain": "shop"} for address in lab.PUBLIC],
        "backends": [{"name": name, "address": lab.SERVER, "port": port, "function": 1} for name, port in servers.items()],
        "services": [{"name": "web", "domain": "shop", "address": ADDRESS, "protocol": "tcp", "port": 80, "mode": "stateful",
                      "scheduler": "rr", "backends": list(servers)}]}


class Downloads:
    """A number of downloads, some at a time, each of the whole page and from one server."""

    def __init__(self, place, count):
        self.place = place
        self.wanted = hashlib.sha256(PAGE).hexdigest()
        self.broken = []
        self.lock = threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        self.jobs = [self.pool.submit(self.one, n) for n in range(count)]

    def one(self, number):
        got = self.place.run(self.place.client, "curl", "-sS", "--max-time", "120", f"http://{ADDRESS}/download",
                             capture_output=True)
        if got.returncode or hashlib.sha256(got.stdout).hexdigest() != self.wanted:
            with self.lock:
                self.broken.append((number, got.returncode, len(got.stdout), got.stderr.decode()))

    def running(self):
        return any(not job.done() for job in self.jobs)

    def end(self):
        for job in self.jobs:
            job.result()
        self.pool.shutdown()


def records(place):
    """Which server each connection has, by the client's port, and when it began."""
    told, start = {}, 0
    while start is not None:
        answer = place.json("connection", "list")
        for row in answer["connections"]:
            told[row["client"]["port"]] = row["backend"]
        start = None
    return told


def numbers(value, path=()):
    """Every number of an answer by where it stands."""
    if isinstance(value, dict):
        name = value.get("name", value.get("address"))
        for key, part in value.items():
            yield from numbers(part, (*path, *([name] if name else []), key))
    elif isinstance(value, list):
        for part in value:
            yield from numbers(part, path)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value


def counters(place):
    """What only grows."""
    stats = place.json("stats", "show")
    return {path: value for kind in KINDS for path, value in numbers(stats[kind], (kind,))
            if not {"active", "records", "function", "syn_ack_ms_max", "response"} & set(path)}


class Trouble:
    """What happens to daemon and card, and what must be the same behind it."""

    def __init__(self, place, seed):
        self.place = place
        self.chance = random.Random(seed)
        self.told = counters(place)
        self.seen = records(place)
        self.longest = 0
        self.lost = []

    def check(self):
        """Connections of both moments have one server, the mirror is the card's, counters have not gone back."""
        self.place.portcam("mirror", "audit")
        now = records(self.place)
        self.lost += [(port, backend, now[port]) for port, backend in self.seen.items()
                      if port in now and now[port] != backend]
        self.seen = now
        told = counters(self.place)
        fell = {path: (value, told.get(path)) for path, value in self.told.items() if told.get(path, 0) < value}
        assert not fell, fell
        self.told = told

    def kill(self):
        """At any moment: often in the middle of a change."""
        words = self.chance.choice([None, ("backend", "set", "nginx1", "weight", "1"), ("connection", "list"),
                                    ("config", "apply", self.place.folder / "config.json"), ("device", "reset")])
        process = self.place.processes.pop("portcamd")
        asked = None
        if words:
            asked = subprocess.Popen([lab.PORTCAM, "-S", self.place.folder / "portcam.sock", *map(str, words)],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.chance.random() * 0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if asked:
            asked.wait()
        time.sleep(self.chance.random() * 0.3)
        self.place.start_daemon()
        if words and words[0] == "device":
            self.told = {}  # who dies over a reset leaves connections behind, but not what the counters told

    def reset(self):
        start = time.monotonic()
        self.place.portcam("device", "reset")
        self.longest = max(self.longest, time.monotonic() - start)


def trouble(engine, kills, resets, downloads, rate, least):
    """At least so many of the kills and resets come while downloads run."""
    seed = int(os.environ.get("SEED", "1"))
    print(f"SEED={seed} engine {engine}, {kills} kills, {resets} resets, {downloads} downloads")
    with lab.Lab(engine, {"download": PAGE}, rate) as place:
        apply(place, config())
        load = Downloads(place, downloads)
        lab.wait_until(lambda: len(records(place)) >= min(downloads, AT_ONCE) // 2, "downloads")
        work = Trouble(place, seed)
        events = ["kill"] * kills + ["reset"] * resets
        work.chance.shuffle(events)
        during = 0
        for event in events:
            during += load.running()
            getattr(work, event)()
            work.check()
            time.sleep(work.chance.random() * 0.5)
        load.end()
        work.check()
        card = place.finish()
    print(f"{downloads} downloads, broken: {load.broken}; {during} of {len(events)} events during downloads; "
          f"longest reset {work.longest:.2f} s")
    assert card["differences"] == 0
    assert work.lost == []
    assert load.broken == []
    assert during >= least


def test_no_connection_breaks_by_kills_of_the_daemon_and_resets_of_the_card():
    kills, resets = int(os.environ.get("KILLS", "5")), int(os.environ.get("RESETS", "4"))
    trouble("model", kills, resets, int(os.environ.get("DOWNLOADS", "90")),
            os.environ.get("RATE", "250k"), kills + resets)


def test_the_same_in_the_rtl():
    """Fewer and slower: a reset takes the simulated RTL a while."""
    trouble("lockstep", 1, 1, 12, "20k", 1)
