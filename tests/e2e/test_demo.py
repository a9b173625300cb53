# SPDX-License-Identifier: Apache-2.0
# portcam-test: serial
"""The demonstration: right answers, twice in a row, and nothing left behind however it ends."""

import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

import pytest

from place import lab

import pool  # its folder is on the path now

DEMO = lab.ROOT / "demo/demo.py"
needs_rights = pytest.mark.skipif(lab.why_not() is not None, reason=str(lab.why_not()))


def left_behind(pid):
    """Namespaces, folders and processes with this process id in their names or arguments."""
    mark = f"portcam-{pid}-"
    spaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    found = [line for line in spaces.splitlines() if mark in line]
    found += [str(path) for path in pathlib.Path(tempfile.gettempdir()).glob(mark + "*")]
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if mark in words:
            found.append(words)
    return found


def run(*words):
    with subprocess.Popen([DEMO, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as demo:
        text, _ = demo.communicate()
    return demo.pid, demo.returncode, text


@needs_rights
@pytest.mark.parametrize("engine", ["rtl", "lockstep"])  # twice in a row
def test_answers_are_right_and_nothing_stays(engine):
    pid, code, text = run("--engine", engine)
    assert code == 0, text
    for public, port in lab.PUBLIC.items():
        assert f"nginx at {lab.SERVER}:{port} for {public}\n" in text
    assert "static_forward" in text and "verdict: rewrite" in text
    assert "nginx1  192.0.2.10:8081    0 connections\n" in text and "12 of 12 downloads are whole" in text
    told = text.split("The card\n")[1].split()
    assert int(told[0]) > 30 and "of the Verilated RTL" in text
    assert left_behind(pid) == []


def test_without_rights_capture_files_take_the_place():
    pid, code, text = run("--pcap", "--engine", "lockstep")
    assert code == 0, text
    for number, (public, port) in enumerate(lab.PUBLIC.items()):
        assert (f"192.0.2.2:{40000 + number} > {public}:80      becomes  "
                f"192.0.2.2:{40000 + number} > {lab.SERVER}:{port}\n") in text
        assert f"becomes  {public}:80 > 192.0.2.2:{40000 + number}\n" in text
    assert text.count(" both become ") == 12
    assert left_behind(pid) == []


def hears(pid, number):
    """Has the process a handler for this signal?"""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    return bool(caught >> (number - 1) & 1)


def start(*words, **options):
    """The demonstration from its first line on: the interpreter before it is not ours."""
    demo = subprocess.Popen([DEMO, *words], stderr=subprocess.DEVNULL, start_new_session=True, **options)
    while demo.poll() is None and not hears(demo.pid, signal.SIGHUP):  # the last one that gets a handler
        time.sleep(0.001)
    return demo


@needs_rights
@pytest.mark.parametrize("number, delay, engine", [
    (signal.SIGINT, 0, "rtl"), (signal.SIGINT, 0.2, "rtl"), (signal.SIGINT, 0.7, "rtl"), (signal.SIGINT, 1.4, "rtl"),
    (signal.SIGTERM, 0.4, "rtl"), (signal.SIGHUP, 1.0, "rtl"), (signal.SIGINT, 3.0, "model"), (signal.SIGTERM, 4.0, "model")])
def test_nothing_stays_after_a_signal(number, delay, engine):
    with start("--engine", engine, stdout=subprocess.DEVNULL) as demo:
        time.sleep(delay)
        os.kill(demo.pid, number)
        code = demo.wait()
    assert code in (0, 128 + number)
    assert left_behind(demo.pid) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_exit_status_is_right_however_late_a_signal_comes(number):
    """From the last words until the process is gone, the interpreter's own end included."""
    seen = set()
    for late in range(12):
        with start("--pcap", "--engine", "model", stdout=subprocess.PIPE, text=True) as demo:
            for line in demo.stdout:
                if "packets in and" in line:
                    break
            time.sleep(late * 0.002)
            os.kill(demo.pid, number)
            demo.stdout.read()
            code = demo.wait()
        assert code in (0, 128 + number), late
        assert left_behind(demo.pid) == []
        seen.add(code)
    print(seen)


@needs_rights
def test_a_wrong_answer_is_told(tmp_path):
    """The demonstration fails when a server answers for another."""
    wrong = tmp_path / "shop.json"
    wrong.write_text(_swapped(lab.CONFIG.read_text()))
    text = subprocess.run(
        ["/usr/bin/python3", "-c",
         f"import sys; sys.path.insert(0, {str(DEMO.parent)!r}); import lab, demo, pathlib; "
         f"lab.CONFIG = pathlib.Path({str(wrong)!r}); sys.exit(0 if demo.live('model') else 3)"],
        capture_output=True, text=True, check=False)
    assert text.returncode == 3, text.stderr
    assert text.stdout.count("WRONG: wanted nginx") == 2


@needs_rights
def test_s1_a_server_is_taken_away_and_no_byte_is_lost(capsys):
    """The second scene, with 48 MB under way while the server is drained."""
    seed = 7
    print(f"seed {seed}")
    pages = {"download": random.Random(seed).randbytes(4 << 20)}
    with lab.Lab("model", pages, rate="1m") as place:
        right = pool.live(place, print, print)
    text = capsys.readouterr().out
    assert right, text
    assert "12 of 12 downloads are whole: 50,331,648 bytes" in text


@needs_rights
@pytest.mark.parametrize("what", ["a wrong byte", "a server that ends too early", "a backend that is not drained"])
def test_the_second_scene_tells_what_is_wrong(what, capsys, monkeypatch):
    with lab.Lab("model", {"download": bytes(100_000)}, rate="50k") as place:
        stop, portcam = place.stop, place.portcam
        if what == "a wrong byte":
            (place.folder / "nginx-8082/www/download").write_bytes(bytes(99_999) + b"x")
        elif what == "a server that ends too early":
            monkeypatch.setattr(pool.Scene, "active", lambda *_: stop("nginx-8082") or 1)
        else:
            monkeypatch.setattr(place, "portcam", lambda *words, **options: portcam(
                *(("backend", "show", "nginx1") if words[:2] == ("backend", "drain") else words), **options))
        right = pool.live(place, print, print)
    text = capsys.readouterr().out
    assert not right and "WRONG" in text, text


def _swapped(config):
    """nginx1 and nginx2 change places."""
    one, two = '"backends": ["nginx1"]', '"backends": ["nginx2"]'
    return config.replace(one, "@").replace(two, one).replace("@", two)
