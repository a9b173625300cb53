# SPDX-License-Identifier: Apache-2.0
"""portcam explain: what happens to a packet, told from words, bytes and capture files."""

import struct

import model_run as m
from cli_daemon import run

REFUSED, PARTIAL = 2, 3
TO_WEB = "explain from network tcp 10.0.0.2:1234 to 198.51.100.1:80"
REPLY = "explain from function 1 tcp 192.0.2.10:8081 to 10.0.0.2:1234"


def explained(daemon, words):
    return daemon.json(*words.split())["packets"][0]


def objects(packet):
    return [step["object"] for step in packet["steps"] if "object" in step]


def test_explain_a_service(still):
    """P1, P3, P4, P5: what was found where, and what becomes of it."""
    packet = explained(still, TO_WEB)
    assert (packet["verdict"], packet["reason"]) == ("rewrite", "static_forward")
    assert packet["egress"] == 1
    assert objects(packet) == ["address 198.51.100.1/32", 'service "web"', 'backend "web1"']
    assert packet["becomes"] == "tcp from 10.0.0.2:1234 to 192.0.2.10:8081"
    assert [step["rule"] for step in packet["steps"]][:4] == ["P1", "P2", "P3", "P4"]
    packet = explained(still, "explain udp [2001:db8::9]:5 to [2001:db8::1]:53")
    assert packet["becomes"] == "udp from [2001:db8::9]:5 to [2001:db8:1::53]:53"
    packet = explained(still, "explain udp 10.0.0.2:9 to 198.51.100.1:9")
    assert (packet["verdict"], packet["egress"]) == ("deliver", 2) and "becomes" not in packet


def test_explain_a_reply(still):
    """P9: the source is turned back into the public side."""
    packet = explained(still, REPLY)
    assert (packet["reason"], packet["egress"]) == ("static_reverse", 0)
    assert packet["becomes"] == "tcp from 198.51.100.1:80 to 10.0.0.2:1234"
    assert 'service "web"' in objects(packet)


def test_p11_explain_an_icmp_error(still):
    """P11: what is embedded is looked up; both ends of the translation are told."""
    inside = m.IP(src="198.51.100.1", dst="10.0.0.2") / m.TCP(sport=80, dport=1234)
    frame = m.Ether() / m.IP(src="10.9.9.9", dst="198.51.100.1") / m.ICMP(type=3, code=4) / bytes(inside)
    packet = explained(still, f"explain hex {bytes(frame).hex()}")
    assert (packet["verdict"], packet["reason"], packet["egress"]) == ("rewrite", "icmp_forward", 1)
    assert objects(packet) == ["address 198.51.100.1/32", 'service "web"', 'backend "web1"']
    texts = [step["text"] for step in packet["steps"] if step["rule"] == "P11"]
    assert texts[0].startswith("an ICMP error about tcp from 198.51.100.1:80 to 10.0.0.2:1234")
    assert texts[1] == "the destination becomes 192.0.2.10, the embedded source 192.0.2.10:8081"
    inside = m.IP(src="10.0.0.2", dst="192.0.2.10") / m.TCP(sport=1234, dport=8081)
    frame = m.Ether() / m.IP(src="192.0.2.1", dst="10.0.0.2") / m.ICMP(type=3, code=4) / bytes(inside)
    packet = explained(still, f"explain from function 1 hex {bytes(frame).hex()}")
    assert (packet["reason"], packet["egress"]) == ("icmp_reverse", 0)
    assert packet["steps"][-2]["text"] == ("the source becomes 198.51.100.1, the embedded destination "
                                           "198.51.100.1:80")


def test_f_19_strangers_with_and_without_strict(daemon):
    """F.19: the replies of a server to a client that came to it directly."""
    direct = "explain from function 1 tcp 192.0.2.10:8081 to 10.9.9.9:5555"
    packet = explained(daemon, direct)
    assert (packet["reason"], packet["becomes"]) == ("static_reverse",
                                                     "tcp from 198.51.100.1:80 to 10.9.9.9:5555")
    daemon.json("service", "set", "web", "strict", "true")
    packet = explained(daemon, direct)
    assert (packet["verdict"], packet["reason"]) == ("pass", "strict_pass")
    assert "becomes" not in packet
    assert explained(daemon, TO_WEB)["reason"] == "static_forward"


def test_explain_what_no_address_and_no_service_takes(daemon):
    """P12: passes; P4: the domain's policy for what is unknown."""
    packet = explained(daemon, "explain udp 10.0.0.2:9 to 203.0.113.1:9")
    assert (packet["verdict"], packet["reason"]) == ("pass", "no_match")
    assert objects(packet) == []
    packet = explained(daemon, "explain vlan 5 tcp 10.0.0.2:9 to 198.51.100.2:81")
    assert (packet["verdict"], packet["reason"]) == ("pass", "unknown_pass")
    assert explained(daemon, "explain tcp 10.0.0.2:9 to 198.51.100.2:80")["reason"] == "no_match", \
        "another VLAN is another address"
    daemon.json("service", "del", "rest")
    packet = explained(daemon, "explain tcp 10.0.0.2:9 to 198.51.100.1:81")
    assert (packet["verdict"], packet["reason"]) == ("drop", "unknown_drop")
    assert "egress" not in packet
    assert "verdict: drop (unknown_drop)" in daemon.run(
        *"explain tcp 10.0.0.2:9 to 198.51.100.1:81".split()).stdout


def frame(port, protocol=6):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, protocol, 0, bytes([10, 0, 0, 2]),
                     bytes([198, 51, 100, 1]))
    tcp = struct.pack("!HHIIBBHHH", 1234, port, 0, 0, 0x50, 2, 0, 0, 0)
    return bytes(12) + b"\x08\x00" + ip + tcp


def pcap(frames, order="<", magic=0xa1b2c3d4, link=1):
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for number, one in enumerate(frames):
        data += struct.pack(order + "IIII", number, 0, len(one), len(one)) + one
    return data


def test_explain_files_and_bytes(still):
    path = still.folder / "in.pcap"
    frames = [frame(80), frame(81), frame(80)[:20]]
    reasons = ["static_forward", "deliver", "unparsed_short"]
    for order in "<>":
        for magic in (0xa1b2c3d4, 0xa1b23c4d):
            path.write_bytes(pcap(frames, order, magic))
            answer = still.json("explain", "pcap", path)
            assert [packet["reason"] for packet in answer["packets"]] == reasons
    assert still.run("explain", "pcap", path).stdout.count("\npacket ") == 2
    one = still.json("explain", "from", "network", "hex", frame(80).hex(":"))
    assert one["packets"][0]["reason"] == "static_forward"
    words = [f"{byte:02x}" for byte in frame(80)]
    assert still.json("explain", "hex", *words) == one
    # A file that is cut tells what is there, and says so.
    path.write_bytes(pcap(frames)[:-5])
    result = still.run("explain", "pcap", path)
    assert result.returncode == PARTIAL and "; 2 explained" in result.stderr
    for data, text in ((pcap(frames, link=101), "its packets are not Ethernet"),
                       (b"x" * 100, "it is no pcap file"),
                       (b"\x0a\x0d\x0d\x0a" + bytes(100), "it is pcapng; convert it: editcap")):
        path.write_bytes(data)
        result = still.run("explain", "pcap", path)
        assert result.returncode == REFUSED and text in result.stderr
