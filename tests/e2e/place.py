# SPDX-License-Identifier: Apache-2.0
"""What tests do in the laboratory of the demonstration."""

import contextlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "demo"))

import lab  # noqa: E402 (its folder is on the path now)


def write(place, config):
    path = place.folder / "config.json"
    path.write_text(json.dumps(config, indent=2))
    return path


def apply(place, config):
    place.portcam("config", "apply", write(place, config))


@contextlib.contextmanager
def server(place, text):
    """A Python program in the server's namespace, which prints a line when it is ready."""
    name = "python"
    place.log(name).unlink(missing_ok=True)
    process = place.start(name, "ip", "netns", "exec", place.server, sys.executable, "-c", text)
    try:
        lab.wait_until(lambda: place.log(name).read_text() != "", "a server", process, place.log(name))
        yield
    finally:
        place.stop(name)


def card_pid(place):
    """The process of the simulated card (`ip netns exec` becomes it)."""
    return place.processes["card"].pid
