"""How rules register: by standing in their folder, under one code each, and in one order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from composer.check import check, every_rule
from composer.diagnostics import RULES, declare
from tests.composer.manifests import MAIN, system_of, write

CHECKOUT = Path(__file__).resolve().parents[3]

TWO_FAULTS = MAIN.replace("com1.serial", "com2.serial").replace("0x3f8", "0x20")


def test_what_is_said_stands_in_the_order_of_places(tmp_path):
    said = check(system_of(tmp_path, {"profiles/main.toml": TWO_FAULTS}))
    assert [d.code for d in said] == ["M0311", "M0210"]
    assert list(said) == sorted(said, key=lambda d: d.sort_key())


def test_a_sound_system_has_nothing_said_about_it(tmp_path):
    assert check(system_of(tmp_path)) == ()


def test_every_rule_is_known_in_order_with_a_title():
    rules = every_rule()
    assert [rule.code for rule in rules] == sorted(RULES)
    assert all(rule.title for rule in rules)


def test_titles_are_different():
    titles = [rule.title for rule in every_rule()]
    assert len(set(titles)) == len(titles)


def test_a_code_has_one_owner():
    every_rule()
    with pytest.raises(ValueError, match="M0310"):
        declare("M0310", "something else")


FRESH = """
from pathlib import Path
from composer.check import check, every_rule
from tests.composer.manifests import system_of
{first}
"""


def in_a_fresh_process(first):
    """What a process prints that has imported no rule yet."""
    done = subprocess.run([sys.executable, "-P", "-c", FRESH.format(first=first)], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
    return done.stdout.split()


def test_checking_finds_the_rules_by_itself(tmp_path):
    write(tmp_path, {"profiles/main.toml": TWO_FAULTS})
    said = in_a_fresh_process(f"print(*(d.code for d in check(system_of(Path({str(tmp_path)!r}), {{'profiles/main.toml': {TWO_FAULTS!r}}}))))")
    assert said == ["M0311", "M0210"]


def test_every_rule_is_found_before_any_stage_has_run():
    said = in_a_fresh_process("print(*(rule.code for rule in every_rule()))")
    assert said == sorted(said) == [rule.code for rule in every_rule()]
    assert {"M0101", "M0105", "M0206", "M0310", "M0324", "M0401"} <= set(said)
