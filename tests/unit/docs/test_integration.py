# SPDX-License-Identifier: Apache-2.0
"""docs/integration-guide.md against the RTL: every port, every parameter with its default and its legal range,
and the clocks that it tells.
"""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/integration-guide.md").read_text()
CORE = (ROOT / "hw/rtl/core/portcam_core.sv").read_text()
PACKAGES = ["hw/regs/gen/portcam_pkg.sv", "hw/rtl/core/portcam_types_pkg.sv",
            "hw/rtl/lookup/portcam_lookup_pkg.sv", "hw/rtl/connection/portcam_connection_pkg.sv",
            "hw/rtl/mirror/portcam_mirror_pkg.sv"]
SMALL = {"Functions": 2, "Domains": 2, "Addresses": 2, "Services": 2, "Backends": 2, "EndpointWays": 1,
         "EndpointRows": 2, "EndpointAnyPortRows": 2, "EndpointAnyRows": 2, "ConnectionRows": 16,
         "ConnectionRowsV6": 16, "ConnectionWays": 2, "ConnectionStash": 2, "ConnectionLatency": 1,
         "ScheduleRows": 2, "MaxFrame": 128}
LARGE = {"Functions": 16, "Domains": 32768, "Addresses": 2048, "Services": 2048, "Backends": 32768,
         "EndpointWays": 16, "EndpointRows": 65536, "EndpointAnyPortRows": 65536,
         "EndpointAnyRows": 65536, "ConnectionRows": 4194304, "ConnectionRowsV6": 4194304,
         "ConnectionWays": 16, "ConnectionStash": 64, "ConnectionLatency": 4, "ScheduleRows": 65536,
         "MaxFrame": 16320}


def number(text):
    return int(text.replace(",", ""))


def test_ports():
    ports = re.findall(r"^ +(?:input|output) +logic +(?:\[[^\]]+\])? *(\w+)", CORE, re.MULTILINE)
    assert len(ports) > 60
    for port in ports:
        assert f"`{port}`" in TEXT or f"`{port}`" in re.sub(r"_\*_", "_net_", TEXT) \
            or f"`{port}`" in re.sub(r"_\*_", "_host_", TEXT), port


def parameter_rows():
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| (.*?) \|", TEXT, re.MULTILINE)
    return {name: (number(default), legal) for name, default, legal in rows if name[0].isupper()}


def test_parameters():
    package = (ROOT / PACKAGES[0]).read_text()
    in_core = re.findall(r"^ +parameter +(?:int unsigned|logic \[31:0\]) +(\w+) += +(\S+?),?$", CORE, re.MULTILINE)
    rows = parameter_rows()
    assert [name for name, _ in in_core] == list(rows)
    for name, value in in_core:
        if "::" in value:
            value = re.search(rf"\b{value.split('::')[1]} *= *(?:\d+'d)?(\d+)", package).group(1)
        assert rows[name][0] == int(value.rpartition("'d")[2]), name


def test_ranges_are_told():
    for name, (_, legal) in parameter_rows().items():
        if name in SMALL and "same" not in legal and "ways" not in legal:
            told = [number(value) for value in re.findall(r"[\d,]*\d", legal)]
            assert told == [SMALL[name], LARGE[name]], name


SIM_FLAGS = re.search(r"^VERILATED_FLAGS := ((?:.*\\\n)*.*)", (ROOT / "sim/sim.mk").read_text(),
                      re.MULTILINE).group(1).replace("\\\n", " ").split()
LINT_FLAGS = ["-Wall", "--top-module", "portcam_core", "scripts/packages.vlt"]


def elaborate(parameters, flags=LINT_FLAGS):
    files = PACKAGES + sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("hw/rtl/*/*.sv")
                              if str(path.relative_to(ROOT)) not in PACKAGES)
    done = subprocess.run(["verilator", "--lint-only", *(flag for flag in flags if flag != "--cc"),
                           *(f"-G{name}={value}" for name, value in parameters.items()), *files],
                          cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("parameters", [{}, SMALL, LARGE], ids=["default", "smallest", "largest"])
def test_legal(parameters):
    status, errors = elaborate(parameters)
    assert status == 0, errors[:2000]


@pytest.mark.parametrize("name, value", [
    ("Functions", 32), ("Functions", 3), ("Domains", 65536), ("Addresses", 4096), ("Services", 4096),
    ("Backends", 65536), ("EndpointWays", 32), ("EndpointRows", 4), ("EndpointAnyRows", 131072),
    ("ConnectionWays", 1), ("ConnectionWays", 32), ("ConnectionStash", 3), ("ConnectionStash", 128),
    ("ConnectionLatency", 0), ("ConnectionLatency", 5), ("ScheduleRows", 1), ("ScheduleRows", 131072),
    ("MaxFrame", 127), ("MaxFrame", 16321)])
def test_illegal(name, value):
    status, errors = elaborate({name: value})
    assert status != 0
    assert "USERERROR" in errors


@pytest.mark.parametrize("name", ["ConnectionRows", "ConnectionRowsV6"])
@pytest.mark.parametrize("value", [0, 32, 96, 8388608])
def test_rows_of_records_that_cannot_be_are_told_once(name, value):
    """A build without records is none; the sentence has the instance, the number and the smallest that is legal."""
    status, errors = elaborate({name: value})
    assert status != 0 and errors.count("%Warning") == 1 and "%Error: Internal" not in errors
    assert re.search(rf"USERERROR: \S+ portcam_core: .*\b{name} \({value}\).*: powers of two, 64 to 2097152\n"
                     r" *: \.\.\. In instance portcam_core\n", errors), errors


def test_the_simulated_card_is_not_built_either():
    status, errors = elaborate({}, SIM_FLAGS)
    assert status == 0, errors[:2000]
    status, errors = elaborate({"MaxFrame": 127}, SIM_FLAGS)
    assert status != 0
    assert "MaxFrame must be 128 to 16320" in errors


def test_clocks():
    done = subprocess.run([ROOT / "build/tests/bench/bench_core"], capture_output=True, text=True, timeout=300,
                          check=True)
    measured = dict(re.findall(r"^([^:\n]*\D): (\d+)$", done.stdout, re.MULTILINE))
    for what in ("ready after a reset", "ready after a function-level reset", "commit of nothing",
                 "commit of more rows than the card remembers"):
        assert re.search(rf"\b{int(measured[what]):,} (?:after|clocks)", TEXT), what
    rows = re.findall(r"16 rows of (\w+): ([\d.]+) each to write, ([\d.]+) each to copy", done.stdout)
    assert len(rows) == 11
    for table, written, copied in rows:
        assert re.search(rf"^\|[^|]*\b{table.split('_')[0]}\b[^|]*\| {written} \| {copied} \|$", TEXT,
                         re.MULTILINE), table
