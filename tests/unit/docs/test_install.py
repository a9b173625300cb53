# SPDX-License-Identifier: Apache-2.0
"""A program of somebody else compiles against an installed library as the programmer's guide says, and what is
installed names the prefix that was chosen.
"""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/programmers-guide.md").read_text()


@pytest.fixture(name="root", scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["make", "-s", "install", f"DESTDIR={root}", "PREFIX=/opt/here"], cwd=ROOT, timeout=600,
                   stdout=subprocess.DEVNULL, check=True)
    return root


def test_prefix(root):
    prefix = root / "opt/here"
    unit = (prefix / "lib/systemd/system/portcamd.service").read_text()
    assert re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE).group(1) == "/opt/here/sbin/portcamd"
    assert "prefix=/opt/here\n" in (prefix / "lib/pkgconfig/libportcam.pc").read_text()
    assert [path.name for path in prefix.rglob("*") if b"@PREFIX@" in
            (path.read_bytes() if path.is_file() else b"")] == []


@pytest.mark.parametrize("name, arguments, end", [
    ("drain", [ROOT / "docs/examples/shop.json", "shop"], "shop drains on a card with room for 1024 services\n"),
    ("row", [], "no_match: 0 packets, 0 octets\n")])
def test_example_compiles_and_runs(root, name, arguments, end):
    prefix = root / "opt/here"
    command = re.search(rf"^    (cc -o {name} .*)$", TEXT, re.MULTILINE).group(1)
    environment = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(root),
                   "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig"),
                   "LD_LIBRARY_PATH": str(prefix / "lib")}
    (prefix / f"{name}.c").write_text((ROOT / f"docs/examples/{name}.c").read_text())
    subprocess.run(command, shell=True, cwd=prefix, env=environment, timeout=120, check=True)
    done = subprocess.run([prefix / name, "model:", *arguments], env=environment, capture_output=True, text=True,
                          timeout=60, check=True)
    assert done.stdout.endswith(end)
