# SPDX-License-Identifier: Apache-2.0
"""The test runner fails where it must: each test gives tests/run a program with one defect.

A runner that misses a failure makes every other test worthless, so this file is about silence,
crashes, hangs and missing results more than about programs that succeed.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
RUNNER = ROOT / "tests" / "run"


@pytest.fixture
def program(tmp_path):
    """Makes an executable shell script of a body, and returns its path."""

    def make(body, name="program.sh", mode=0o755):
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(mode)
        return str(path)

    return make


def run(*arguments):
    done = subprocess.run([sys.executable, str(RUNNER), *arguments], capture_output=True,
                          text=True, timeout=120, cwd="/")
    return done.returncode, done.stdout


def last(text):
    assert text.endswith("\n")
    return text.splitlines()[-1]


def test_success_counts_every_result(program):
    status, text = run("--tap", program("echo 1..2\necho ok 1 - a\necho 'ok 2 - b'\n"))
    assert (status, last(text)) == (0, "2 passed, 0 failed")


def test_not_ok_fails_and_shows_the_whole_output(program):
    status, text = run("--tap", program(
        "echo 1..2\necho noise before\necho not ok 1 - a\necho to stderr >&2\necho ok 2 - b\n"))
    assert (status, last(text)) == (1, "1 passed, 1 failed")
    assert "noise before" in text and "to stderr" in text


@pytest.mark.parametrize("body", [
    "echo ok 1 - a\n",
    "exit 0\n",
    "echo 1..0\n",
    "echo 1..3\necho ok 1 - a\necho ok 2 - b\n",
    "echo 1..1\necho ok 1 - a\necho ok 2 - b\n",
    "echo 1..2\necho ok 1 - a\necho ok 1 - a\n",
    "echo 1..1\necho ok 1 - a\nexit 3\n",
    "echo 1..1\necho ok 1 - a\nkill -SEGV $$\n",
    "echo 1..1\necho ok 1 - a\necho 'Bail out! no memory'\n",
    "echo 1..1\necho 'not ok 1 - a # todo later'\n",
], ids=["no plan", "silence", "plan of zero", "too few", "too many", "number twice", "exit status",
        "signal", "bail out", "todo is no excuse"])
def test_defect_of_a_tap_program_fails(program, body):
    status, text = run("--tap", program(body))
    assert status == 1
    assert last(text).endswith(", 1 failed")


def test_program_that_does_not_exist_fails(tmp_path):
    status, text = run("--tap", str(tmp_path / "nothing"))
    assert (status, last(text)) == (1, "0 passed, 1 failed")


def test_program_that_is_not_executable_fails(program):
    status, text = run("--tap", program("echo 1..1\necho ok 1\n", mode=0o644))
    assert (status, last(text)) == (1, "0 passed, 1 failed")


def test_no_program_at_all_fails():
    status, text = run()
    assert (status, last(text)) == (1, "0 passed, 1 failed")


def test_only_that_matches_nothing_fails(program):
    status, text = run("--only", "no-such-name", "--tap", program("echo 1..1\necho ok 1\n"))
    assert (status, last(text)) == (1, "0 passed, 1 failed")


def test_hang_fails_and_takes_the_children_of_the_program_too(program, tmp_path):
    pid_file = tmp_path / "pid"
    status, text = run("--hang", "1", "--tap", program(
        f"echo 1..1\necho ok 1 - a\nsleep 600 &\necho $! > {pid_file}\nwait\n"))
    assert status == 1
    assert "still running" in text
    assert not alive(int(pid_file.read_text()))


def test_child_left_behind_is_ended(program, tmp_path):
    pid_file = tmp_path / "pid"
    status, _ = run("--tap", program(f"echo 1..1\necho ok 1\nsleep 600 &\necho $! > {pid_file}\n"))
    assert status == 0
    assert not alive(int(pid_file.read_text()))


def test_end_of_the_runner_ends_the_program(program, tmp_path):
    pid_file = tmp_path / "pid"
    path = program(f"echo $$ > {pid_file}.part\nmv {pid_file}.part {pid_file}\nexec sleep 600\n")
    with subprocess.Popen([sys.executable, str(RUNNER), "--tap", path],
                          stdout=subprocess.DEVNULL) as runner:
        deadline = time.monotonic() + 30
        while not pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        runner.send_signal(signal.SIGTERM)
        assert runner.wait(timeout=30) == 128 + signal.SIGTERM
    assert not alive(int(pid_file.read_text()))


def alive(pid):
    """True when the process is there and not a zombie, a moment after it was told to end."""
    for _ in range(100):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state in "ZX":
            return False
        time.sleep(0.05)
    return True


def test_skip_is_shown_and_counted_apart(program):
    status, text = run("--tap", program("echo 1..2\necho ok 1 - a\necho 'ok 2 # SKIP no card'\n"))
    assert (status, last(text)) == (0, "1 passed, 0 failed")
    assert text.splitlines()[-2] == "1 skipped"
    assert "SKIPPED" in text and "no card" in text


def test_plan_that_skips_everything_is_a_skip(program):
    status, text = run("--tap", program("echo '1..0 # SKIP needs root'\n"))
    assert (status, last(text)) == (0, "0 passed, 0 failed")
    assert text.splitlines()[-2] == "1 skipped"


def test_groups_with_a_plan_each_are_added(program):
    status, text = run("--tap", program(
        "echo 1..1\necho ok 1 - a\necho '# ok - group'\necho 1..2\necho ok 1 - b\necho ok 2 - c\n"))
    assert (status, last(text)) == (0, "3 passed, 0 failed")


def test_line_on_standard_error_is_no_result(program):
    status, text = run("--tap", program("echo 1..1\necho ok 1\necho not ok 2 >&2\n"))
    assert (status, last(text)) == (0, "1 passed, 0 failed")


def test_pytest_results_are_counted(tmp_path):
    path = tmp_path / "test_some.py"
    path.write_text("import pytest\n"
                    "def test_a(): pass\n"
                    "def test_b(): assert 1 == 2\n"
                    "def test_c(): pytest.skip('not here')\n"
                    "@pytest.fixture\ndef broken(): raise ValueError\n"
                    "def test_d(broken): pass\n")
    status, text = run("--pytest", str(path))
    assert (status, last(text)) == (1, "1 passed, 2 failed")
    assert text.splitlines()[-2] == "1 skipped"
    assert "not here" in text and "assert 1 == 2" in text


@pytest.mark.parametrize("body", [
    "",
    "import no_such_module_anywhere\n",
    "import os\ndef test_a(): os._exit(0)\n",
    "import os\ndef test_a(): os.abort()\n",
], ids=["no test", "import error", "exits with success", "aborts"])
def test_defect_of_a_pytest_file_fails(tmp_path, body):
    path = tmp_path / "test_some.py"
    path.write_text(body)
    status, text = run("--pytest", str(path))
    assert status == 1
    assert " 0 failed" not in last(text)


def test_pytest_file_that_does_not_exist_fails(tmp_path):
    status, text = run("--pytest", str(tmp_path / "test_none.py"))
    assert (status, last(text)) == (1, "0 passed, 1 failed")


def test_results_of_an_earlier_run_are_not_counted(tmp_path):
    path = tmp_path / "test_some.py"
    path.write_text("def test_a(): pass\n")
    assert run("--pytest", str(path))[0] == 0
    path.write_text("import os\nos._exit(0)\n")
    assert run("--pytest", str(path))[0] == 1


def overlap_probe(folder, name, head):
    """A program that notes in a common file when it begins and when it ends."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{head}\necho begin >> {folder}/log\nsleep 0.5\n"
                    f"echo end >> {folder}/log\necho 1..1\necho ok 1\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("names, head, expected", [
    (("a.sh", "b.sh"), "", ["begin", "begin", "end", "end"]),
    (("a.sh", "b.sh"), "# portcam-test: serial", ["begin", "end", "begin", "end"]),
    (("a.serial", "b.serial"), "", ["begin", "end", "begin", "end"]),
], ids=["two at a time", "comment", "name"])
def test_serial_programs_run_alone(tmp_path, names, head, expected):
    status, _ = run("--tap", *[overlap_probe(tmp_path, name, head) for name in names])
    assert status == 0
    assert (tmp_path / "log").read_text().split() == expected


def test_environment_of_a_program(program):
    status, _ = run("--tap", program(
        f'[ "$CMOCKA_MESSAGE_OUTPUT" = TAP ] && [ "$PWD" = "{ROOT}" ] && [ ! -t 0 ] || exit 1\n'
        "echo 1..1\necho ok 1\n"))
    assert status == 0


def test_list_runs_nothing(program, tmp_path):
    path = program(f"touch {tmp_path}/ran\n")
    status, text = run("--list", "--tap", path)
    assert status == 0 and path in text
    assert not os.path.exists(tmp_path / "ran")
