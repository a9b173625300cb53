# SPDX-License-Identifier: Apache-2.0
"""A program of somebody else compiles against an installed library as the programmer's guide says, and what is
installed names the prefix that was chosen.
"""

import os
import pathlib
import re
import shutil
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


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_the_unit_is_right(root, tmp_path):
    """As systemd reads it, where the programs are in their place."""
    unit = (root / "opt/here/lib/systemd/system/portcamd.service").read_text()
    assert re.search("^User=portcam$", unit, re.MULTILINE)
    unit = unit.replace("/opt/here", str(root / "opt/here")).replace("Documentation=man:portcamd(8)\n", "")
    (tmp_path / "portcamd.service").write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "portcamd.service"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="there is no systemd-sysusers")
def test_the_user_is_made(root, tmp_path):
    (tmp_path / "etc").mkdir()
    lines = (root / "opt/here/lib/sysusers.d/portcam.conf").read_text().splitlines()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "--inline", *(line for line in lines if line[0] != "#")],
                   timeout=60, check=True)
    assert re.search("^portcam:.*:/var/lib/portcam:/usr/sbin/nologin$", (tmp_path / "etc/passwd").read_text(), re.M)
    assert re.search("^portcam:", (tmp_path / "etc/group").read_text(), re.M)


RULES = (ROOT / "cli/60-portcam.rules").read_text()


def test_the_rules_name_the_card(root):
    """Every id is that of the register map, and every rule gives the node to the group only."""
    defs = (ROOT / "hw/regs/gen/portcam_defs.h").read_text()
    ids = [re.search(rf"#define PORTCAM_PCI_{name} 0x([0-9a-f]+)u", defs).group(1) for name in ("VENDOR", "DEVICE")]
    assert (root / "opt/here/lib/udev/rules.d/60-portcam.rules").read_text() == RULES
    assert set(re.findall("0x([0-9a-f]{4})", RULES)) == set(ids)
    rules = [line for line in RULES.splitlines() if line and not line.startswith("#")]
    assert len(rules) == 3 and all(rule.endswith('GROUP="portcam", MODE="0660"') for rule in rules)


@pytest.mark.parametrize("devices, is_card", [
    (["1234:9ca0"], True), (["8086:1572", "1234:9ca0"], True), (["8086:1572"], False), (["1234:9ca1"], False), ([], False)])
def test_the_rule_knows_a_group_with_a_card(tmp_path, devices, is_card):
    """The shell command of the rule, on packed groups of the kernel."""
    for number, (vendor, device) in enumerate(name.split(":") for name in devices):
        folder = tmp_path / f"7/devices/0000:03:00.{number}"
        folder.mkdir(parents=True)
        (folder / "vendor").write_text(f"0x{vendor}\n")
        (folder / "device").write_text(f"0x{device}\n")
    command = re.search(r"PROGRAM=\"/bin/sh -c '(.*?)'\"", RULES).group(1)
    command = command.replace("$$", "\0").replace("$kernel", "7").replace("\0", "$")
    command = command.replace("/sys/kernel/iommu_groups", str(tmp_path))
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.DEVNULL, check=False)
    assert done.returncode == (0 if is_card else 1)


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
