#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Frames through the Linux kernel's packet filter, in the network namespace that this program was started in.

    unshare -n nft_replay.py < JOB

JOB is JSON: "files" (path: text) and "commands" prepare the namespace, which goes away with this process. Then
each of "frames", [side, hexadecimal bytes], is sent at its side, and the next unicast frame that comes out at
the other side is printed, or null where none comes. Sides are interfaces, "sides": [client, server].
"""

import json
import pathlib
import socket
import struct
import subprocess
import sys

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 263, 8, 4
VLAN_VALID, TPID_VALID = 0x10, 0x40
HANG_SECONDS = 20


def open_side(interface):
    side = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    side.bind((interface, ETH_P_ALL))
    side.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    side.settimeout(HANG_SECONDS)
    return side


def receive(side):
    """The next unicast frame that comes in, with the VLAN tag that the kernel took out of it."""
    while True:
        try:
            frame, ancillary, _, address = side.recvmsg(65536, 256)
        except TimeoutError:
            return None
        if address[2] == PACKET_OUTGOING or frame[0] & 1:
            continue
        for level, kind, data in ancillary:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data)
                if status & VLAN_VALID:
                    tpid = tpid if status & TPID_VALID else 0x8100
                    frame = frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
        return frame


def main():
    job = json.load(sys.stdin)
    for path, text in job["files"].items():
        pathlib.Path(path).write_text(text, encoding="ascii")
    for command in job["commands"]:
        subprocess.run(command[0], input=command[1], text=True, check=True, stdout=sys.stderr)
    sides = [open_side(interface) for interface in job["sides"]]
    answers = []
    for side, text in job["frames"]:
        sides[side].send(bytes.fromhex(text))
        frame = receive(sides[1 - side])
        answers.append(frame and frame.hex())
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
