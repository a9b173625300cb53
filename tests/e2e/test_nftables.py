# SPDX-License-Identifier: Apache-2.0
"""The reference model against the Linux kernel's NAT on the same frames: DNAT by connection tracking
(nftables, type nat, the kernel routes), and stateless rewriting (nftables, netdev ingress). The network
namespace has no name and ends with the process that sends the frames."""

import functools
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import pytest

import model_run as m

HERE = pathlib.Path(__file__).resolve().parent
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
NFT, IP = shutil.which("nft", path=PATH), shutil.which("ip", path=PATH)


def replay(job):
    return subprocess.run(["unshare", "-n", sys.executable, HERE / "nft_replay.py"],
                          input=json.dumps(job), capture_output=True, text=True, check=False,
                          timeout=600)


@functools.cache
def missing():
    """Why the kernel cannot be asked here; empty where it can."""
    if os.geteuid() != 0:
        return "network namespaces and nftables need root"
    if not NFT or not IP:
        return "the programs ip and nft are not installed"
    probe = replay({"files": {}, "sides": [], "frames": [], "commands": [
        [[IP, "link", "add", "c0", "type", "veth", "peer", "name", "c1"], ""],
        [[NFT, "-f", "-"], "table ip t { chain c { type nat hook prerouting priority -100; }; }\n"]]})
    if probe.returncode:
        return "no network namespaces, veth or nftables here: " + probe.stderr.strip().splitlines()[-1]
    return ""


@pytest.fixture(autouse=True)
def _kernel():
    if missing():
        pytest.skip(missing())


def links():
    """c0 is the client's end of a wire, s0 the servers'; the kernel under test sits on c1 and s1."""
    quiet = {f"/proc/sys/net/ipv6/conf/default/{name}": "1" for name in ("forwarding", "addr_gen_mode")}
    commands = []
    for side, mac in (("c", m.FUNCTION1), ("s", m.CLIENT)):
        commands += [["link", "add", f"{side}0", "type", "veth", "peer", "name", f"{side}1"],
                     ["link", "set", f"{side}1", "address", mac],
                     ["link", "set", f"{side}0", "mtu", "9500", "up"],
                     ["link", "set", f"{side}1", "mtu", "9500", "up"]]
    return quiet, [[[IP, *words], ""] for words in commands]


def pairs(shapes):
    """Each shape's packet and its reply, a flow of its own, as (side, what arrives, the model's function)."""
    result = []
    for number, shape in enumerate(shapes):
        case = {**shape, "client port": 20000 + number, "direction": "to the server"}
        for direction in ("to the server", "from the server"):
            result.append({**case, "direction": direction})
    return result


def shapes_of(tags, ips, l4s):
    seen = {}
    for case in m.matrix():
        if case["tags"] in tags and case["ip"] in ips and case["l4"] in l4s:
            shape = {**case, "padding": 0, "direction": ""}
            seen[m.name(shape)] = shape
    return list(seen.values())


def both(folder, cases, files, commands):
    """(case, the model's frame, the kernel's frame) of each case."""
    frames_in, sent, keys = {}, [], []
    for case in cases:
        arrives = (m.error_frames if "error" in case else m.frames)(case)[0]
        side = 0 if case["direction"] == "to the server" else 1
        queue = frames_in.setdefault(side, [])
        keys.append((side, len(queue)))
        queue.append(arrives)
        sent.append([side, arrives.hex()])
    left = m.pass_frames(folder, frames_in)
    result = replay({"files": files, "commands": commands, "sides": ["c0", "s0"], "frames": sent})
    assert result.returncode == 0, result.stderr
    for case, key, frame in zip(cases, keys, json.loads(result.stdout)):
        assert frame is not None, f"{m.name(case)}: the kernel let nothing through"
        yield case, left[key][1], bytes.fromhex(frame)


def with_errors(cases):
    """Before an error about a packet of a flow, the packets that make the flow; each a flow of its own."""
    result = []
    for number, case in enumerate(cases):
        flow = {"tags": "untagged", "ip": "ipv4" if case["version"] == 4 else "ipv6", "l4": case["l4"],
                "client port": 20000 + number, "payload": case["payload"], "padding": 0}
        for direction in ("to the server", "from the server"):
            result.append({**flow, "direction": direction})
        result.append({**case, "client port": 20000 + number})
    return result


def show(case, model, kernel):
    return (f"{m.name(case)}\nthe model:\n{m.Ether(model).show(dump=True)}"
            f"the kernel:\n{m.Ether(kernel).show(dump=True)}")


def without_routing(frame):
    """A frame without MACs, hop count and IPv4 checksum, which a router changes; that sum must be right."""
    data = bytearray(frame)
    data[0:12] = bytes(12)
    if data[12:14] == b"\x86\xdd":
        data[21] = 0
        return bytes(data)
    header = data[14:14 + 4 * (data[14] & 15)]
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    assert total % 0xffff == 0, "the IPv4 checksum is wrong"
    data[22] = 0
    data[24:26] = bytes(2)
    return bytes(data)


def dnat():
    """Forwarding with the rules of model_run.config() as DNAT."""
    files, commands = links()
    files["/proc/sys/net/ipv4/ip_forward"] = "1"
    files["/proc/sys/net/ipv6/conf/all/forwarding"] = "1"
    rules = ""
    for version, family, net in ((4, "ip", 24), (6, "ip6", 48)):
        for device, addresses, mac in (("c1", [m.CLIENTS], "02:00:00:00:00:77"),
                                       ("s1", [m.MAPPED, m.KEPT], m.SERVER)):
            for address in addresses:
                prefix = f"{address[version]}/{32 if version == 4 else 128}"
                commands += [[[IP, f"-{version}", "route", "add", prefix, "dev", device], ""],
                             [[IP, f"-{version}", "neigh", "add", address[version], "lladdr", mac,
                               "dev", device, "nud", "permanent"], ""]]
        mapped = f"[{m.MAPPED[6]}]" if version == 6 else m.MAPPED[4]
        match = f"{family} daddr {m.PUBLIC[version]}"
        rules += f"""table {family} portcam {{
  chain pre {{
    type nat hook prerouting priority -100
    {match} tcp dport {m.PUBLIC_PORT} dnat to {mapped}:{m.MAPPED_PORT}
    {match} udp dport {m.PUBLIC_PORT} dnat to {mapped}:{m.MAPPED_PORT}
    {match} dnat to {m.KEPT[version]}
  }}
}}
"""
    commands.append([[NFT, "-f", "-"], rules])
    return files, commands


# Where the kernel does more than NAT: a router fills record route in, reassembly removes atomic headers.
IPS_OF_A_ROUTER = [ip for ip in m.IPS if ip not in ("ipv4-options", "ipv6-atomic")]


def test_dnat_of_connection_tracking_gives_the_same_packets(tmp_path):
    """P5 P9 F.4 section 8: addresses, ports and checksums, both directions, as nf_nat makes them."""
    l4s = [l4 for l4 in m.L4S if l4 != "sctp"]  # a DATA chunk opens no connection
    cases = pairs(shapes_of(["untagged"], IPS_OF_A_ROUTER, l4s))
    assert len(cases) > 70
    for case, model, kernel in both(tmp_path, cases, *dnat()):
        assert without_routing(model) == without_routing(kernel), show(case, model, kernel)


def test_dnat_computed_zeros_are_those_of_the_kernel(tmp_path):
    """F.3: where the translated checksum is 0, UDP becomes 0xffff and TCP 0x0000, in the kernel as here."""
    cases = []
    for case in pairs(shapes_of(["untagged"], ["ipv4", "ipv6"], ["tcp", "udp"])):
        at = -4 if case["l4"] == "udp" else -6
        case["payload"] = bytes(2)
        case["payload"] = m.frames(case)[1][at:at + 2]
        cases.append(case)
    for case, model, kernel in both(tmp_path, cases, *dnat()):
        at = -4 if case["l4"] == "udp" else -6
        assert kernel[at:at + 2] == (b"\xff\xff" if case["l4"] == "udp" else bytes(2))
        assert without_routing(model) == without_routing(kernel), show(case, model, kernel)


def test_f6_icmp_errors_are_those_of_the_kernel(tmp_path):
    """P11 F.6: outer and embedded header and all checksums, as nf_nat makes them, in both directions."""
    errors = list(m.errors())
    errors += [{**case, "inner": "options"} for case in errors
               if case["error"] == (3, 4) and case["bytes"] is None]
    assert len(errors) > 500
    for case, model, kernel in both(tmp_path, with_errors(errors), *dnat()):
        assert without_routing(model) == without_routing(kernel), show(case, model, kernel)


def stateless():
    """The same translation without connections: rewritten at the ingress of one wire, sent to the other."""
    files, commands = links()
    to_server, to_client = "", ""
    for version, family in ((4, "ip"), (6, "ip6")):
        public, mapped, kept = m.PUBLIC[version], m.MAPPED[version], m.KEPT[version]
        for protocol in ("tcp", "udp"):
            to_server += (f"    {family} daddr {public} {protocol} dport {m.PUBLIC_PORT} {family} daddr set "
                          f"{mapped} {protocol} dport set {m.MAPPED_PORT} fwd to \"s1\"\n")
            to_client += (f"    {family} saddr {mapped} {protocol} sport {m.MAPPED_PORT} {family} saddr set "
                          f"{public} {protocol} sport set {m.PUBLIC_PORT} fwd to \"c1\"\n")
        to_server += f"    {family} daddr {public} {family} daddr set {kept} fwd to \"s1\"\n"
        to_client += f"    {family} saddr {kept} {family} saddr set {public} fwd to \"c1\"\n"
    rules = ""
    for side, text in (("c", to_server), ("s", to_client)):
        rules += (f"table netdev {side} {{\n  chain i {{\n    type filter hook ingress device "
                  f"\"{side}1\" priority 0\n{text}  }}\n}}\n")
    commands.append([[NFT, "-f", "-"], rules])
    return files, commands


def test_stateless_rewriting_gives_the_same_bytes(tmp_path):
    """S0.21 F.8 F.22 section 8: no router is in between, so tags, options, hop count are equal too."""
    l4s = [l4 for l4 in m.L4S if l4 != "udp-zero"]  # nftables would write a sum over the absent one
    cases = pairs(shapes_of(["untagged", "vlan", "priority"], list(m.IPS), l4s))
    assert len(cases) > 250
    for case, model, kernel in both(tmp_path, cases, *stateless()):
        assert model[12:] == kernel[12:], show(case, model, kernel)
