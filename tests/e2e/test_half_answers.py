# SPDX-License-Identifier: Apache-2.0
"""What the command tells where the daemon fails on the way: what was told or done until then, one JSON value, the right status."""

import json
import pathlib
import socket
import threading

import pytest

from cli_daemon import run

REFUSED, SETUP, TIMEOUT = 2, 5, 124
CARD_GONE = {"error": {"code": "device", "msg": "the card is gone", "hint": ""}}
SILENCE, END = "silence", "end"


def connection(slot):
    return {"connection": f"{slot}:1", "protocol": "tcp", "state": "established",
            "client": {"address": "203.0.113.9", "port": slot}, "public": {"address": "198.51.100.1", "port": 80},
            "server": {"address": "192.0.2.10", "port": 8080}, "service": "web", "backend": "web1",
            "age_ms": 1, "idle_ms": 1, "left_ms": 1, "forward": {"packets": 1, "octets": 60},
            "reverse": {"packets": 1, "octets": 60}}


class Actor:
    """A daemon that gives these answers, one after another, and keeps what it was asked."""

    def __init__(self, folder, answers):
        self.path = pathlib.Path(folder) / "actor.sock"
        self.asked = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, args=(answers,))
        self.thread.start()

    def serve(self, answers):
        client, _ = self.listener.accept()
        with client, client.makefile("rb") as lines:
            for answer in answers:
                self.asked.append(json.loads(lines.readline()))
                if answer == END:
                    return
                if answer == SILENCE:
                    break
                client.sendall(json.dumps({"format": 1, "id": 1, **answer}).encode() + b"\n")
            lines.readline()

    def run(self, *words):
        result = run("-S", self.path, "-t", "0.5", *words)
        self.thread.join()
        self.listener.close()
        return result


ENDS = [(CARD_GONE, REFUSED, "device"), (END, SETUP, "setup"), (SILENCE, TIMEOUT, "timeout")]
FIRST = {"connections": [connection(1), connection(2)], "next": 16384}


@pytest.mark.parametrize("end, status, code", ENDS)
@pytest.mark.parametrize("words", [["list"], ["flush", "--all"]])
@pytest.mark.parametrize("first", [FIRST, {"connections": [], "next": 16384}])
def test_a_list_that_breaks_off_is_one_json_value(tmp_path, words, first, end, status, code):
    result = Actor(tmp_path, [first, end]).run("-j", "connection", *words)
    answer = json.loads(result.stdout)
    assert result.returncode == status and answer["error"]["code"] == code and answer["format"] == 1
    assert answer["connections"] == first["connections"]
    assert answer["count"] == len(first["connections"]) and answer["dry_run"] is False


@pytest.mark.parametrize("end, status, code", ENDS)
@pytest.mark.parametrize("verb", ["list", "count"])
def test_an_answer_that_never_began_is_an_error_alone(tmp_path, verb, end, status, code):
    result = Actor(tmp_path, [end]).run("-j", "connection", verb)
    answer = json.loads(result.stdout)
    assert result.returncode == status and set(answer) == {"format", "error"} and answer["error"]["code"] == code


def test_a_text_that_breaks_off_says_so(tmp_path):
    result = Actor(tmp_path, [FIRST, CARD_GONE]).run("connection", "flush", "--all")
    assert result.returncode == REFUSED and "the card is gone" in result.stderr
    assert result.stdout.splitlines()[-1] == "2 connections ended, and then it failed"


def test_what_ended_before_a_failure_is_asked_for_again(tmp_path):
    """The answer of a stretch that failed in the middle ends where it began."""
    actor = Actor(tmp_path, [{"connections": [connection(1)], "next": 0}, {"connections": [connection(2)], "next": None}])
    answer = json.loads(actor.run("-j", "connection", "flush", "--all").stdout)
    assert answer["count"] == 2 and [a["args"]["from"] for a in actor.asked] == [0, 0]


def test_an_answer_that_leads_nowhere_ends(tmp_path):
    actor = Actor(tmp_path, [{"connections": [], "next": 0}])
    assert json.loads(actor.run("-j", "connection", "list").stdout)["count"] == 0


BACKEND = {"backends": [{"name": "web1", "weight": 0, "records": 2}]}
START = [BACKEND, {"services": []}, {"changed": True, "warnings": []}, BACKEND, BACKEND]


@pytest.mark.parametrize("end, status, code", ENDS)
def test_a_drain_that_fails_keeps_its_receipt(tmp_path, end, status, code):
    result = Actor(tmp_path, START + [FIRST, end]).run("-j", "backend", "drain", "web1", "--deadline", "0")
    answer = json.loads(result.stdout)
    assert result.returncode == status and answer["error"]["code"] == code and answer["format"] == 1
    assert [c["connection"] for c in answer["ended"]] == ["1:1", "2:1"]
    assert (answer["records"], answer["left"], answer["ended_by_themselves"]) == (2, None, None)


def test_a_drain_that_fails_tells_in_text_what_it_ended(tmp_path):
    result = Actor(tmp_path, START + [FIRST, CARD_GONE]).run("backend", "drain", "web1", "--deadline", "0")
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["CONNECTION", "1:1", "2:1"]
    assert lines[3] == "backend web1 is draining: of 2 connections 2 were ended, and then it failed"
    assert result.returncode == REFUSED and "the card is gone" in result.stderr


def test_a_drain_that_never_began_is_an_error_alone(tmp_path):
    result = Actor(tmp_path, [BACKEND, {"services": []}, CARD_GONE]).run("-j", "backend", "drain", "web1")
    assert result.returncode == REFUSED and set(json.loads(result.stdout)) == {"format", "error"}


def test_a_backend_of_a_static_service_is_not_called_drained(tmp_path):
    idle = {"backends": [{"name": "web1", "weight": 0, "records": 0}]}
    services = {"services": [{"name": "web", "mode": "static", "backends": ["web1"]},
                             {"name": "other", "mode": "static", "backends": ["web2"]},
                             {"name": "pool", "mode": "stateful", "backends": ["web1"]}]}
    result = Actor(tmp_path, [idle, services, {"changed": True, "warnings": []}, idle]).run("backend", "drain", "web1")
    assert result.returncode == 0 and result.stdout.startswith("backend web1 has weight 0: of 0 connections")
    assert result.stderr == ("portcam: warning: service \"web\" is not stateful: its packets go to web1 at any weight; "
                             "give it another backend\n")
