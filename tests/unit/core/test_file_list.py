# SPDX-License-Identifier: Apache-2.0
"""The file list for FuseSoC is that of hw.mk, in an order that tools accept."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]


def files_of_make():
    script = "include hw/hw.mk\n$(info $(HW_RTL))\nall:;"
    output = subprocess.run(["make", "-s", "-f", "-", "all"], input=script, cwd=ROOT, text=True,
                            capture_output=True, check=True).stdout
    return output.split()


def files_of_core():
    text = (ROOT / "hw/portcam.core").read_text(encoding="utf-8")
    return ["hw/" + name for name in re.findall(r"^      - (\S+\.sv)$", text, re.MULTILINE)]


def test_core_file_lists_what_make_lists():
    assert files_of_core() == files_of_make()


def test_packages_come_first_and_every_file_exists():
    files = files_of_core()
    packages = [name for name in files if name.endswith("_pkg.sv")]
    assert files[:len(packages)] == packages
    assert all((ROOT / name).is_file() for name in files)
