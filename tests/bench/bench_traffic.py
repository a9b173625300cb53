#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Requests a second by wrk, and a download by curl, from a client through the simulated card to nginx.

    tests/bench/bench_traffic.py [SECONDS]

Beside them, in the same run, the same client and server with the card's place taken by a cable (veth) and
by a cable with nftables DNAT, which does in software what the card's rows do.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "demo"))

import lab  # noqa: E402 (its folder is on the path now)

PAGE = "large"
SIZE = 20 << 20
PUBLIC = "198.51.100.1"
DNAT = """
table ip portcam {
    chain in { type nat hook prerouting priority -100;
        ip daddr 198.51.100.1 tcp dport 80 dnat to 192.0.2.10:8081; }
}
"""


class Cable(lab.Lab):
    """The laboratory with a cable in place of the card, and with or without DNAT at the server."""

    def __init__(self, dnat, pages):
        super().__init__(pages=pages)
        self.dnat = dnat

    def start_card(self):
        subprocess.run(["ip", "-n", self.card, "link", "add", "net0", "type", "veth", "peer", "name",
                        "host1"], check=True)

    def start_daemon(self):
        if self.dnat:
            self.run(self.server, "nft", "-f", "-", input=DNAT, text=True, check=True)


def measure(place, url, seconds):
    done = place.run(place.client, "wrk", "-t1", "-c32", f"-d{seconds}s", f"{url}/",
                     capture_output=True, text=True)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
    wrong = re.search(r"(Socket errors|Non-2xx).*", done.stdout)
    done = place.run(place.client, "curl", "-sS", "-o", "/dev/null", "-w", "%{speed_download} %{size_download}",
                     f"{url}/{PAGE}", capture_output=True, text=True)
    speed, size = done.stdout.split()
    if wrong or int(size) != SIZE:
        sys.exit(f"WRONG: {wrong.group(0) if wrong else done.stdout + done.stderr}")
    return rate, float(speed) * 8 / 1e6


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    why = lab.why_not()
    if why:
        print(f"not measured: {why}")
        return
    pages = {PAGE: bytes(SIZE)}
    print(f"wrk -t1 -c32 -d{seconds}s, then curl of {SIZE >> 20} MiB, one client, one nginx")
    for engine in ("rtl", "lockstep", "model"):
        with lab.Lab(engine, pages) as place:
            place.portcam("config", "apply", lab.CONFIG)
            rate, speed = measure(place, f"http://{PUBLIC}", seconds)
            told = place.finish()
        print(f"  portcam-sim --engine {engine:9} {rate:9.0f} requests/s {speed:9.0f} Mbit/s"
              f"   {told['clocks']} clocks, {told['peak_kib'] / 1024:.0f} MiB at most, "
              f"{told['differences']} differences")
    for name, dnat in (("cable with nftables DNAT", True), ("cable, no translation", False)):
        with Cable(dnat, pages) as place:
            rate, speed = measure(place, f"http://{PUBLIC if dnat else lab.SERVER + ':8081'}", seconds)
        print(f"  {name:30} {rate:9.0f} requests/s {speed:9.0f} Mbit/s")


if __name__ == "__main__":
    main()
