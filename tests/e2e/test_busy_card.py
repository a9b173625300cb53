# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""The simulated card answers its driver and its signals while it works."""

import json
import os
import signal
import struct
import subprocess

import pytest

from cli_daemon import PORTCAM, listens
from place import lab

SERVICES, BACKENDS, ADDRESSES = 1024, 4096, 256
FRAMES = 400_000


def full():
    """As many addresses, services and backends as a default card has rows."""
    return {
        "format": 1, "domains": [{"name": "a"}],
        "addresses": [{"address": f"10.0.0.{i}", "domain": "a"} for i in range(ADDRESSES)],
        "backends": [{"name": f"b{i}", "address": f"10.9.{i >> 8}.{i & 255}", "port": 8080, "function": 1}
                     for i in range(BACKENDS)],
        "services": [{"name": f"s{i}", "domain": "a", "address": f"10.0.0.{i % ADDRESSES}", "protocol": "tcp",
                      "port": 80 + i // ADDRESSES, "mode": "static", "backends": [f"b{i}"]}
                     for i in range(SERVICES)]}


@pytest.fixture(name="card")
def _card(tmp_path):
    """A function that starts a card with these arguments and gives its process."""
    started = []

    def start(*words):
        path = tmp_path / "card.sock"
        started.append(subprocess.Popen([lab.SIM, "--socket", path, "--quiet", *words]))
        lab.wait_until(lambda: listens(path), "the simulated card", started[0])
        return started[0]
    (tmp_path / "state").mkdir()
    yield start
    for process in started:
        process.kill()
        process.wait()


def portcam(folder, *words):
    return subprocess.run([PORTCAM, "-d", f"vfio-user:{folder}/card.sock", "-D", folder / "state", *words],
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("engine", ["rtl", "lockstep"])
def test_a_full_configuration(engine, card, tmp_path):
    process = card("--engine", engine, "--net", "null", "--host", "null")
    path = tmp_path / "full.json"
    path.write_text(json.dumps(full()))
    done = portcam(tmp_path, "config", "apply", path)
    assert done.returncode == 0, done.stderr
    tables = json.loads(portcam(tmp_path, "-j", "device", "show").stdout)["devices"][0]["tables"]
    assert tables["service"]["used"] == SERVICES and tables["backend"]["used"] == BACKENDS
    assert tables["address"]["used"] == ADDRESSES
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait() == 0  # lockstep: RTL and model agreed


def test_registers_and_signals_while_frames_come_without_end(card, tmp_path):
    capture = tmp_path / "in.pcap"
    frame = bytes(60)
    with open(capture, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        file.write((struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame) * FRAMES)
    process = card("--engine", "rtl", "--net", f"pcap:{capture},", "--host", "null", "--stats",
                   tmp_path / "stats.json")
    done = portcam(tmp_path, "device", "show")
    assert done.returncode == 0, done.stderr
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait() == 0
    assert json.loads((tmp_path / "stats.json").read_text())["frames_in"] < FRAMES
