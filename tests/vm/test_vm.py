# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""The driver, the daemon and the command with a real kernel: its VFIO, its IOMMU and its interrupts.

Each boot of a machine is one run of a file of guest/; every check there is a test here, and a check that is not
in the list below, or that the guest did not print, is a failure.
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "demo"))

import lab  # noqa: E402
import machine  # noqa: E402
import shop  # noqa: E402

CHECKS = {
    "iommu": [
        "no driver",
        "bound to another driver",
        "bad address",
        "no such card",
        "bind to vfio-pci",
        "group not viable",
        "the list tells what is wrong",
        "open through group and container, identify",
        "address ranges leave out the interrupt window",
        "registers through the mapped BAR",
        "registers by system calls",
        "DMA both ways over many pages",
        "DMA keeps to read-only mappings",
        "DMA to an unmapped address is a clear error",
        "no DMA without bus master, the ring starts again",
        "errors of mappings are the same as elsewhere",
        "2 MiB pages",
        "interrupt of the command ring",
        "interrupt of errors",
        "each vector at its own eventfd",
        "reset and recovery",
        "close and open reset the card",
        "group busy",
        "no permission",
        "without root after the rule of udev",
        "memory-lock limit, seen before opening",
        "memory-lock limit, met later",
        "the kernel's log has the fault of the unmapped address",
        "the daemon starts",
        "tables over the ring, read back",
        "health",
        "reset by the command, tables are there again",
        "a second program is told who has the group",
        "killed and restarted, tables are there again",
        "unbind ends, the daemon lets go",
        "bound again, tables are there again",
        "the daemon ends by a signal",
        "the daemon without root",
        "the card is pulled, the daemon says so",
    ],
    "no-iommu": [
        "vfio-pci does not take the card",
        "no IOMMU",
        "the list tells what is wrong",
        "a card that is gone",
    ],
    "shop": [
        "network and web servers",
        "bind to vfio-pci",
        "the daemon starts",
        "the shop's configuration",
    ],
}
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
            if part != "shop":
                boots[part] = machine.Machine(folder, part, iommu=part != "no-iommu").run()
            elif why_not := lab.why_not():
                pytest.skip(why_not)
            else:
                place = shop.Shop(folder)
                boots[part] = place.run()
                pages.update(place.pages)
            print(boots[part].text)
        return boots[part]
    return boot


@pytest.mark.parametrize("part", CHECKS)
def test_machine_ends(boot, part):
    """The machine does all its checks, in this order, and no other ones."""
    result = boot(part)
    assert not result.twice
    assert list(result.checks) == CHECKS[part], result.text + result.console[-3000:]
    assert result.planned == len(CHECKS[part])


@pytest.mark.parametrize("part,check", [(part, check) for part, checks in CHECKS.items() for check in checks])
def test_in_guest(boot, part, check):
    """One check of the guest."""
    result = boot(part)
    assert result.checks.get(check), result.told.get(check, "it was not reached") + result.console[-1500:]


@pytest.mark.parametrize("public", shop.PUBLIC)
def test_shop(boot, public):
    """Pages through the card, from the machine that programs it: RTL, the kernel's VFIO and its network at once."""
    boot("shop")
    assert pages.get(public) == shop.wanted(public)
