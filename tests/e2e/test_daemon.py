# SPDX-License-Identifier: Apache-2.0
"""The socket of portcamd: who may use it, and what bad, slow and many clients do to it: nothing."""

import json
import os
import pathlib
import pwd
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from cli_daemon import PORTCAM, PORTCAMD, SHOP, Daemon, Program, Simulator, run

REQUEST_MAX = 8 * 1024 * 1024
NOBODY = pwd.getpwnam("nobody").pw_uid
NOGROUP = 65534
STRANGER = 12345
TALK = """
import socket, sys
client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
try:
    client.connect(sys.argv[1])
    try:
        client.sendall(b'{"format": 1, "object": "device", "verb": "health"}\\n')
    except BrokenPipeError:
        pass # refused: the reason can still be read
    sys.stdout.write(client.makefile().readline())
except OSError as error:
    sys.stdout.write(str(error.errno))
"""


@pytest.fixture(name="daemon")
def _daemon(tmp_path):
    with Daemon(tmp_path) as daemon:
        daemon.start()
        daemon.apply(SHOP)
        yield daemon
        assert daemon.process.poll() is None, daemon.log.read_text()
        assert daemon.json("config", "show")["config"] == SHOP, "the daemon lives on as it was"
        assert daemon.stop() == 0


def error_of(answer):
    assert answer["format"] == 1 and answer["error"]["msg"]
    return answer["error"]["code"]


# ---- who may ----

@pytest.fixture(name="public")
def _public():
    """A daemon in a folder that everybody may enter."""
    if os.geteuid():
        pytest.skip("only root can be somebody else")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with Daemon(folder) as daemon:
            yield daemon.start()


def talk_as(daemon, uid, gid, groups=()):
    result = subprocess.run([sys.executable, "-c", TALK, daemon.socket], user=uid, group=gid,
                            extra_groups=list(groups), capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def test_only_root_and_the_group_may_connect(public):
    status = os.stat(public.socket)
    assert status.st_mode & 0o777 == 0o660 and status.st_gid == NOGROUP
    assert talk_as(public, 0, 0)["ok"] is True
    assert talk_as(public, STRANGER, NOGROUP)["ok"] is True
    assert talk_as(public, STRANGER, STRANGER, [NOGROUP])["ok"] is True
    assert talk_as(public, STRANGER, STRANGER) == 13


def test_the_daemon_looks_at_credentials_itself(public):
    """Also where the socket's mode was opened to everybody."""
    os.chmod(public.socket, 0o666)
    assert error_of(talk_as(public, STRANGER, STRANGER)) == "permission"
    assert talk_as(public, STRANGER, STRANGER, [1, NOGROUP, 2])["ok"] is True
    assert talk_as(public, 0, 0)["ok"] is True


def test_the_command_tells_who_may(public):
    command = shutil.copy(PORTCAM, public.folder)
    for mode, text in ((0o660, "you may not talk to portcamd"),
                       (0o666, "only root and members of the daemon's group may talk")):
        os.chmod(public.socket, mode)
        result = subprocess.run([command, "-S", public.socket, "service", "show"], user=STRANGER,
                                group=STRANGER, extra_groups=[], capture_output=True, text=True,
                                check=False)
        assert result.returncode == 5 and text in result.stderr


def test_an_unknown_group_leaves_root_alone(public):
    public.stop()
    public.options[public.options.index("nogroup")] = "no-such-group"
    public.start()
    assert "there is no group no-such-group" in public.log.read_text()
    assert talk_as(public, STRANGER, NOGROUP) == 13
    assert talk_as(public, 0, 0)["ok"] is True


def test_root_is_dropped_when_all_is_open(public):
    """In all threads, and for good; what is kept goes on being kept, also by the next daemon that begins as root."""
    public.stop()
    public.options += ["--user", "nobody"]
    public.start()
    while "goes on as the user nobody" not in public.log.read_text(): # it answers a moment before
        time.sleep(0.02)
    tasks = list(pathlib.Path(f"/proc/{public.process.pid}/task").iterdir())
    assert len(tasks) > 1
    for task in tasks:
        status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
        assert set(status["Uid"].split()) == {str(NOBODY)} and set(status["Gid"].split()) == {str(NOGROUP)}
        assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == 0
    public.apply(SHOP)
    public.stop()
    public.start()
    assert public.json("config", "show")["config"] == SHOP
    public.run("service", "del", "web")
    assert public.json("device", "selftest")["ok"]
    assert public.stop() == 0
    public.options[-1] = "no-such-user"
    public.start(wait=False)
    assert public.process.wait() == 5 and "there is no user no-such-user" in public.log.read_text()


def test_a_second_daemon_leaves_the_first_its_socket(daemon):
    second = Daemon(daemon.folder / "..")
    second.socket, second.log = daemon.socket, daemon.folder / "second"
    second.options[3] = str(daemon.socket)
    second.options[5] = str(daemon.folder / "second-state")
    with second:
        second.command = [*daemon.command[:1], *second.options]
        with open(second.log, "wb") as log:
            second.process = subprocess.Popen(second.command, stderr=log)
        assert second.process.wait() == 5
    assert "is in use by another process: stop it or choose another path" in second.log.read_text()


def test_what_is_no_dead_socket_stays(tmp_path):
    """A file, a folder and a link at the socket's path are left as they are; a dead socket is replaced."""
    target = tmp_path / "kept"
    target.write_text("precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    link = tmp_path / "link"
    link.symlink_to(target)
    for path in (target, folder, link):
        result = subprocess.run([PORTCAMD, "-S", path, "-D", tmp_path / "state"],
                                capture_output=True, text=True, check=False)
        assert result.returncode == 5
        assert f"{path} exists and is not a socket: choose another path or remove it" \
            in result.stderr
    assert target.read_text() == "precious" and folder.is_dir() and link.is_symlink()
    with Daemon(tmp_path) as daemon:
        daemon.start().process.kill()
        daemon.process.wait()
        assert daemon.socket.exists()
        Program.start(daemon)
        assert daemon.json("device", "health")["ok"] and daemon.stop() == 0


def test_wrong_options(tmp_path):
    for words, text in ((["--clients", "0"], '--clients is "0"; give a number from 1 to 100000'),
                        (["--half-request", "x"], '--half-request is "x"; give a number'),
                        (["extra"], 'what is "extra"? Options begin with -'),
                        (["--colour"], "unrecognized option")):
        result = subprocess.run([PORTCAMD, "-D", tmp_path, *words], capture_output=True, text=True,
                                check=False)
        assert result.returncode == 1 and text in result.stderr and "usage: " in result.stderr
    for words, text in ((["-d", "coffee:"], "use pci:0000:03:00.0, vfio-user:"),
                        (["-S", "/proc/none/x"], "cannot listen at /proc/none/x: "),
                        (["-S", "x" * 200], "socket path of 200 bytes: it must have 1 to 107"),
                        (["-D", "/proc/none"], "/proc/none")):
        result = subprocess.run([PORTCAMD, "-S", tmp_path / "s", "-D", tmp_path, *words],
                                capture_output=True, text=True, check=False)
        assert result.returncode == 5 and text in result.stderr, words


def test_the_end_does_not_wait_for_a_request_that_only_reads(tmp_path):
    """The card stops to answer in the middle of one; half a request tells that the daemon has taken it."""
    with Simulator(tmp_path / "card") as card, \
            Daemon(tmp_path, "--half-request", "1", device=f"vfio-user:{tmp_path}/card") as daemon:
        card.start()
        daemon.start()
        card.process.send_signal(signal.SIGSTOP)
        asks, waits = daemon.connect(), daemon.connect()
        asks.send(b'{"format": 1, "object": "stats", "verb": "show"}\n')
        waits.send(b"{")
        assert error_of(waits.line()) == "timeout"
        assert daemon.stop() == 0
        assert not daemon.socket.exists() and asks.line() is None
        assert "a request has not ended; it is left" in daemon.log.read_text()
        card.process.send_signal(signal.SIGCONT)
        for client in (asks, waits):
            client.close()


def test_the_end_during_the_longest_requests(tmp_path):
    """Everything that a request can hold is answered; the end may come in the middle of it."""
    backends = [f"x{number}" for number in range(400000)]
    config = {**SHOP, "services": [{**SHOP["services"][0], "backends": backends}]}
    functions = {"format": 1, "functions": [{"function": 1}] * 65536}
    with Daemon(tmp_path) as daemon:
        daemon.start()
        result = daemon.run("config", "check", daemon.write(json.dumps(config)))
        assert result.returncode == 2
        assert '"backends" has 400000 entries, and no card has room' in result.stderr
        path = daemon.write(json.dumps(functions))
        assert '"functions" has 65536 entries' in daemon.run("config", "check", path).stderr
        client = daemon.connect()
        client.send(json.dumps({"format": 1, "object": "config", "verb": "apply", "args": {
            "text": json.dumps(config)}}).encode() + b"\n")
        assert daemon.stop() == 0
        client.close()


# ---- requests that are none ----

BAD = {
    b"hello": "protocol",
    b"{": "protocol",
    b"[]": "protocol",
    b"null": "protocol",
    b"{}": "protocol",
    b'{"format": 2, "object": "service", "verb": "show"}': "protocol",
    b'{"format": "1", "object": "service", "verb": "show"}': "protocol",
    b'{"format": 1, "format": 1, "object": "service", "verb": "show"}': "protocol",
    b'{"format": 1, "object": 1, "verb": "show"}': "protocol",
    b'{"format": 1, "object": "service", "verb": "show", "args": []}': "protocol",
    b'{"format": 1, "object": "service", "verb": "show"} x': "protocol",
    b"\xff\xfe\xfd": "protocol",
    b'{"a": "\xc3"}': "protocol",
    b"\0\0\0": "protocol",
    b'{"format": 1e999}': "protocol",
    b'{"format": 99999999999999999999}': "protocol",
    b"[" * 100000: "protocol",
    b'{"a":' * 100000: "protocol",
    b"[" * 2000 + b"]" * 2000: "protocol",
    b'{"format": 1, "object": "coffee", "verb": "brew"}': "usage",
    b'{"format": 1, "object": "' + "é".encode() * 70 + b'", "verb": "' + b"a" * 63
    + "é".encode() + b'"}': "usage",
    b'{"format": 1, "object": "service", "verb": "add"}': "usage",
    b'{"format": 1, "object": "service", "verb": "add", "args": {"name": []}}': "usage",
    b'{"format": 1, "object": "config", "verb": "apply", "args": {"text": 1}}': "usage",
    b'{"format": 1, "object": "config", "verb": "apply", "args": {"text": "{"}}': "syntax",
    b'{"format": 1, "object": "service", "verb": "add", "args": {"name": "x", "domain": "shop", '
    b'"mode": "' + b"x" + "é".encode() * 500 + b'"}}': "refused",
    b'{"format": 1, "object": "explain", "verb": "packet"}': "usage",
    b'{"format": 1, "object": "explain", "verb": "packet", "args": {"frames": [1]}}': "usage",
    b'{"format": 1, "object": "explain", "verb": "packet", "args": {"frames": ["zz"]}}': "usage",
    b'{"format": 1, "object": "explain", "verb": "packet", "args": {"frames": [""]}}': "usage",
    b'{"format": 1, "object": "explain", "verb": "packet", "args": {"from": 99, "frames": ["00"]}}':
        "usage",
    b'{"format": 1, "object": "explain", "verb": "packet", "args": {"packet": []}}': "usage",
    b'{"format": 1, "object": "service", "verb": "show", "args": {"name": "nope"}}': "not_found",
}


def test_bad_requests_are_answered_and_the_connection_lives_on(daemon):
    client = daemon.connect()
    for request, code in BAD.items():
        client.send(request + b"\n")
        assert error_of(client.line()) == code, request[:100]
    assert client.ask("device", "health")["ok"] is True
    client.close()


def test_the_id_comes_back(daemon):
    client = daemon.connect()
    for identity in (7, "x", [1, {"a": None}], None, 1.5):
        assert client.ask("device", "health", id=identity)["id"] == identity
        assert client.ask("coffee", "brew", id=identity)["id"] == identity
    deep = json.loads("[" * 400 + "]" * 400)
    assert client.ask("device", "health", id=deep)["id"] == deep
    client.close()


def test_requests_in_pieces_and_many_at_once(daemon):
    client = daemon.connect()
    request = b'{"format": 1, "object": "device", "verb": "health"}\r\n'
    for position in range(len(request)):
        client.send(request[position:position + 1])
    assert client.line()["ok"] is True
    client.send(b"\n\n" + request * 20 + b"\n")
    assert all(client.line()["ok"] is True for _ in range(20))
    client.close()


def test_half_a_request_then_the_end(daemon):
    whole = b'{"format": 1, "object": "service", "verb": "del", "args": {"name": "web"}}'
    for half in (b"{", whole):
        client = daemon.connect()
        client.send(half)
        client.close()
    client = daemon.connect()
    client.send(b'{"format": 1, "object": "device", "verb": "health"}\n{"format": 1')
    client.socket.shutdown(1)
    assert client.line()["ok"] is True
    assert client.line() is None
    client.close()


def test_half_a_request_then_silence(tmp_path):
    with Daemon(tmp_path, "--half-request", "1") as daemon:
        client = daemon.start().connect()
        idle = daemon.connect()
        client.send(b'{"format": 1')
        assert error_of(client.line()) == "timeout"
        assert client.line() is None
        assert idle.ask("device", "health")["ok"] is True, "who sent nothing may wait"
        client.close()
        idle.close()


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_request_that_is_too_long(daemon, end):
    client = daemon.connect()
    try:
        client.send(b"[" + b" " * REQUEST_MAX + end)
    except OSError:
        pass
    answer = client.line()
    assert error_of(answer) == "too_long"
    assert f"at most {REQUEST_MAX} bytes" in answer["error"]["msg"]
    try:
        assert client.line() is None
    except ConnectionResetError:
        pass
    client.close()
    path = daemon.write(" " * REQUEST_MAX)
    result = daemon.run("config", "check", path)
    assert result.returncode == 2 and "portcamd --config FILE takes longer ones" in result.stderr


def test_the_longest_request(daemon):
    client = daemon.connect()
    request = b'{"format": 1, "object": "device", "verb": "health"}'
    client.send(request + b" " * (REQUEST_MAX - len(request)) + b"\n")
    assert client.line()["ok"] is True
    client.close()


# ---- the card goes ----

def test_the_end_of_the_card_is_told_and_ends_the_daemon(tmp_path):
    card = tmp_path / "card.sock"
    with (Simulator(card) as simulator,
          Daemon(tmp_path, device=f"vfio-user:{card}") as daemon):
        simulator.start()
        daemon.start()
        second = run("-d", f"vfio-user:{card}", "service", "show")
        assert second.returncode == 5 and "has another client; stop that one" in second.stderr
        client = daemon.connect()
        assert client.ask("monitor", "start")["event"] == "monitor"
        simulator.stop(signal.SIGKILL)
        event = client.line()
        assert event["event"] == "device" and event["text"] == "the card is gone"
        assert client.line() is None
        client.close()
        assert daemon.process.wait() == 5
        assert "ending: the card is gone" in daemon.log.read_text()
        result = daemon.run("device", "health")
        assert result.returncode == 5 and "portcamd does not run" in result.stderr


# ---- many, and slow ones ----

def test_too_many_clients(tmp_path):
    with Daemon(tmp_path, "--clients", "4") as daemon:
        daemon.start()
        clients = [daemon.connect() for _ in range(4)]
        for client in clients:
            assert client.ask("device", "health")["ok"] is True
        for _ in range(50):
            client = daemon.connect()
            assert error_of(client.line()) == "busy" and client.line() is None
            client.close()
        clients.pop().close()
        while daemon.run("device", "health").returncode:
            pass
        for client in clients:
            assert client.ask("device", "health")["ok"] is True
            client.close()


def test_without_descriptors_it_waits_for_one(tmp_path):
    with Daemon(tmp_path, "--clients", "1000") as daemon:
        daemon.start()
        used = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (used + 3, used + 3))
        clients = [daemon.connect() for _ in range(6)]
        assert clients[0].ask("device", "health")["ok"] is True

        def ticks():
            fields = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text().split()
            return int(fields[13]) + int(fields[14])

        before = ticks()
        with pytest.raises(TimeoutError):
            clients[5].socket.settimeout(1)
            clients[5].ask("device", "health")
        assert ticks() - before < os.sysconf("SC_CLK_TCK") / 2, "it does not spin"
        clients[5].socket.settimeout(300)
        for client in clients[:5]:
            client.close()
        assert clients[5].line()["ok"] is True
        clients[5].close()


def test_a_client_that_does_not_read_stops_only_itself(daemon):
    slow, quick = daemon.connect(), daemon.connect()
    request = json.dumps({"format": 1, "object": "config", "verb": "show"}).encode() + b"\n"
    count = 5000
    sender = threading.Thread(target=slow.send, args=(request * count,))
    sender.start()
    for _ in range(200):
        assert quick.ask("device", "health")["ok"] is True
    assert all(slow.line()["config"] == SHOP for _ in range(count)), "nothing was lost"
    sender.join()
    slow.close()
    quick.close()


def test_a_client_that_goes_without_reading(daemon):
    request = json.dumps({"format": 1, "object": "config", "verb": "show"}).encode() + b"\n"
    for _ in range(20):
        client = daemon.connect()
        client.send(request * 50)
        client.close()


def test_a_monitor_that_does_not_read_is_dropped(daemon):
    monitor, second = daemon.connect(), daemon.connect()
    for one in (monitor, second):
        assert one.ask("monitor", "start")["event"] == "monitor"
    config = {"format": 1, "backends": [{"name": f"b{i}", "address": f"10.8.{i // 250}.{i % 250}",
                                         "function": 1} for i in range(4000)]}
    large = daemon.write(config, "large.json")
    shop = daemon.write(SHOP, "shop.json")
    events = 0
    for _ in range(10):
        for path in (large, shop):
            assert daemon.run("config", "apply", path).returncode == 0
            assert second.line()["event"] == "config"
            events += 1
    lines = 0
    try:
        while monitor.line():
            lines += 1
    except (ConnectionResetError, json.JSONDecodeError):
        pass
    assert lines < events, "its connection was closed"
    monitor.close()
    second.close()
