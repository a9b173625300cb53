# SPDX-License-Identifier: Apache-2.0
"""The check of the test plan notices what it is there to notice."""

import importlib.util
import pathlib

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SPEC = importlib.util.spec_from_file_location("testplan_check", HERE / "check.py")
plan = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(plan)


@pytest.fixture
def check(tmp_path):
    """Checks a plan of the given text against a tree with one test file, for the rules A and B."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.c").write_text('{"A ihl below five is unparsed", test_a},\n')

    def run(text):
        (tmp_path / "plan" / "rows.toml").write_text(text)
        return plan.check(tmp_path / "plan", tmp_path, ["A", "B"], ["C"])

    return run


A = '[[row]]\nid = "A"\ntest = ["tests/test_x.c::A ihl below five"]\n'
B = '[[row]]\nid = "B"\nreason = "it is packaging"\n'


def test_whole_plan_is_accepted(check):
    assert check(A + B) == (["A"], ["B"], [], [])


def test_rule_without_a_row_is_missing(check):
    assert check(A)[2] == ["B"]


@pytest.mark.parametrize("row", ['[[row]]\nid = "B"\n', '[[row]]\nid = "B"\ntest = []\n',
                                 '[[row]]\nid = "B"\nreason = "  "\n'])
def test_row_without_test_and_reason_is_missing(check, row):
    assert check(A + row)[2] == ["B"]


@pytest.mark.parametrize("test, words", [
    ("tests/test_x.c::A ihl below six", "has no test"),
    ("tests/test_y.c::A ihl below five", "there is no file"),
    ("tests/test_x.c", "not of the form"),
    ("tests/test_x.c::", "not of the form"),
    ("../test_x.c::A ihl below five", "not a path inside"),
    ("/etc/passwd::root", "not a path inside"),
])
def test_name_of_a_test_that_is_not_there_is_a_problem(check, test, words):
    problems = check(f'[[row]]\nid = "A"\ntest = ["{test}"]\n' + B)[3]
    assert len(problems) == 1 and words in problems[0]


@pytest.mark.parametrize("text", [
    A + B + '[[row]]\nid = "D"\nreason = "none"\n',
    A + B + B,
    A + B + '[[row]]\nreason = "none"\n',
    A + B + 'tests = ["x"]\n',
    A + '[[row]]\nid = "B"\ntest = "tests/test_x.c::A ihl below five"\n',
    A + "[[row]\n",
], ids=["unknown rule", "two rows", "no id", "unknown key", "test is no list", "no TOML"])
def test_defect_of_the_plan_is_a_problem(check, text):
    assert check(text)[3]


def test_row_of_an_optional_rule_is_accepted(check):
    assert check(A + B + '[[row]]\nid = "C"\nreason = "none"\n')[3] == []


def test_required_rules_are_those_of_the_documents():
    assert len(plan.REQUIRED) == len(set(plan.REQUIRED)) == 12 + 29 + 30 + 52 + 73 + 7
    assert {"P1", "P12", "F.29", "S0.30", "S1.52", "S4.73", "section 9"} <= set(plan.REQUIRED)


def test_the_plan_of_this_tree_is_whole():
    _, _, missing, problems = plan.check(plan.HERE, plan.ROOT, plan.REQUIRED, plan.OPTIONAL)
    assert missing == [] and problems == []
