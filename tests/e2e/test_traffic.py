# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""Real clients and real servers on the two sides of the RTL, with the model beside it."""

import copy
import hashlib
import json
import random
import sys
import threading

import pytest

import place
from place import lab

pytestmark = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))

SHOP = json.loads(lab.CONFIG.read_text())
UDP_ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.10", 5353))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(65535)
    s.sendto(data[::-1], peer)
"""
UDP_ASK = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect(("198.51.100.1", 53))
for size in (0, 1, 2, 3, 17, 18, 63, 64, 65, 511, 1472):
    data = bytes(i % 251 for i in range(size))
    s.send(data)
    assert s.recv(65535) == data[::-1], size
"""


def page(size, seed):
    print(f"seed {seed}")
    return random.Random(seed).randbytes(size)


PAGES = {"large": page(20 << 20, 1), **{f"page{n}": page(n * 997, n) for n in range(1, 41)}}


@pytest.fixture(name="shop", scope="module")
def _shop():
    with lab.Lab("lockstep", pages=PAGES) as laboratory:
        yield laboratory
        assert laboratory.processes["card"].poll() is None
        assert laboratory.finish()["differences"] == 0


@pytest.fixture(autouse=True)
def _configured(shop):
    place.apply(shop, SHOP)


def fetch(shop, url, *words):
    """The SHA-256 of what curl gets, or its complaint."""
    done = shop.run(shop.client, "curl", "-sS", "--max-time", "120", *words, url, capture_output=True)
    return hashlib.sha256(done.stdout).hexdigest() if done.returncode == 0 else done.stderr.decode()


def refused(shop, url):
    """Does the client get no answer from this address?"""
    return shop.run(shop.client, "curl", "-sS", "--max-time", "2", url,
                    capture_output=True).returncode != 0


def digest(name):
    return hashlib.sha256(PAGES[name]).hexdigest()


def test_s0_1_each_public_address_reaches_its_own_server_on_one_port(shop):
    for public, port in lab.PUBLIC.items():
        assert shop.curl(f"http://{public}/").stdout == f"nginx at {lab.SERVER}:{port} for {public}\n"
    services = {row["name"]: row for row in shop.json("-s", "service", "show")["services"]}
    assert all(services[name]["forward"]["packets"] >= 5 for name in ("books", "music", "games"))


def test_20_mb_arrive_whole(shop):
    assert fetch(shop, "http://198.51.100.2/large") == digest("large")


def test_200_clients_at_once(shop):
    """Two hundred connections in parallel over all three addresses, each with its own page."""
    publics = list(lab.PUBLIC)
    urls = [(f"http://{publics[n % 3]}/page{n % 40 + 1}", f"page{n % 40 + 1}") for n in range(200)]
    folder = shop.folder / "parallel"
    folder.mkdir()
    words = []
    for number, (url, _) in enumerate(urls):
        words += ["-o", folder / str(number), url]
    done = shop.run(shop.client, "curl", "-sS", "--parallel", "--parallel-immediate",
                    "--parallel-max", "200", "--max-time", "120", *words, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    for number, (_, name) in enumerate(urls):
        assert (folder / str(number)).read_bytes() == PAGES[name], urls[number]


def test_section_9_tables_change_while_packets_fly(shop):
    """A download through one service is whole while the others change with every packet."""
    other = copy.deepcopy(SHOP)
    other["services"][0]["backends"] = ["nginx3"]
    other["services"][2]["backends"] = ["nginx1"]
    done = []
    load = threading.Thread(target=lambda: done.append(fetch(shop, "http://198.51.100.2/large")))
    load.start()
    changes = 0
    while load.is_alive():
        place.apply(shop, other if changes % 2 == 0 else SHOP)
        changes += 1
        body = shop.curl("http://198.51.100.1/").stdout
        assert f":{8083 if changes % 2 else 8081} " in body
    load.join()
    print(f"{changes} changes")
    assert changes > 3 and done == [digest("large")]


def test_f_19_replies_are_rewritten_unless_strict(shop):
    """Who asks the server itself gets its answer from the public address, and cannot use it; with "strict" the
    server's own address works, and the public one cannot, as there are no records to tell them apart."""
    direct, public = "http://192.0.2.10:8081/", "http://198.51.100.1/"
    assert refused(shop, direct) and not refused(shop, public)
    strict = copy.deepcopy(SHOP)
    strict["services"][0]["strict"] = True
    place.apply(shop, strict)
    assert not refused(shop, direct) and refused(shop, public)
    assert not refused(shop, "http://198.51.100.2/")


def test_s0_13_s0_18_what_has_no_row_passes_unchanged(shop):
    """TCP to a port without a service reaches the server as if no card were there."""
    with place.server(shop, "import socket; s = socket.create_server(('192.0.2.10', 9000)); "
                            "print('ready', flush=True)\n"
                            "while True:\n c, _ = s.accept(); c.sendall(c.recv(100)); c.close()"):
        text = ("import socket; s = socket.create_connection(('192.0.2.10', 9000), 20); "
                "s.sendall(b'hello'); assert s.recv(100) == b'hello'; "
                "assert s.getpeername() == ('192.0.2.10', 9000)")
        done = shop.run(shop.client, sys.executable, "-c", text, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()


def test_section_6_paused_and_stopped_domains(shop):
    shop.portcam("domain", "state", "shop", "paused")
    assert refused(shop, "http://198.51.100.1/")
    shop.portcam("domain", "state", "shop", "running")
    assert not refused(shop, "http://198.51.100.1/")
    shop.portcam("domain", "state", "shop", "stopped")
    assert refused(shop, "http://198.51.100.1/")


def test_p4_unknown_service_drop(shop):
    """Without a service the policy decides: pass lets the server's kernel answer with RST, drop is silent."""
    url = "http://198.51.100.1:81/"
    answer = shop.run(shop.client, "curl", "-sS", "--max-time", "2", url, capture_output=True)
    assert answer.returncode == 7  # connection refused
    config = copy.deepcopy(SHOP)
    config["domains"][0]["unknown"] = "drop"
    place.apply(shop, config)
    answer = shop.run(shop.client, "curl", "-sS", "--max-time", "2", url, capture_output=True)
    assert answer.returncode == 28  # timed out


def test_s0_23_udp(shop):
    config = copy.deepcopy(SHOP)
    config["backends"].append({"name": "echo", "address": lab.SERVER, "port": 5353, "function": 1})
    config["services"].append({"name": "echo", "domain": "shop", "address": "198.51.100.1",
                               "protocol": "udp", "port": 53, "mode": "static",
                               "backends": ["echo"]})
    place.apply(shop, config)
    with place.server(shop, UDP_ECHO):
        done = shop.run(shop.client, sys.executable, "-c", UDP_ASK, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()


def test_ipv6(shop):
    config = copy.deepcopy(SHOP)
    config["addresses"].append({"address": lab.PUBLIC6, "domain": "shop"})
    config["backends"].append({"name": "six", "address": lab.SERVER6, "port": 8083, "function": 1})
    config["services"].append({"name": "six", "domain": "shop", "address": lab.PUBLIC6,
                               "protocol": "tcp", "port": 80, "mode": "static",
                               "backends": ["six"]})
    place.apply(shop, config)
    assert ":8083 " in shop.curl(f"http://[{lab.PUBLIC6}]/").stdout
    assert fetch(shop, f"http://[{lab.PUBLIC6}]/page40") == digest("page40")


def test_the_card_forwards_while_the_daemon_dies_and_comes_back(shop):
    done = []
    load = threading.Thread(target=lambda: done.append(fetch(shop, "http://198.51.100.3/large")))
    load.start()
    shop.stop("portcamd", 9)
    load.join()
    assert done == [digest("large")]
    assert shop.portcam("device", "show", check=False).returncode == 5
    assert fetch(shop, "http://198.51.100.1/page7") == digest("page7")
    shop.start_daemon()
    assert "applied again" not in shop.log("portcamd").read_text()
    assert not shop.json("config", "apply", place.write(shop, SHOP))["changed"]
    assert fetch(shop, "http://198.51.100.1/page7") == digest("page7")
    assert shop.json("device", "selftest")["ok"] is True


def test_memory_of_the_simulated_card(shop):
    status = (lab.pathlib.Path("/proc") / str(place.card_pid(shop)) / "status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    print(f"peak {peak} KiB")
    assert peak < 500 * 1024
