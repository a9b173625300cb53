# SPDX-License-Identifier: Apache-2.0
"""docs/debugging.md is complete: every reason and every check has its line, sentences and options are those of
the programs, and the commands print what is shown.
"""

import pathlib
import re
import subprocess
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/debugging.md").read_text()
PORTCAM = [ROOT / "build/cli/portcam", "--device", "model:", "--config", "docs/examples/shop.json"]


def rows(heading):
    """First cells of the tables below a heading."""
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [row.split("|")[1].strip() for row in re.findall(r"^\|.*\|$", section, re.MULTILINE)]


def test_every_reason_is_there_once():
    enums = tomllib.loads((ROOT / "hw/regs/enums.toml").read_text())["enum"]
    reasons = next(enum for enum in enums if enum["name"] == "reason")
    names = [value["name"] for value in reasons["value"]]
    told = re.findall(r"`(\w+)`", "".join(rows("Counters by reason")))
    assert sorted(told) == sorted(names)


def test_every_check_is_there():
    source = (ROOT / "lib/src/instance/health.c").read_text()
    checks = set(re.findall(r'\bcheck\(&?c, "(\w+)"', source))
    assert checks == {row.split()[0] for row in rows("Is the card sound?") if row not in ("check", "---")}


@pytest.mark.parametrize("heading", ["The card cannot be opened", "The card stopped"])
def test_sentences_exist(heading):
    """Each sentence's words are in a message of driver, library or daemon; `...` stands for what varies."""
    sources = "".join(path.read_text() for folder in ("driver", "lib/src", "cli")
                      for path in sorted((ROOT / folder).rglob("*.c")))
    text = re.sub(r'"\s*"', "", sources)
    for row in rows(heading)[2:]:
        parts = re.split(r"\.\.\.|: |; |, (?=no )|\(.*?\)|/dev|0x|\d\.[\dx]", row)
        assert any(len(part) > 8 for part in parts), row
        for part in parts:
            assert part.strip(" :,") in text, row


def test_wave_options():
    source = (ROOT / "tests/cosim/cosim.cpp").read_text()
    options = set(re.findall(r'"(--[a-z]+)"', source))
    assert options == {name for row in rows("Waves") for name in re.findall(r"--[a-z]+", row)}


@pytest.mark.parametrize("arguments", [
    "device selftest",
    "explain from network tcp 203.0.113.9:40001 to 198.51.100.1:81",
])
def test_commands(arguments):
    block = next(block for block in re.findall(r"^    \$ portcam (.*\n(?:    [^$\n].*\n)+)", TEXT, re.MULTILINE)
                 if block.splitlines()[0].endswith(arguments))
    done = subprocess.run([*PORTCAM, *arguments.split()], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          check=True)
    assert done.stdout.splitlines() == [line[4:] for line in block.splitlines()[1:]]
