# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""Path MTU discovery through the card: a link on the way takes 1,300 bytes, the kernel of its router says so in an ICMP
error, and the card brings the error to the one whose packet was too long.

    far --1500-- hill --1300-- client --1500-- card --1500-- server --1300-- dale --1500-- deep

far fetches from a server whose packets are too long for the link to hill; the client sends to a server on deep, and is too
long for the link to dale. In either case the sender only knows addresses that the card has translated."""

import hashlib
import json
import random
import subprocess
import sys

import pytest

import place
from place import lab

pytestmark = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))

ENGINES = ["model", "lockstep"]
MTU = 1300
PAGE = random.Random(77).randbytes(300_000)
PUBLIC = {4: "198.51.100.1", 6: lab.PUBLIC6}
SERVER = {4: lab.SERVER, 6: lab.SERVER6}
CLIENT = {4: lab.CLIENT, 6: lab.CLIENT6}
FAR = {4: "10.77.1.2", 6: "fd77:1::2"}
DEEP = {4: "10.88.1.2", 6: "fd88:1::2"}
DEEP_PORT, PUBLIC_PORT = 9000, 90

TAKE = """
import socket, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])),
                         family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("ready", flush=True)
while True:
    c, _ = s.accept()
    total = 0
    while data := c.recv(65536):
        total += len(data)
    c.sendall(str(total).encode())
    c.close()
"""
GIVE = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)
s.sendall(bytes(300000))
s.shutdown(socket.SHUT_WR)
print(s.recv(100).decode())
"""


def services(mode):
    """One public address a version: port 80 is an nginx of the server, port 90 the process on deep."""
    rows, backends = [], []
    for version, public in PUBLIC.items():
        for name, address, port, to in (("web", SERVER[version], 8081, 80),
                                        ("deep", DEEP[version], DEEP_PORT, PUBLIC_PORT)):
            backends.append({"name": f"{name}{version}", "address": address, "port": port, "function": 1})
            rows.append({"name": f"{name}{version}", "domain": "shop", "address": public, "protocol": "tcp",
                         "port": to, "mode": mode, "backends": [f"{name}{version}"]})
    return {"format": 1, "functions": [{"function": 1, "mac": lab.SERVER_MAC, "domain": "shop", "default": True}],
            "domains": [{"name": "shop"}], "backends": backends, "services": rows,
            "addresses": [{"address": address, "domain": "shop"} for address in PUBLIC.values()]}


def ip(space, *words):
    subprocess.run(["ip", "-n", space, *words], check=True)


def link(spaces, names, addresses, mtu):
    """A wire between two namespaces, its ends in a network each of IPv4 and IPv6."""
    ip(spaces[0], "link", "add", names[0], "type", "veth", "peer", "name", names[1], "netns", spaces[1])
    for space, name, own in zip(spaces, names, addresses):
        for address, prefix in zip(own, (24, 64)):
            ip(space, "address", "add", f"{address}/{prefix}", "dev", name,
               *(["nodad"] if ":" in address else []))
        ip(space, "link", "set", name, "mtu", str(mtu), "up")


def route(space, gateways, *networks):
    for network in networks:
        ip(space, "route", "add", network, "via", gateways[":" in network])


def forward(place_, space):
    for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        place_.run(space, "sh", "-c", f"echo 1 > /proc/sys/net/{name}", check=True)


@pytest.fixture(name="way", scope="module", params=ENGINES)
def _way(request):
    with lab.Lab(request.param, pages={"page": PAGE}) as shop:
        for role in ("far", "hill", "dale", "deep"):
            setattr(shop, role, shop.namespace(role))
        link((shop.far, shop.hill), ("hill", "far"), (FAR.values(), ("10.77.1.1", "fd77:1::1")), 1500)
        link((shop.hill, shop.client), ("client", "hill"), (("10.77.2.1", "fd77:2::1"), ("10.77.2.2", "fd77:2::2")), MTU)
        link((shop.server, shop.dale), ("dale", "server"), (("10.88.2.1", "fd88:2::1"), ("10.88.2.2", "fd88:2::2")), MTU)
        link((shop.dale, shop.deep), ("deep", "dale"), (("10.88.1.1", "fd88:1::1"), DEEP.values()), 1500)
        route(shop.far, ("10.77.1.1", "fd77:1::1"), "0.0.0.0/0", "::/0")
        route(shop.hill, ("10.77.2.2", "fd77:2::2"), "0.0.0.0/0", "::/0")
        route(shop.client, ("10.77.2.1", "fd77:2::1"), "10.77.1.0/24", "fd77:1::/64")
        route(shop.server, (lab.CLIENT, lab.CLIENT6), "10.77.0.0/16", "fd77::/16")
        route(shop.server, ("10.88.2.2", "fd88:2::2"), "10.88.1.0/24", "fd88:1::/64")
        route(shop.dale, ("10.88.2.1", "fd88:2::1"), "0.0.0.0/0", "::/0")
        route(shop.deep, ("10.88.1.1", "fd88:1::1"), "0.0.0.0/0", "::/0")
        for space in (shop.client, shop.server, shop.hill, shop.dale):
            forward(shop, space)
        yield shop
        assert shop.finish()["differences"] == 0


def path_mtu(way, space, to):
    """What the kernel there knows of the path; None where it knows nothing."""
    answer = way.run(space, "ip", "-j", "route", "get", to, capture_output=True, text=True, check=True)
    for metrics in json.loads(answer.stdout)[0].get("metrics", []):
        if "mtu" in metrics:
            return metrics["mtu"]
    return None


def reasons(way):
    return {row["reason"]: row["packets"] for row in way.json("stats", "show", "--all")["reasons"]}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("mode", ["static", "stateful"])
def test_f6_a_server_learns_the_path_mtu_of_its_client(way, mode, version):
    """P11 F.6: a download arrives whole although each full packet was too long for a link at first."""
    place.apply(way, services(mode))
    ip(way.server, "route", "flush", "cache")
    ip(way.server, "-6", "route", "flush", "cache")
    assert path_mtu(way, way.server, FAR[version]) is None
    before = reasons(way)["icmp_forward"]
    public = f"[{PUBLIC[6]}]" if version == 6 else PUBLIC[4]
    done = way.run(way.far, "curl", "-sS", "--max-time", "60", f"http://{public}/page", capture_output=True)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(PAGE).digest()
    assert path_mtu(way, way.server, FAR[version]) == MTU
    assert reasons(way)["icmp_forward"] > before


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("mode", ["static", "stateful"])
def test_f6_a_client_learns_the_path_mtu_to_its_server(way, mode, version):
    """P11 F.6: an upload to a server behind a router; the error comes from the public address."""
    place.apply(way, services(mode))
    ip(way.client, "route", "flush", "cache")
    ip(way.client, "-6", "route", "flush", "cache")
    assert path_mtu(way, way.client, PUBLIC[version]) is None
    before = reasons(way)["icmp_reverse"]
    taker = way.start("taker", "ip", "netns", "exec", way.deep, sys.executable, "-c", TAKE, DEEP[version], DEEP_PORT)
    try:
        lab.wait_until(lambda: "ready" in way.log("taker").read_text(), "a server", taker, way.log("taker"))
        done = way.run(way.client, sys.executable, "-c", GIVE, PUBLIC[version], PUBLIC_PORT,
                       capture_output=True, text=True)
    finally:
        way.stop("taker")
        way.log("taker").unlink()
    assert done.stdout == "300000\n", done.stderr
    assert path_mtu(way, way.client, PUBLIC[version]) == MTU
    assert reasons(way)["icmp_reverse"] > before
