#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real server with a real kernel behind the card: `make demo-vm`.

    client namespace --TAP-- network port [ portcam-sim ] function 1 --socket-- virtio-net of the virtual machine
                                               |
                                 vfio-user: the card in the machine's slot, driven through VFIO

nginx in the machine listens at ports 8081, 8082 and 8083; the client asks three public addresses at port 80.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import machine

PUBLIC = {"198.51.100.1": 8081, "198.51.100.2": 8082, "198.51.100.3": 8083}
NUMBERS = "".join(f"{number}\n" for number in range(1, 20001))


class Shop(machine.Machine):
    """The machine with its network. What the client got is in pages, {public address: (page, numbers)}."""

    def __init__(self, folder):
        super().__init__(folder, "shop")
        self.spaces = [f"portcam-{os.getpid()}-{role}" for role in ("card", "client")]
        self.card, self.client = self.spaces
        self.pages = {}

    def ip(self, *words):
        subprocess.run(["ip", *words], check=True)

    def card_command(self):
        return ["ip", "netns", "exec", self.card, *super().card_command(), "--net", "tap:net0",
                "--host", f"socket:{self.folder}/host1"]

    def card_is_up(self):
        self.ip("-n", self.card, "link", "set", "net0", "netns", self.client)
        self.ip("-n", self.client, "address", "add", "192.0.2.2/24", "dev", "net0")
        self.ip("-n", self.client, "link", "set", "net0", "up")
        self.ip("-n", self.client, "route", "add", "198.51.100.0/24", "dev", "net0")

    def qemu_arguments(self):
        return ["-netdev", f"stream,id=net,server=off,addr.type=unix,addr.path={self.folder}/host1",
                "-device", "virtio-net-pci,netdev=net,mac=02:00:00:00:01:01,romfile="]

    def run(self):
        try:
            for space in self.spaces:
                self.ip("netns", "add", space)
            return super().run()
        finally:
            for space in self.spaces:
                subprocess.run(["ip", "netns", "delete", space], capture_output=True, check=False)

    def curl(self, url, *options):
        done = subprocess.run(["ip", "netns", "exec", self.client, "curl", "-sS", "--max-time", "60", *options, url],
                              capture_output=True, text=True, check=False)
        return done.stdout or done.stderr

    def host_fetch(self):
        """What the clients do when the machine serves."""
        for public in PUBLIC:
            self.pages[public] = (self.curl(f"http://{public}/", "-w", "%header{server}"),
                                  self.curl(f"http://{public}/numbers"))
        self.stop("qemu")


def wanted(public):
    """What the client must get."""
    return f"web server at 192.0.2.10:{PUBLIC[public]} for {public}\n{machine.version('nginx')}", NUMBERS


def main():
    """The demonstration."""
    print(__doc__.split("\n\n")[1])
    try:
        machine.fetch()
    except machine.Unavailable as error:
        print(f"no demonstration: {error}")
        return 1
    right = True
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        shop = Shop(pathlib.Path(folder))
        result = shop.run()
        print("\n  in the machine")
        print("".join(f"    {line}\n" for line in result.text.splitlines()))
        for public, pages in shop.pages.items():
            right &= pages == wanted(public)
            print(f"  $ curl http://{public}/\n    {pages[0].replace(chr(10), ', ')}")
            print(f"  $ curl http://{public}/numbers\n    {len(pages[1])} bytes, "
                  f"{'as they were sent' if pages[1] == NUMBERS else 'WRONG'}")
        print(f"\n  {time.monotonic() - start:.1f} seconds from power-on to power-off")
    return 0 if right and len(shop.pages) == len(PUBLIC) else 1


if __name__ == "__main__":
    sys.exit(main())
