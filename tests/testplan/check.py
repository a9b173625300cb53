#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a rule that portcam promises has neither a test nor a reason for having none.

    tests/testplan/check.py            names what is wrong; exit status 1 when something is
    tests/testplan/check.py --missing  prints only the ids that have neither

The plan is every *.toml file beside this one:

    [[row]]
    id = "P1"                               # one row an id
    rule = "what is promised, in a line"
    test = ["tests/unit/model/test_parse.c::P1 ihl below five"]
    # or, where no test can show it:
    reason = "why there is no test"

A test is named `path::part of the test's name`. The path must be a file of the tree and the part must stand
in it, so a test that is renamed or removed is noticed here. A row may have several tests, and a reason
beside them that says what they leave out.
"""

import pathlib
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Steps of packet handling, traps of layer-4 translation, the sources of port sharing and of load balancing,
# and the sections of the packet semantics.
REQUIRED = ([f"P{number}" for number in range(1, 13)]
            + [f"F.{number}" for number in range(1, 30)]
            + [f"S{source}.{number}" for source, count in ((0, 30), (1, 52), (4, 73))
               for number in range(1, count + 1)]
            + [f"section {number}" for number in (2, 4, 5, 6, 7, 8, 9)])
# Rows of the other sources may be in the plan.
OPTIONAL = [f"S{source}.{number}" for source, count in ((2, 62), (3, 35)) for number in range(1, count + 1)]
KEYS = {"id", "rule", "test", "reason"}
SHORTEST_NAME = 4


def read_plan(folder):
    """({id: row}, [problem]) of the TOML files in a folder."""
    rows, problems = {}, []
    for path in sorted(folder.glob("*.toml")):
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8")).get("row", [])
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(f"{path.name}: {error}")
            continue
        for entry in entries:
            name = entry.get("id")
            if not isinstance(name, str):
                problems.append(f"{path.name}: a row without an id")
            elif name in rows:
                problems.append(f"{path.name}: {name} has a row already")
            else:
                rows[name] = entry
                problems += [f"{name}: unknown key '{key}'" for key in sorted(set(entry) - KEYS)]
    return rows, problems


def check_test(root, test):
    """What is wrong with the name of a test, or None."""
    if not isinstance(test, str):
        return "a test is named by a string"
    path, separator, part = test.partition("::")
    if not separator or len(part.strip()) < SHORTEST_NAME:
        return f"'{test}' is not of the form path::part of the test's name"
    file = root / path
    if pathlib.PurePath(path).is_absolute() or ".." in pathlib.PurePath(path).parts:
        return f"'{path}' is not a path inside the tree"
    if not file.is_file():
        return f"there is no file {path}"
    if part not in file.read_text(encoding="utf-8", errors="replace"):
        return f"{path} has no test '{part}'"
    return None


def check(folder, root, required, optional):
    """(rows with tests, rows with only a reason, ids with neither, problems)."""
    rows, problems = read_plan(folder)
    tested, excused, missing = [], [], []
    for name in [*rows, *(name for name in required if name not in rows)]:
        row = rows.get(name, {})
        if name not in required and name not in optional:
            problems.append(f"{name}: no such rule")
            continue
        tests, reason = row.get("test", []), row.get("reason", "")
        if not isinstance(tests, list) or not isinstance(reason, str):
            problems.append(f"{name}: test is a list of strings, reason is a string")
            continue
        wrong = [problem for problem in (check_test(root, test) for test in tests) if problem]
        problems += [f"{name}: {problem}" for problem in wrong]
        if tests:
            tested.append(name)
        elif reason.strip():
            excused.append(name)
        else:
            missing.append(name)
    return tested, excused, missing, problems


def main(arguments):
    tested, excused, missing, problems = check(HERE, ROOT, REQUIRED, OPTIONAL)
    if arguments == ["--missing"]:
        print("\n".join(missing))
        return 1 if missing else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    if missing:
        print("neither a test nor a reason: " + ", ".join(missing))
    print(f"{len(tested)} rules with tests, {len(excused)} with a reason, {len(missing)} with neither")
    return 1 if problems or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
