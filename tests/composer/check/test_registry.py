"""How rules register: by standing in their folder, under one code each, and in one order."""

from __future__ import annotations

import pytest

from composer.check import check, every_rule
from composer.diagnostics import RULES, declare
from tests.composer.manifests import MAIN, system_of

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
