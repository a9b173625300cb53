# SPDX-License-Identifier: Apache-2.0
"""The bytes and clocks of docs/life-of-a-packet.md are those of the captures, of the reference model, and of
the RTL in lockstep with it.
"""

import os
import pathlib
import re
import signal
import struct
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs/examples"
POOL, SHOP = EXAMPLES / "pool.json", EXAMPLES / "shop.json"
TEXT = (ROOT / "docs/life-of-a-packet.md").read_text()
SECONDS = 60  # until a program counts as hung


def shown(name):
    block = re.search(rf"^```hex {name}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return bytes.fromhex(block.group(1))


def first_frame(path):
    """The first frame of a capture; classic pcap of either byte order."""
    data = path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    length = struct.unpack_from(f"{order}I", data, 24 + 8)[0]
    return data[40:40 + length]


def expected(folder):
    assert first_frame(folder / "to-web.pcap") == shown("request after")
    assert first_frame(folder / "to-net.pcap") == shown("reply after")


def test_captures():
    assert first_frame(EXAMPLES / "request.pcap") == shown("request before")
    assert first_frame(EXAMPLES / "reply.pcap") == shown("reply before")


@pytest.mark.parametrize("config", [POOL, SHOP], ids=["stateful", "static"])
def test_model(tmp_path, config):
    """The bytes are the same with a record and without."""
    done = subprocess.run(
        [ROOT / "build/cli/portcam-model", "-c", config, "--stats",
         "--net", f"{EXAMPLES}/request.pcap,{tmp_path}/to-net.pcap",
         "--host", f"2={EXAMPLES}/reply.pcap,{tmp_path}/to-web.pcap"],
        capture_output=True, text=True, timeout=SECONDS, check=True)
    for line in done.stdout.splitlines():
        assert (line if config == POOL else line.split()[0]) in TEXT
    expected(tmp_path)


def test_explain():
    done = subprocess.run(
        [ROOT / "build/cli/portcam", "--device", "model:", "--config", POOL,
         *"explain from network tcp 203.0.113.9:40001 to 198.51.100.1:80".split()],
        capture_output=True, text=True, timeout=SECONDS, check=True)
    lines = "".join(f"    {line}\n" for line in done.stdout.splitlines())
    assert "connection_new" in lines and lines in TEXT


def simulate(tmp_path, engine, while_it_runs):
    """Both captures through the simulated card; (what it wrote, what while_it_runs gave)."""
    socket = tmp_path / "card.sock"
    portcam = [ROOT / "build/cli/portcam", "--device", f"vfio-user:{socket}"]
    card = subprocess.Popen(
        [ROOT / "build/sim/portcam-sim", "--socket", socket, "--engine", engine, "--hold",
         "--net", f"pcap:{EXAMPLES}/request.pcap,{tmp_path}/to-net.pcap", "--host", "null",
         "--host", f"pcap:{EXAMPLES}/reply.pcap,{tmp_path}/to-web.pcap"],
        stderr=subprocess.PIPE, text=True)
    try:
        assert "socket" in card.stderr.readline()  # it listens
        subprocess.run([*portcam, "--config", POOL, "device", "health"], timeout=SECONDS, check=True)
        os.kill(card.pid, signal.SIGUSR1)
        while not (frames := list(tmp_path.glob("to-*.pcap"))) \
                or len(frames) < 2 or min(frame.stat().st_size for frame in frames) < 100:
            assert card.poll() is None
            time.sleep(0.05)
        told = while_it_runs(portcam)
        card.terminate()
        _, errors = card.communicate(timeout=SECONDS)
    finally:
        card.kill()
        card.wait()
    assert card.returncode == 0
    expected(tmp_path)
    return errors, told


def test_rtl_and_model_in_lockstep(tmp_path):
    errors, _ = simulate(tmp_path, "lockstep", lambda _: None)
    assert "2 frames in, 2 out" in errors and "0 differences" in errors


def test_explain_knows_the_record(tmp_path):
    """The reply's explanation, but for the numbers that hashes give."""
    def explain(portcam):
        return subprocess.run(
            [*portcam, *"explain from function 2 tcp 192.0.2.10:8081 to 203.0.113.9:40001".split()],
            capture_output=True, text=True, timeout=SECONDS, check=True).stdout

    def plain(text):
        return re.sub(r"endpoint row \d+|connection \d+:1\b", "*", text)

    _, told = simulate(tmp_path, "model", explain)
    lines = "".join(f"    {line}\n" for line in told.splitlines())
    assert "connection_reverse" in lines and plain(lines) in plain(TEXT)


def test_latency():
    """The clocks of the stages add up to what the bench of the core measures."""
    done = subprocess.run([ROOT / "build/tests/unit/core/core_test"], capture_output=True, text=True,
                          timeout=10 * SECONDS, check=True)
    measured = re.search(r"^# latency \d+ clocks.*$", done.stdout, re.MULTILINE).group(0)
    assert f"    {measured}\n" in TEXT
    stages = [int(n) for n in re.findall(r"^\| [a-z]+ \| \[portcam_\w+\.sv\]\([^)]+\) \| (\d+) \|", TEXT,
                                         re.MULTILINE)]
    assert len(stages) == 6
    assert sum(stages) == int(re.search(r"\d+", measured).group(0))
