# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""SCTP with a whole stack at both ends of the simulated card (usrsctp, over raw sockets): it looks at tags, cookies and CRCs as
an operating system does. Where the port changes, every packet takes the slow path."""

import contextlib
import time

import pytest

import place
from place import lab

pytestmark = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))

TALK = lab.ROOT / "build/tests/e2e/sctp_talk"
OTHER_SERVER = "192.0.2.11"
OTHER_CLIENT = "192.0.2.3"
BYTES = 2_000_000
FEW = 200_000


def backend(name, address, *port):
    return {"name": name, "address": address, "function": 1, **({"port": port[0]} if port else {})}


def service(name, address, port, mode, *backends):
    return {"name": name, "domain": "shop", "address": address, "protocol": "sctp", "port": port,
            "mode": mode, "backends": backends, **({"scheduler": "rr"} if mode == "stateful" else {})}


SHOP = {
    "format": 1,
    "device": {"mac": "02:00:00:00:00:aa"},
    "functions": [{"function": 1, "mac": lab.SERVER_MAC, "domain": "shop", "default": True}],
    "domains": [{"name": "shop"}],
    "addresses": [{"address": ip, "domain": "shop"} for ip in (*lab.PUBLIC, lab.PUBLIC6)],
    "backends": [backend("other4", lab.SERVER, 7000), backend("other6", lab.SERVER6, 7000),
                 backend("same4", lab.SERVER, 7001),
                 backend("a", lab.SERVER), backend("b", OTHER_SERVER)],
    "services": [service("other4", "198.51.100.1", 80, "static", "other4"),
                 service("other6", lab.PUBLIC6, 80, "static", "other6"),
                 service("same4", "198.51.100.2", 7001, "static", "same4"),
                 service("two", "198.51.100.3", 7100, "stateful", "a", "b")],
}


@pytest.fixture(name="shop", scope="module", params=["model", "lockstep"])
def _shop(request):
    with lab.Lab(request.param) as laboratory:
        for space, address, dev in ((laboratory.server, OTHER_SERVER, "host1"), (laboratory.client, OTHER_CLIENT, "net0")):
            laboratory.run(space, "ip", "address", "add", f"{address}/24", "dev", dev, check=True)
        place.apply(laboratory, SHOP)
        yield laboratory
        assert laboratory.processes["card"].poll() is None
        assert laboratory.processes["portcamd"].poll() is None
        if request.param == "lockstep":
            assert laboratory.finish()["differences"] == 0


@contextlib.contextmanager
def server(shop, *words):
    """Lines that it prints, one for each association that has ended; those of the block when it is over."""
    log = shop.log("talk")
    log.unlink(missing_ok=True)
    process = shop.start("talk", "ip", "netns", "exec", shop.server, TALK, "serve", *words)
    try:
        lab.wait_until(lambda: "ready" in log.read_text(), "a server", process, log)
        yield lambda: log.read_text().splitlines()[1:]
    finally:
        shop.stop("talk")


def ask(shop, address, port, size, own=None):
    """Who answered."""
    own = own or (lab.CLIENT6 if ":" in address else lab.CLIENT)
    done = shop.run(shop.client, TALK, "ask", own, address, port, size, capture_output=True, text=True,
                    timeout=5 * lab.PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def shut_down(ended, who, size):
    line = f"{who}: {size} bytes, shut down"
    lab.wait_until(lambda: line in ended(), line)


def slow(shop):
    """SCTP packets that the slow path has translated; it tells a few times a second."""
    time.sleep(0.6)
    return sum(row["outcomes"].get("rewritten", 0) for row in shop.json("slow_path", "status")["reasons"]
               if row["reason"] == "sctp_ports")


@pytest.mark.parametrize("public,own", [("198.51.100.1", lab.SERVER), (lab.PUBLIC6, lab.SERVER6)])
def test_section_7_another_port(shop, public, own):
    before = slow(shop)
    with server(shop, own, 7000) as ended:
        who = ask(shop, public, 80, BYTES)
        assert who == f"{own}:7000"
        shut_down(ended, who, BYTES)
    assert slow(shop) - before > 2 * BYTES / 1500


def test_section_7_a_client_with_two_addresses(shop):
    """INIT lists both; the server asks each whether it is there."""
    with server(shop, lab.SERVER, 7000) as ended:
        shut_down(ended, ask(shop, "198.51.100.1", 80, FEW, own="any"), FEW)


def test_the_port_stays(shop):
    before = slow(shop)
    with server(shop, lab.SERVER, 7001) as ended:
        shut_down(ended, ask(shop, "198.51.100.2", 7001, FEW), FEW)
    assert slow(shop) == before


def test_two_backends_in_turn(shop):
    """Of a stateful service, which keeps the port."""
    with server(shop, lab.SERVER, 7100, OTHER_SERVER, 7100) as ended:
        who = [ask(shop, "198.51.100.3", 7100, FEW) for _ in range(2)]
        assert sorted(who) == [f"{lab.SERVER}:7100", f"{OTHER_SERVER}:7100"]
        for one in who:
            shut_down(ended, one, FEW)
