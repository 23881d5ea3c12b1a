"""Sets of numbers against Python's own sets, number by number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from composer.questions.numbers import Numbers
from composer.system import Range

RANGES = st.lists(st.builds(Range, st.integers(0, 40), st.integers(-1, 12)), max_size=6)


def plainly(ranges: list[Range]) -> set[int]:
    return {number for each in ranges for number in range(each.base, each.end)}


def members(numbers: Numbers) -> set[int]:
    return plainly(list(numbers.ranges))


@given(RANGES, RANGES)
def test_operations_are_those_of_sets(a, b):
    x, y = Numbers.of(a), Numbers.of(b)
    assert members(x | y) == plainly(a) | plainly(b)
    assert members(x & y) == plainly(a) & plainly(b)
    assert members(x - y) == plainly(a) - plainly(b)
    assert len(x) == len(plainly(a)) and bool(x) == bool(plainly(a))
    assert all((number in x) == (number in plainly(a)) for number in range(-2, 60))


@given(RANGES, RANGES)
def test_equal_sets_are_equal_values(a, b):
    assert (Numbers.of(a) == Numbers.of(b)) == (plainly(a) == plainly(b))


def test_ranges_that_touch_become_one():
    assert Numbers.of([Range(8, 8), Range(0, 8)]).ranges == (Range(0, 16),)
    assert str(Numbers.of([Range(0x3F8, 8), Range(0x60, 1)])) == "0x60, 0x3f8..0x3ff"
