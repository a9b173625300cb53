#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The card in a slot: registers, commands and events through the kernel's VFIO in a virtual machine (TCG, both on the
same processors), and through vfio-user without one; and how long it takes from nothing to a guest whose checks pass.

Needs root nowhere. Without a mirror of Debian's packages only what needs no machine is measured.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/vm"))

import machine  # noqa: E402
import parts  # noqa: E402


def measures(text):
    """The lines that tell a measure, each behind the part of the guest that told it."""
    return [line[2:] for line in text.splitlines() if line.startswith("# ") and "up for" not in line]


def report(title, lines):
    print(f"\n{title}")
    for line in lines:
        print(f"  {line}")


def without_machine(folder, engine):
    """The same program over vfio-user, on this machine."""
    socket = folder / f"{engine}.sock"
    with subprocess.Popen([machine.SIM, "--socket", socket, "--quiet", "--engine", engine]) as card:
        try:
            while not socket.exists():
                time.sleep(0.01)
            lines = []
            for command in (["driver_check", "--measure", f"vfio-user:{socket}"],
                            ["mirror_check", f"vfio-user:{socket}", "10000"]):
                done = subprocess.run([machine.BUILT / command[0], *command[1:]], capture_output=True, text=True,
                                      timeout=600, check=False)
                if done.returncode or "not ok" in done.stdout:
                    raise SystemExit(done.stdout + done.stderr)
                lines += measures(done.stdout)
            return lines
        finally:
            card.terminate()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for engine in ("rtl", "model"):
            report(f"without a machine, engine {engine}", without_machine(folder, engine))
        machine.CACHE = folder / "packages"
        machine.FILES = machine.CACHE / "root"
        start = time.monotonic()
        try:
            machine.fetch()
        except machine.Unavailable as error:
            print(f"\nno virtual machine: {error}")
            return 0
        fetched = time.monotonic() - start
        result = machine.Machine(folder, "bench", others=([],)).run()
        whole = time.monotonic() - start
        parts.assert_whole(result, "bench")
        if not all(result.checks.values()):
            raise SystemExit(result.text)
        rtl, model = result.text.split("ok - model: registers through the mapped BAR")
        at = rtl.rstrip().rfind("\n# BAR mapped")
        report("in a machine, engine rtl", measures(rtl[:at]))
        report("in a machine, engine model", measures(rtl[at:] + "\n" + model))
        size = (machine.CACHE / "versions").read_text().splitlines()[-1]
        report("from nothing", [f"packages: {fetched:.1f} s, {size}",
                                f"to a guest whose checks have passed: {whole:.1f} s"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
