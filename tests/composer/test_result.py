"""Results carry what was said along, and say it once."""

from __future__ import annotations

from composer.diagnostics import at, error, warning
from composer.result import Result
from composer.spans import Source, Span

PLACE = at(Span(Source("a.toml", "a = 1\n"), 0, 1))
FAULT = error("M0101", "a fault", PLACE)
DOUBT = warning("M0101", "a doubt", PLACE)


def test_a_stage_adds_to_what_was_said_before():
    result = Result(1, (DOUBT,)).then(lambda value, more: Result(value + more, (FAULT,)), 2)
    assert result == Result(3, (DOUBT, FAULT))


def test_a_stage_runs_after_errors_as_long_as_there_is_a_value():
    assert Result(1, (FAULT,)).then(lambda value: Result(value + 1)).value == 2


def test_a_stage_does_not_run_without_a_value():
    def never(value):
        raise AssertionError

    assert Result(None, (FAULT,)).then(never) == Result(None, (FAULT,))


def test_what_two_stages_say_alike_is_said_once():
    same = error("M0101", "a fault", at(Span(Source("a.toml", "a = 1\n"), 0, 1)), notes=("through another way",))
    assert Result(1, (FAULT,)).plus([same]).diagnostics == (FAULT,)


def test_what_differs_in_its_second_place_is_said_twice():
    elsewhere = error("M0101", "a fault", PLACE, at(Span(Source("b.toml", "b\n"), 0, 1)))
    assert Result(1, (FAULT,)).plus([elsewhere]).diagnostics == (FAULT, elsewhere)


def test_warnings_are_accepted_and_errors_are_not():
    assert Result(1, (DOUBT,)).ok
    assert Result(1, (DOUBT,)).accepted().value == 1
    assert not Result(1, (FAULT,)).ok
    assert Result(1, (FAULT,)).accepted() == Result(None, (FAULT,))
    assert not Result(None).ok
