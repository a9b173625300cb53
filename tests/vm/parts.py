# SPDX-License-Identifier: Apache-2.0
"""What each part of the guest has to show, by the names it prints; and the tests that every part has."""

import pathlib

DRIVER = [
    "open and identify",
    "address ranges leave out the interrupt window",
    "registers through the mapped BAR",
    "registers by system calls",
    "commands, as many as there are",
    "DMA both ways over many pages",
    "DMA keeps to read-only mappings",
    "DMA to an unmapped address is a clear error",
    "no DMA without bus master, the ring starts again",
    "errors of mappings are the same as elsewhere",
    "too many mappings",
    "2 MiB pages",
    "interrupt of the command ring",
    "interrupt of errors",
    "each vector at its own eventfd",
    "reset and recovery",
    "close and open reset the card",
    "a second open is refused",
    "nobody has no permission",
    "without root after the rule of udev",
    "memory-lock limit, seen before opening",
    "memory-lock limit, met later",
]
MEASURES = [
    "registers through the mapped BAR",
    "registers by system calls",
    "commands, as many as there are",
    "DMA both ways over many pages",
    "interrupt of the command ring",
]
CHECKS = {
    "iommu": [
        "no driver",
        "bound to another driver",
        "bad address",
        "bad address, at bind",
        "no such card",
        "no portcam card, at bind",
        "no permission, at bind",
        "bind to vfio-pci",
        "group not viable",
        "the list tells what is wrong",
        "unbind, and bind again",
        "unbind waits",
        "no permission",
        "memory-lock limit",
        "other cards are bound",
        "interface version unknown",
        "MSI-X short",
        "MSI-X short, the card is used all the same",
        *DRIVER,
        "the kernel's log has the fault of the unmapped address",
        "mirror equal to the card",
        "connections kept over an end in order",
        "the daemon starts",
        "tables over the ring, read back",
        "health",
        "reset by the command, tables are there again",
        "group busy",
        "two cards at once",
        "a second daemon, without root, mirrors its card",
        "killed and restarted, tables are there again",
        "unbind ends, the daemon lets go",
        "bound again, tables are there again",
        "the daemon ends by a signal",
        "the daemon without root",
        "the daemon drops root when all is open",
        "card gone while in use",
    ],
    "no-iommu": [
        "vfio-pci does not take the card",
        "no IOMMU, at bind",
        "no IOMMU",
        "the list tells what is wrong",
        "card gone",
    ],
    "iommufd": [
        "bind to vfio-pci",
        "the kernel has both ways",
        *(f"group: {what}" for what in DRIVER),
        *(f"iommufd: {what}" for what in DRIVER),
        "no permission for iommufd",
        "memory-lock limit, iommufd",
        "the daemon starts",
        "through iommufd",
        "tables over the ring, read back",
        "reset by the command, tables are there again",
        "device busy",
        "group busy through iommufd",
        "unbind ends, the daemon lets go",
        "bound again, tables are there again",
    ],
    "bench": [
        "bind to vfio-pci",
        *(f"{where}{what}" for where in ("", "model: ") for what in (*MEASURES, "mirror equal to the card")),
    ],
    "shop": [
        "network and web servers",
        "bind to vfio-pci",
        "the daemon starts",
        "the shop's configuration",
        "a server of SCTP",
    ],
}
OTHER_CARDS = (("--vectors", "2"), ("--interface", "9"))  # in the part iommu


def failures():
    """The rows of tests/vm/failures as (where, what)."""
    lines = (pathlib.Path(__file__).resolve().parent / "failures").read_text().splitlines()
    rows = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    assert all(len(row) == 5 and all(row) for row in rows)
    return [(row[0], row[1]) for row in rows]


def assert_whole(result, part):
    """The machine did all its checks, in this order, and no other ones."""
    assert not result.twice
    assert list(result.checks) == CHECKS[part], result.text + result.console[-3000:]
    assert result.planned == len(CHECKS[part])


def assert_check(result, check):
    """One check of the guest."""
    assert result.checks.get(check), result.told.get(check, "it was not reached") + result.console[-1500:]
