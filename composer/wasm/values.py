"""What is known of an integer while no code runs: the abstract values of interpret.py.

A value is one of
  None          nothing is known
  (low, high)   an unsigned number in this closed range
  {value: at}   one of at most 16 unsigned numbers, each of which some path through the code does give; `at` is the
                file offset of the call that passed it as an argument, and 0 where the constant stands in the same function
  Answer, Below what an imported function answered, or something less than that
An operation never leaves out a number that running the code could give.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call of the imported `function` (an index), which takes no parameters, answered."""

    function: int


@dataclass(frozen=True, slots=True)
class Below:
    """An unsigned number less than an answer of the imported `function`."""

    function: int


Value = tuple[int, int] | dict[int, int] | Answer | Below | None

MOST = 16
"""Numbers in a set; more become a range."""


def constant(number: int) -> Value:
    return {number: 0}


def bounds(value: Value, bits: int) -> tuple[int, int]:
    """The closed unsigned range that holds the value."""
    if isinstance(value, tuple):
        return value
    return (min(value), max(value)) if isinstance(value, dict) else (0, (1 << bits) - 1)


def ranged(low: int, high: int, bits: int) -> Value:
    """A range, or nothing known where it is all that `bits` bits hold."""
    if low == high:
        return {low: 0}
    return None if low <= 0 and high >= (1 << bits) - 1 else (low, high)


def join(a: Value, b: Value) -> Value:
    """What is known when either may be the case."""
    if isinstance(a, dict) and isinstance(b, dict):
        both = {**a, **{number: at or a.get(number, 0) for number, at in b.items()}}
        if len(both) <= MOST:
            return both
    if isinstance(a, (dict, tuple)) and isinstance(b, (dict, tuple)):
        (low, high), (other_low, other_high) = bounds(a, 64), bounds(b, 64)
        return min(low, other_low), max(high, other_high)
    return a if a == b else None


def holds(wide: Value, narrow: Value) -> bool:
    """Whether everything that `narrow` may be is in what `wide` may be."""
    if wide is None:
        return True
    if isinstance(wide, dict):
        return isinstance(narrow, dict) and narrow.keys() <= wide.keys()
    if isinstance(wide, tuple) and isinstance(narrow, (dict, tuple)):
        low, high = bounds(narrow, 64)
        return wide[0] <= low and high <= wide[1]
    return wide == narrow


def widened(old: Value, new: Value, limits: list[int], bits: int) -> Value:
    """More than `new`, chosen so that a value that grows turn by turn stops growing: each bound that moved since `old` goes on
    to the next of `limits`, which are sorted, or to the end."""
    if not isinstance(old, (dict, tuple)) or not isinstance(new, (dict, tuple)):
        return None
    (old_low, old_high), (low, high) = bounds(old, bits), bounds(new, bits)
    if low < old_low:
        low = max((limit for limit in limits if limit <= low), default=0)
    if high > old_high:
        high = min((limit for limit in limits if limit >= high), default=(1 << bits) - 1)
    return ranged(low, high, bits)


def passed(value: Value, at: int) -> Value:
    """The value as an argument of the call at offset `at`: a constant written there is remembered to come from there."""
    return {number: origin or at for number, origin in value.items()} if isinstance(value, dict) else value


def join_states(a: list[Value] | None, b: list[Value]) -> list[Value]:
    """Two states of the same locals, element by element; always a new list."""
    if a is None:
        return b.copy()
    return [x if x is y else join(x, y) for x, y in zip(a, b, strict=True)]
