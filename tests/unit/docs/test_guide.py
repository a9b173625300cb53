# SPDX-License-Identifier: Apache-2.0
"""What docs/programmers-guide.md shows happens: its example programs, on the model and on the RTL, and its
conversation with the daemon.
"""

import contextlib
import json
import pathlib
import re
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/programmers-guide.md").read_text()
SECONDS = 60  # until a program counts as hung


def commands():
    """(command, lines that the document shows below it) of all `$ build/...` lines."""
    found = []
    for block in re.findall(r"(?:^    .*\n)+", TEXT, re.MULTILINE):
        lines = [line[4:] for line in block.splitlines()]
        for line in lines if lines[0].startswith("$ ") else []:
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return [(command, lines) for command, lines in found if command.startswith("build/")]


@contextlib.contextmanager
def running(command, ready):
    """A program, once its standard error holds a line with `ready`."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if ready in line:
                break
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("header", ["portcam.h", "dev.h", "ring.h"])
def test_every_function_is_there(header):
    functions = re.findall(r"^PORTCAM_API [^;]*?\b(portcam_\w+)\(", (ROOT / "lib/include/portcam" / header).read_text(), re.MULTILINE)
    assert len(functions) > 8
    assert [name for name in functions if f"`{name}()`" not in TEXT] == []


def test_commands_are_shown():
    assert len(commands()) == 3


@pytest.mark.parametrize("command, lines", commands())
def test_example_on_the_model(command, lines):
    done = subprocess.run(command.split(), cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.stdout + done.stderr).splitlines() == lines
    assert (done.returncode == 0) == (not done.stderr)


def test_examples_on_the_rtl(tmp_path):
    path = tmp_path / "card.sock"
    card = [ROOT / "build/sim/portcam-sim", "--socket", path, "--engine", "lockstep", "--net", "null",
            "--host", "null"]
    with running(card, "socket") as process:
        for command, lines in commands():
            words = command.replace("model:", f"vfio-user:{path}").split()
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
            # The card is not empty at the second open, so less may change.
            assert [line for line in done.stdout.splitlines() if "changed" not in line] == \
                [line for line in lines if "changed" not in line and "not_found" not in line]
            assert ("not_found" in done.stderr) == any("not_found" in line for line in lines)
        process.terminate()
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert " 0 differences" in errors


def test_conversation(tmp_path):
    block = re.search(r"^```transcript\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL).group(1)
    lines = block.splitlines()
    path = tmp_path / "portcam.sock"
    daemon = [ROOT / "build/cli/portcamd", "--device", "model:", "--socket", path, "--state-dir", tmp_path,
              "--config", ROOT / "docs/examples/shop.json"]
    with running(daemon, "serves"), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        client.connect(str(path))
        stream = client.makefile("rw")
        for line in lines:
            if line.startswith("> "):
                stream.write(line[2:] + "\n")
                stream.flush()
            else:
                assert json.loads(stream.readline()) == json.loads(line[2:])
        # It monitors now: a change of its own is told too.
        stream.write(json.dumps({"format": 1, "object": "domain", "verb": "set",
                                 "args": {"name": "shop", "state": "running"}}) + "\n")
        stream.flush()
        answer, event = json.loads(stream.readline()), json.loads(stream.readline())
        assert answer["changed"] is True
        shown = json.loads(re.search(r'^    (\{"format":1,"time".*)$', TEXT, re.MULTILINE).group(1))
        assert event.keys() == shown.keys() and abs(event["time"] - time.time()) < SECONDS
        assert event["objects"][0]["fields"] == {"state": ["draining", "running"]}
