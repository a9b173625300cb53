# SPDX-License-Identifier: Apache-2.0
"""What the documents name is there: files behind links and in code, headings behind anchors, targets of
make, programs below build/, and names that begin with portcam_.
"""

import functools
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    .*$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = ("cli", "docs", "driver", "hw", "lib", "scripts", "sim", "tests")
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./*-]*[\w*]")
BUILT = re.compile(r"(?<![\w./-])build/[\w./-]*\w")
# A subject that is not a target: "make -j2", "make SEED=1 cosim" are read behind their options.
MAKE = re.compile(r"(?<![\w./-])make((?: +(?:-\w+|[A-Z_]+=\S+))*) +([a-z][\w-]*)\b(?!/)")
NAME = re.compile(r"(?<![\w./-])portcam_[a-z0-9_]*[a-z0-9]")


@functools.lru_cache(None)
def tracked():
    """Files of the tree: what git knows or would add."""
    found = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           capture_output=True, text=True, check=True)
    return sorted(name for name in found.stdout.split("\n") if name and (ROOT / name).is_file())


def documents():
    return [name for name in tracked() if name.endswith(".md")]


@functools.lru_cache(None)
def make_targets():
    """(targets for people, everything that make could build)."""
    found = subprocess.run(["make", "-npq", "help"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = set(re.findall(r"^([^\s#:=%.][^\s:=%]*) *:", found.stdout, re.MULTILINE))
    people = re.findall(r"^([a-z][a-z-]*):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return set(people), names


@functools.lru_cache(None)
def known_names():
    """Every word portcam_* of the sources, and every file name."""
    names = set()
    for name in tracked():
        if name.endswith(".md") or name.startswith("tests/unit/docs/"):
            continue
        names.add(pathlib.PurePath(name).stem)
        try:
            names.update(NAME.findall((ROOT / name).read_text()))
        except UnicodeDecodeError:
            pass
    return names


def anchors(text):
    """The anchors of a document's headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.MULTILINE):
        words = re.sub(r"[^\w\s-]", "", heading.lower())
        found.add(re.sub(r"\s", "-", words))
    return found


def code_of(text):
    """All code of a document: fences, indented blocks and backticks."""
    fences = FENCE.findall(text)
    rest = FENCE.sub("", text)
    return "\n".join([*fences, *INDENTED.findall(rest), *INLINE.findall(INDENTED.sub("", rest))])


def exists(path):
    return any(ROOT.glob(path)) if "*" in path else (ROOT / path).exists()


def problems(name, text):
    """What the document `name` with this text says that is not so."""
    found = []
    folder = (ROOT / name).parent
    for link in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = folder / path
        if not target.exists():
            found.append(f"link to {link}: no such file")
        elif anchor and anchor not in anchors(target.read_text() if path else text):
            found.append(f"link to {link}: no such heading")
    found += [f"line {n}: code that goes on in the next line"
              for n, line in enumerate(FENCE.sub("", text).splitlines(), 1) if line.count("`") % 2]
    code = code_of(text)
    found += [f"{path}: no such file" for path in PATH.findall(code) if not exists(path)]
    people, targets = make_targets()
    for path in BUILT.findall(code):
        if path not in targets and not any(target.startswith(f"{path}/") for target in targets):
            found.append(f"{path}: make cannot build it")
    found += [f"make {target}: no such target" for _, target in MAKE.findall(code) if target not in people]
    found += [f"{word}: nothing has this name" for word in NAME.findall(code) if word not in known_names()]
    return sorted(set(found))


@pytest.mark.parametrize("name", documents())
def test_document(name):
    assert problems(name, (ROOT / name).read_text()) == []


@pytest.mark.parametrize("text, what", [
    ("[a](nowhere.md)", "link to nowhere.md: no such file"),
    ("[a](registers.md#nothing)", "link to registers.md#nothing: no such heading"),
    ("look at `hw/rtl/core/portcam_cores.sv`", "hw/rtl/core/portcam_cores.sv: no such file"),
    ("    tests/no_such_program", "tests/no_such_program: no such file"),
    ("```\nmake -j2 tests\n```", "make tests: no such target"),
    ("`build/cli/portcamx`", "build/cli/portcamx: make cannot build it"),
    ("a `make\ntest` b", "line 1: code that goes on in the next line"),
    ("`portcam_no_such_thing()`", "portcam_no_such_thing: nothing has this name"),
])
def test_finds(text, what):
    assert what in problems("docs/example.md", text)


@pytest.mark.parametrize("text", [
    "[a](registers.md#reason) [b](https://example.org/x) [c](#x)\n\n# X\n",
    "`hw/rtl/*/*.sv`, `make -j2 test`, `build/cli/portcam`, `portcam_core`, `make ONLY=x test`",
    "we make two of `hw`/`sim` and make sure",
])
def test_accepts(text):
    assert problems("docs/example.md", text) == []
