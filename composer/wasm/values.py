"""What is known of an integer while no code runs: the abstract values of interpret.py.

A value is one of
  None          nothing is known
  (low, high)   an unsigned number in this closed range
  {value: at}   one of at most 16 unsigned numbers, each of which some path through the code does give; `at` is the
                file offset of the call that passed it as an argument, and 0 where the constant stands in the same function
An operation never leaves out a number that running the code could give.
"""

from __future__ import annotations

Value = tuple[int, int] | dict[int, int] | None

MOST = 16
"""Numbers in a set; more become a range."""


def constant(number: int) -> Value:
    return {number: 0}


def bounds(value: Value, bits: int) -> tuple[int, int]:
    """The closed unsigned range that holds the value."""
    if value is None:
        return 0, (1 << bits) - 1
    return value if isinstance(value, tuple) else (min(value), max(value))


def ranged(low: int, high: int, bits: int) -> Value:
    """A range, or nothing known where it is all that `bits` bits hold."""
    if low == high:
        return {low: 0}
    return None if low <= 0 and high >= (1 << bits) - 1 else (low, high)


def join(a: Value, b: Value) -> Value:
    """What is known when either may be the case."""
    if a is None or b is None:
        return None
    if isinstance(a, dict) and isinstance(b, dict):
        both = {**a, **{number: at or a.get(number, 0) for number, at in b.items()}}
        if len(both) <= MOST:
            return both
    (low, high), (other_low, other_high) = bounds(a, 64), bounds(b, 64)
    return min(low, other_low), max(high, other_high)


def passed(value: Value, at: int) -> Value:
    """The value as an argument of the call at offset `at`: a constant written there is remembered to come from there."""
    return {number: origin or at for number, origin in value.items()} if isinstance(value, dict) else value


def join_states(a: list[Value] | None, b: list[Value]) -> list[Value]:
    """Two states of the same locals, element by element; always a new list."""
    if a is None:
        return b.copy()
    return [x if x is y else join(x, y) for x, y in zip(a, b, strict=True)]
