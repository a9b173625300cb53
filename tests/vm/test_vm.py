# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""The driver, the daemon and the command with a real kernel: its VFIO, its IOMMU and its interrupts.

Each boot of a machine is one run of a file of guest/; every check there is a test here, and a check that is not
in the list of parts.py, or that the guest did not print, is a failure. The part iommufd is in test_iommufd.py.
"""

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "demo"))

import lab  # noqa: E402
import machine  # noqa: E402
import parts  # noqa: E402
import shop  # noqa: E402

class Shop(shop.Shop):
    """A client of SCTP too: a stack in user space, for this kernel may have none. The one in the machine is its kernel's."""

    def host_fetch(self):
        done = subprocess.run(["ip", "netns", "exec", self.client, machine.ROOT / "build/tests/e2e/sctp_talk", "ask",
                               "192.0.2.2", "198.51.100.1", "80", "200000"],
                              capture_output=True, text=True, timeout=machine.PATIENCE / 2, check=False)
        pages["sctp"] = done.stdout + done.stderr
        super().host_fetch()


PARTS = ("iommu", "no-iommu", "shop")
boots = {}
pages = {}  # what the shop's clients got


@pytest.fixture(scope="module", name="boot")
def boot_fixture(tmp_path_factory):
    """boot(part) is the result of that machine, which runs once."""
    try:
        machine.fetch()
    except machine.Unavailable as error:
        pytest.skip(f"NO VIRTUAL MACHINE, THE DRIVER HAS NOT MET A KERNEL: {error}")

    def boot(part):
        if part not in boots:
            folder = tmp_path_factory.mktemp(part)
            if part == "iommu":
                boots[part] = machine.Machine(folder, part, others=parts.OTHER_CARDS).run()
            elif part == "no-iommu":
                boots[part] = machine.Machine(folder, part, iommu=False).run()
            elif why_not := lab.why_not():
                pytest.skip(why_not)
            else:
                place = Shop(folder)
                boots[part] = place.run()
                pages.update(place.pages)
            print(boots[part].text)
        return boots[part]
    return boot


@pytest.mark.parametrize("where,what", parts.failures())
def test_every_failure_is_tried(where, what):
    """A row of tests/vm/failures is tried where it says."""
    assert where in ("tree", "calls") or what in parts.CHECKS[where]


def test_rules_of_udev(boot):
    """As udev reads them."""
    assert boot
    done = subprocess.run([*machine.program("usr/bin/udevadm"), "verify", "--resolve-names=never",
                           machine.ROOT / "cli/60-portcam.rules"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("part", PARTS)
def test_machine_ends(boot, part):
    parts.assert_whole(boot(part), part)


@pytest.mark.parametrize("part,check", [(part, check) for part in PARTS for check in parts.CHECKS[part]])
def test_in_guest(boot, part, check):
    parts.assert_check(boot(part), check)


@pytest.mark.parametrize("public", shop.PUBLIC)
def test_shop(boot, public):
    """Pages through the card, from the machine that programs it: RTL, the kernel's VFIO and its network at once."""
    boot("shop")
    assert pages.get(public) == shop.wanted(public)


def test_section_7_sctp_of_the_kernel(boot):
    """200,000 bytes there and back, compared, to another port; then both sides shut down."""
    boot("shop")
    assert pages.get("sctp") == "192.0.2.10:7000\n"
