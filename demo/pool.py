# SPDX-License-Identifier: Apache-2.0
"""The second scene: one public address, three servers behind it, and one of them taken away without a client noticing."""

import collections
import json
import time

import lab

CONFIG = lab.ROOT / "demo/pool.json"
PUBLIC = "198.51.100.1"
SERVERS = {row["name"]: row for row in json.loads(CONFIG.read_text())["backends"]}
DRAINED = "nginx1"  # it has most of the connections
DOWNLOADS = 12
WORDS = """
A stateful service. The card itself chooses a server for each new connection, three for nginx1, two for nginx2 and
one for nginx3, and writes a record of it; every later packet, of both directions, finds that record. No program
of the host takes part.
"""


class Scene:
    """Tells what it does, and keeps in mind whether all was as it should be."""

    def __init__(self, place, title, show):
        self.place = place
        self.title = title
        self.show = show
        self.right = True

    def expect(self, true, wrong):
        if not true:
            self.right = False
            self.show(f"WRONG: {wrong}")

    def command(self, *words, only=None):
        """Runs a command and shows what `only` picks from its lines, which it returns."""
        print(f"  $ portcam {' '.join(map(str, words))}")
        lines = self.place.portcam(*words).stdout.splitlines()
        self.show("\n".join(only(lines) if only else lines))
        return lines

    # ---- clients ----

    def ask(self, count):
        """Which server answers each of so many new connections: {name: count}."""
        print(f"  $ curl http://{PUBLIC}/server    # {count} times, each a new connection, 30 at a time")
        done = self.place.curl(f"http://{PUBLIC}/server?[1-{count}]", "-H", "Connection: close", "--parallel",
                               "--parallel-immediate", "--parallel-max", "30")
        self.expect(done.returncode == 0, done.stderr)
        answers = collections.Counter(done.stdout.split())
        seen = {name: answers.pop(f"{row['address']}:{row['port']}", 0) for name, row in SERVERS.items()}
        for name, number in seen.items():
            self.show(f"{name}  {SERVERS[name]['address']}:{SERVERS[name]['port']} {number:4} connections")
        self.expect(not answers, f"answers of strangers: {dict(answers)}")
        self.expect(sum(seen.values()) == count, f"{sum(seen.values())} answers to {count} questions")
        return seen

    def start_downloads(self):
        for number in range(DOWNLOADS):
            self.place.start(f"download-{number}", "ip", "netns", "exec", self.place.client, "curl", "-sS",
                             "--max-time", "120", "-o", self.place.folder / f"download-{number}",
                             f"http://{PUBLIC}/download")
        files = [self.place.folder / f"download-{number}" for number in range(DOWNLOADS)]
        lab.wait_until(lambda: all(file.exists() and file.stat().st_size for file in files), "the downloads")

    def active(self, name):
        """Connections of a server that nobody closes yet."""
        return self.place.json("-s", "backend", "show", name)["backends"][0]["active"]

    def finish_downloads(self):
        wanted, whole = self.place.pages["download"], 0
        for number in range(DOWNLOADS):
            code = self.place.processes[f"download-{number}"].wait(timeout=120)
            file = self.place.folder / f"download-{number}"
            got = file.read_bytes() if file.exists() else b""
            whole += code == 0 and got == wanted
            self.expect(code == 0, f"download {number}: curl ended with {code}: "
                                   f"{self.place.log(f'download-{number}').read_text().strip()}")
            self.expect(got == wanted, f"download {number}: {len(got)} bytes of {len(wanted)}, or other ones")
        self.show(f"{whole} of {DOWNLOADS} downloads are whole: {whole * len(wanted):,} bytes, each compared")

    # ---- the acts ----

    def spread(self):
        self.title("One public address, three servers")
        self.show(WORDS.strip())
        self.command("config", "apply", CONFIG)
        count = 300
        seen = self.ask(count)
        total = sum(row["weight"] for row in SERVERS.values())
        for name, row in SERVERS.items():
            share = count * row["weight"] // total
            self.expect(abs(seen[name] - share) <= 10, f"{name} got {seen[name]} connections instead of {share}")

    def drain(self):
        size = len(self.place.pages["download"])
        self.title(f"{DRAINED} is to be taken away while {DOWNLOADS} slow downloads run: no new connections for it")
        print(f"  $ curl http://{PUBLIC}/download    # {DOWNLOADS} times, {size:,} bytes each")
        self.start_downloads()
        before = self.active(DRAINED)
        self.command("backend", "drain", DRAINED)
        seen = self.ask(60)
        self.expect(seen[DRAINED] == 0, f"{DRAINED} got {seen[DRAINED]} new connections")
        self.show(f"{DRAINED} has {before} active connections when it is drained, and {self.active(DRAINED)} now")
        self.expect(before > 0, f"no download came to {DRAINED}, or it ended too early to show anything")
        self.title("Its old connections go on; the card has them in its records")
        self.command("connection", "list", "--backend", DRAINED, "--state", "established", only=without_counters)
        self.title("What the card has counted so far")
        self.command("stats", "show", only=lambda lines: [*block(lines, "REASON"), "", *block(lines, "BACKEND")])
        self.title("When its last connection has ended, the server is stopped; the clients go on")
        self.command("backend", "drain", DRAINED, "--wait")
        self.place.stop(f"nginx-{SERVERS[DRAINED]['port']}")
        print(f"  $ kill {DRAINED}")
        self.expect(self.ask(60)[DRAINED] == 0, f"{DRAINED} answers although it was stopped")
        self.finish_downloads()


def without_counters(lines):
    """The columns of `connection list` that say who and where."""
    end = lines[0].find(" AGE")
    return [line[:end].rstrip() for line in lines] if end > 0 else lines


def block(lines, head):
    """The table of `stats show` that begins with this word, up to the empty line behind it."""
    at = next(n for n, line in enumerate(lines) if line.startswith(head))
    end = next((n for n in range(at, len(lines)) if not lines[n].strip()), len(lines))
    return lines[at:end]


def live(place, title, show):
    """The scene in a laboratory whose pages have a "download"; true when all was as it should be."""
    scene = Scene(place, title, show)
    started = time.monotonic()
    scene.spread()
    scene.drain()
    print(f"  ({time.monotonic() - started:.0f} seconds)")
    return scene.right
