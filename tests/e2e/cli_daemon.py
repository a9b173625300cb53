# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command and the daemon share: both, the simulated card, raw connections."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PORTCAM = ROOT / "build/cli/portcam"
PORTCAMD = ROOT / "build/cli/portcamd"
SIM = ROOT / "build/sim/portcam-sim"

SHOP = {
    "format": 1,
    "device": {"mac": "02:00:00:00:00:aa"},
    "functions": [{"function": 1, "mac": "02:00:00:00:00:01", "domain": "shop", "default": True},
                  {"function": 2, "mac": "02:00:00:00:00:02"}],
    "domains": [{"name": "shop", "state": "running", "unknown": "drop", "home": 1},
                {"name": "bank", "state": "running", "unknown": "pass"}],
    "addresses": [{"address": "198.51.100.1/32", "domain": "shop", "function": 1},
                  {"address": "198.51.100.2/32", "vlan": 5, "domain": "bank"},
                  {"address": "2001:db8::1/128", "domain": "bank"}],
    "backends": [{"name": "web1", "address": "192.0.2.10", "port": 8081,
                  "mac": "02:00:00:00:01:01", "function": 1},
                 {"name": "web2", "address": "192.0.2.10", "port": 8082, "function": 1},
                 {"name": "dns", "address": "2001:db8:1::53", "function": 2},
                 {"name": "all", "address": "192.0.2.20", "function": 2}],
    "services": [{"name": "web", "domain": "shop", "address": "198.51.100.1", "protocol": "tcp",
                  "port": 80, "mode": "static", "backends": ["web1"]},
                 {"name": "bankweb", "domain": "bank", "address": "198.51.100.2",
                  "protocol": "tcp", "port": 80, "mode": "static", "backends": ["web2"]},
                 {"name": "dns", "domain": "bank", "address": "2001:db8::1", "port": 53,
                  "mode": "static", "backends": ["dns"]},
                 {"name": "rest", "domain": "shop", "mode": "deliver", "backends": ["all"]}],
}


def run(*words, timeout=600, **options):
    """The command alone."""
    return subprocess.run([PORTCAM, *map(str, words)], capture_output=True, text=True,
                          timeout=timeout, check=False, **options)


class Connection:
    """A raw connection to the daemon."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(300)
        self.socket.connect(str(path))
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line as JSON; None at the end."""
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, obj, verb, **more):
        self.send(json.dumps({"format": 1, "object": obj, "verb": verb, **more}).encode() + b"\n")
        return self.line()

    def close(self):
        self.socket.close()


def listens(path):
    """Does a server listen on this UNIX socket? Its file is there before; and a connection would be taken for the driver's."""
    lines = pathlib.Path("/proc/net/unix").read_text().splitlines()
    return any(line.endswith(f" {path}") and line.split()[3] == "00010000" for line in lines)


class Program:
    """A program in the background, from start() to stop() or to the end of the with block."""

    command = []
    log = None

    def __init__(self):
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def ready(self):
        """Does it serve?"""
        raise NotImplementedError

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log)
        while wait and not self.ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended: {self.log.read_text()}")
            time.sleep(0.02)
        return self

    def stop(self, number=signal.SIGTERM):
        """Its exit code."""
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        return self.process.wait()


class Simulator(Program):
    """portcam-sim with the model engine, serving one socket."""

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)
        self.log = self.path.with_suffix(".log")
        self.command = [SIM, "--socket", path, "--engine", "model", "--quiet"]

    def ready(self):
        return listens(self.path)


class Daemon(Program):
    """portcamd on a device, in a folder of its own."""

    def __init__(self, folder, *options, device="model:", group="nogroup"):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "portcam.sock"
        self.options = ["-d", device, "-S", str(self.socket), "-D", str(self.folder / "state"),
                        "-g", group, *options]
        self.log = self.folder / "log"

    def ready(self):
        try:
            Connection(self.socket).close()
            return True
        except OSError:
            return False

    def start(self, wait=True):
        self.socket.unlink(missing_ok=True)
        self.command = [PORTCAMD, *self.options]
        return super().start(wait)

    def run(self, *words, **options):
        return run("-S", self.socket, *words, **options)

    def json(self, *words, code=0):
        """The answer with -j of a command that must end with this code."""
        result = self.run("-j", *words)
        assert result.returncode == code, result.stdout + result.stderr
        answer = json.loads(result.stdout)
        assert answer["format"] == 1
        return answer

    def apply(self, config, *words, code=0):
        return self.json(*words, "config", "apply", self.write(config), code=code)

    def write(self, config, name="config.json"):
        path = self.folder / name
        path.write_text(config if isinstance(config, str) else json.dumps(config, indent=2))
        return path

    def connect(self):
        return Connection(self.socket)
