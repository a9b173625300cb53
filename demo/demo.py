#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two scenes. Three public addresses share port 80, each answered by an nginx that listens on another port; then one
public address is shared by the three, new connections are spread over them, and one is drained and stopped.

    demo/demo.py [--engine rtl|model|lockstep] [--pcap]

Real clients, real servers, and between them the simulated card, whose tables are programmed through its DMA
rings. Where network namespaces or TAP interfaces cannot be had, or with --pcap, capture files take the
place of clients and servers. Everything that is made is taken away again at the end, also after Ctrl-C.
"""

import os
import signal
import sys

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end(number, _frame):
    """Whatever is under way is cleared away on the way out."""
    raise SystemExit(128 + number)


if __name__ == "__main__":  # before the long imports, which a signal may meet too
    for ending in ENDINGS:
        signal.signal(ending, end)

import argparse  # noqa: E402
import random  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402

import captures  # noqa: E402
import lab  # noqa: E402
import pool  # noqa: E402


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def show(text):
    print("".join(f"    {line}\n" for line in text.rstrip().splitlines()), end="", flush=True)


def command(place, *words):
    print(f"  $ portcam {' '.join(map(str, words))}")
    show(place.portcam(*words).stdout)


def live(engine):
    """The demonstration with real clients and servers; true when every answer was right."""
    right = True
    title("A client, three servers, and the card between them")
    show(lab.__doc__.split("\n\n")[1])
    with lab.Lab(engine, {"download": random.Random(1).randbytes(1 << 20)}) as place:
        title("The configuration, applied through the card's command ring")
        command(place, "config", "apply", lab.CONFIG)
        title("curl at the shared port")
        for public, port in lab.PUBLIC.items():
            answer = place.curl(f"http://{public}/")
            wanted = f"nginx at {lab.SERVER}:{port} for {public}\n"
            good = answer.returncode == 0 and answer.stdout == wanted
            right = right and good
            print(f"  $ curl http://{public}/")
            show((answer.stdout or answer.stderr) + ("" if good else f"WRONG: wanted {wanted}"))
        time.sleep(0.3)  # the connections' last packets
        title("What the card counted")
        command(place, "stats", "show")
        title("Why: what the tables do to a packet")
        command(place, "explain", "from", "network", "tcp", f"{lab.CLIENT}:40000", "to",
                "198.51.100.2:80")
        right = pool.live(place, title, show) and right
        told = place.finish()
    title("The card")
    show(f"{told['frames_in']} packets in and {told['frames_out']} out in {told['clocks']} clocks of "
         f"{captures.ENGINES[engine]}")
    if told["differences"]:
        show(f"WRONG: {told['differences']} differences between RTL and model")
    return right and not told["differences"]


def as_root():
    """The same command again through sudo, where that needs no password."""
    if os.geteuid() == 0 or not shutil.which("sudo"):
        return
    if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        os.execvp("sudo", ["sudo", "-n", sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=captures.ENGINES, default="rtl",
                        help="what the card is: the Verilated RTL, the C model, or both compared")
    parser.add_argument("--pcap", action="store_true",
                        help="capture files instead of clients and servers; needs no rights")
    options = parser.parse_args()
    why = None
    if not options.pcap:
        as_root()
        why = lab.why_not()
        if why:
            print(f"No clients and servers here: {why}.\nCapture files take their place.")
    try:
        right = captures.show_all(options.engine, title, show) if options.pcap or why else live(
            options.engine)
    except lab.LabError as error:
        return f"demo: {error}"
    return 0 if right else "demo: not every answer was right"


if __name__ == "__main__":
    try:
        status = main()
    finally:
        for ending in ENDINGS:  # the status is known; the interpreter would die of a signal in its last steps
            signal.signal(ending, signal.SIG_IGN)
        lab.close_all()
    sys.exit(status)
