# SPDX-License-Identifier: Apache-2.0
"""The manual pages agree with the programs: every object, verb, key and option, no more and no less."""

import re
import subprocess

import pytest

from cli_daemon import PORTCAM, PORTCAMD, ROOT, SIM

MODEL = ROOT / "build/cli/portcam-model"
TAKES_NO_VERB = ["monitor", "explain", "trace", "help"]


def page(name):
    """The source of a page without its emphasis."""
    text = (ROOT / f"docs/man/{name}.scd").read_text()
    return re.sub(r"(?<!\\)[*_]", "", text).replace("\\", "")


def helped(*words):
    result = subprocess.run([PORTCAM, "help", *words], capture_output=True, text=True, check=True)
    return result.stdout


def objects():
    return dict(re.findall(r"^  (\w+) +((?:\w+\|)*\w+)?  ", helped(), re.M))


def test_portcam_names_every_object_and_verb():
    wanted = {f"{name} {verb}" for name, verbs in objects().items() if name not in TAKES_NO_VERB
              for verb in verbs.split("|")}
    assert set(TAKES_NO_VERB) < set(objects())
    found = set(re.findall(r"^portcam ([a-z_]+ [a-z]+)\b", page("portcam.8"), re.M))
    found = {words for words in found if words.split()[0] not in TAKES_NO_VERB}
    assert found == wanted
    for name in TAKES_NO_VERB:
        assert re.search(rf"^portcam {name}\b", page("portcam.8"), re.M)


@pytest.mark.parametrize("name", ["function", "domain", "address", "service", "backend"])
def test_portcam_names_every_key(name):
    """All keys but the one that names the object stand in its section, and in portcam.conf(5)."""
    keys = re.findall(r"^  (\w+) ", helped(name).split("Keys:")[1], re.M)
    section = re.search(rf"^# {name.upper()}\n(.*?)^# ", page("portcam.8"), re.M | re.S).group(1)
    listed = re.search(r"Keys: (.*?)\.\n", section, re.S).group(1)
    assert re.split(r",\s+", listed) == keys[1:]
    for key in keys:
        assert re.search(rf"\b{key}\b", page("portcam.conf.5"))


def options_of(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def usage(program):
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


def test_options_of_every_program():
    for name, text in (("portcam.8", helped()),
                       ("portcamd.8", usage(PORTCAMD)),
                       ("portcam-sim.1", usage(SIM) + " --help"),
                       ("portcam-model.1", usage(MODEL) + " --help")):
        section = re.search(r"^# OPTIONS\n(.*?)^# ", page(name), re.M | re.S).group(1)
        listed = set()
        for line in section.splitlines():
            if line.startswith("-"):
                listed |= options_of(line)
        wanted = options_of(text)
        if name == "portcam.8":
            wanted |= {"--help", "--version"}
        assert listed == wanted, name


def test_pages_are_whole():
    for path in sorted((ROOT / "docs/man").glob("*.scd")):
        text = path.read_text()
        assert re.match(rf"{path.stem[:-2]}\({path.stem[-1]}\)\n; SPDX.*\n\n# NAME\n", text), path
        for section in ("# NAME", "# DESCRIPTION", "# SEE ALSO"):
            assert section in text, path
        for name, number in re.findall(r"\*(portcam[\w.-]*)\*\((\d)\)", text):
            assert (ROOT / f"docs/man/{name}.{number}.scd").exists(), (path, name)


def test_exit_codes_of_the_page_are_those_of_the_program():
    section = page("portcam.8").split("# EXIT STATUS")[1].split("\n# ")[0]
    codes = {int(code) for code in re.findall(r"^(\d+)$", section, re.M)}
    source = (ROOT / "cli/cli.h").read_text()
    assert codes == {int(code) for code in re.findall(r"^ +EXIT_\w+ = (\d+),", source, re.M)}
