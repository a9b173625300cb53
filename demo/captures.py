# SPDX-License-Identifier: Apache-2.0
"""The demonstration without rights: packets come from a capture file and go into others."""

import ipaddress
import os
import signal
import struct

import lab
import pool

ENGINES = {"rtl": "the Verilated RTL", "model": "the C model (it has no clock)",
           "lockstep": "the Verilated RTL, with the C model beside it"}
CLIENT_MAC = bytes.fromhex("020000000002")
SERVER_MAC = bytes.fromhex(lab.SERVER_MAC.replace(":", ""))


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp_frame(macs, source, sport, destination, dport, flags):
    """An Ethernet frame with a TCP segment without payload."""
    ends = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    tcp = struct.pack("!HHIIBBHHH", sport, dport, 1, 1 if flags & 0x10 else 0, 0x50, flags, 64240, 0, 0)
    tcp = tcp[:16] + struct.pack("!H", checksum(ends + struct.pack("!HH", 6, len(tcp)) + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0) + ends
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return macs[0] + macs[1] + b"\x08\x00" + ip + tcp


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)


def read_pcap(path):
    data = path.read_bytes()
    at, frames = 24, []
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


def describe(frame):
    """ "192.0.2.2:40000 > 198.51.100.1:80", and whether both checksums are right."""
    source, destination = (str(ipaddress.IPv4Address(frame[at:at + 4])) for at in (26, 30))
    sport, dport = struct.unpack_from("!HH", frame, 34)
    ip, tcp = frame[14:34], frame[34:]
    right = checksum(ip) == 0 and checksum(ip[12:20] + struct.pack("!HH", 6, len(tcp)) + tcp) == 0
    return f"{source}:{sport} > {destination}:{dport}", right


def cases():
    """(the frames of the network, what leaves to the host; the frames of the host, what leaves to the network)."""
    net, to_host, host, to_net = [], [], [], []
    for number, (public, port) in enumerate(lab.PUBLIC.items()):
        client = 40000 + number
        net.append(tcp_frame((SERVER_MAC, CLIENT_MAC), lab.CLIENT, client, public, 80, 0x02))
        to_host.append(f"{lab.CLIENT}:{client} > {lab.SERVER}:{port}")
        host.append(tcp_frame((CLIENT_MAC, SERVER_MAC), lab.SERVER, port, lab.CLIENT, client, 0x12))
        to_net.append(f"{public}:80 > {lab.CLIENT}:{client}")
    return net, to_host, host, to_net


def pool_cases():
    """A SYN and then an ACK of each of twelve clients, all to one address."""
    return [tcp_frame((SERVER_MAC, CLIENT_MAC), lab.CLIENT, 41000 + client, pool.PUBLIC, 80, flags)
            for flags in (0x02, 0x10) for client in range(12)]


class Desk(lab.Lab):
    """A card with capture files at its ports, which begin with these frames, and a daemon; no namespaces."""

    def __init__(self, engine, net, host):
        super().__init__(engine)
        self.frames = {"net": net, "host": host}

    def __enter__(self):
        try:
            self.make_folder()
            self.start_desk()
            self.start_daemon()
        except BaseException:
            self.close()
            raise
        return self

    def start_desk(self):
        for port, frames in self.frames.items():
            write_pcap(self.folder / f"{port}-in.pcap", frames)
        path = self.folder / "card.sock"
        self.start("card", lab.SIM, "--socket", path, "--engine", self.engine, "--hold",
                   "--net", f"pcap:{self.folder}/net-in.pcap,{self.folder}/net-out.pcap",
                   "--host", f"pcap:{self.folder}/host-in.pcap,{self.folder}/host-out.pcap",
                   "--stats", self.folder / "card-stats.json", "--quit-at-end")
        self.wait_for_card()

    def go(self):
        """Lets the frames through; the card ends when all are."""
        os.kill(self.processes["card"].pid, signal.SIGUSR1)
        self.processes["card"].wait(timeout=lab.PATIENCE)


def compare(what, before, after, wanted, show):
    right = len(after) == len(wanted)
    for frame, left, want in zip(before, after, wanted):
        text, sums = describe(left)
        good = sums and text == want
        right = right and good
        show(f"{what}  {describe(frame)[0]:38} becomes  {text}"
             + ("" if good else f"   WRONG: wanted {want} with right checksums"))
    if len(after) != len(wanted):
        show(f"{what}: WRONG: {len(after)} frames instead of {len(wanted)}")
    return right


def show_static(engine, title, show):
    """The first scene: (all right, what the card told)."""
    net, to_host, host, to_net = cases()
    with Desk(engine, net, host) as place:
        title("The configuration, applied through the card's command ring")
        print(f"  $ portcam config apply {lab.CONFIG}")
        show(place.portcam("config", "apply", lab.CONFIG).stdout)
        title("Why: what the tables do to a packet")
        words = ("explain", "from", "network", "tcp", f"{lab.CLIENT}:40000", "to", "198.51.100.2:80")
        print(f"  $ portcam {' '.join(words)}")
        show(place.portcam(*words).stdout)
        place.go()
        title("Packets before and after the card")
        right = compare("in ", net, read_pcap(place.folder / "host-out.pcap"), to_host, show)
        right = compare("out", host, read_pcap(place.folder / "net-out.pcap"), to_net, show) and right
        return right, place.finish()


def show_pool(engine, title, show):
    """The second scene, as far as packets in one direction can show it: the same result."""
    net, right = pool_cases(), True
    with Desk(engine, net, []) as place:
        title("One public address, three servers: a SYN and an ACK of each of twelve clients")
        show(pool.WORDS.strip())
        print(f"  $ portcam config apply {pool.CONFIG}")
        show(place.portcam("config", "apply", pool.CONFIG).stdout)
        place.go()
        left = [describe(frame) for frame in read_pcap(place.folder / "host-out.pcap")]
        told = place.finish()
    clients = len(net) // 2
    ends = [text.split(" > ")[1] for text, _ in left]
    for number in range(min(clients, len(left) - clients)):
        same = ends[number] == ends[number + clients] and left[number][1] and left[number + clients][1]
        right = right and same
        show(f"{describe(net[number])[0]:38} both become  {left[number][0]}" if same else
             f"WRONG: {left[number]} and then {left[number + clients]}")
    counts = [ends[:clients].count(f"{row['address']}:{row['port']}") for row in pool.SERVERS.values()]
    if len(left) != len(net) or 0 in counts or sum(counts) != clients:
        show(f"WRONG: {len(left)} frames of {len(net)}, and {counts} clients for the servers")
        right = False
    return right, told


def show_all(engine, title, show):
    """The demonstration; true when every packet was right."""
    scenes = [scene(engine, title, show) for scene in (show_static, show_pool)]
    title("The card")
    told = {key: sum(card[key] for _, card in scenes) for key in ("frames_in", "frames_out", "clocks", "differences")}
    show(f"{told['frames_in']} packets in and {told['frames_out']} out in {told['clocks']} clocks of "
         f"{ENGINES[engine]}")
    return all(right for right, _ in scenes) and not told["differences"]
