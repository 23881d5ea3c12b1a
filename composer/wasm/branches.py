"""What a branch leaves of the values that it looked at: of a local that was compared, of the selector of a br_table.

Gets values of values.py and tests of guards.py; gives what is left of them where the branch went one way.
"""

from __future__ import annotations

from composer.wasm.arithmetic import binary, narrowed
from composer.wasm.guards import ANSWER, LOCAL, Operand, Test
from composer.wasm.values import MOST, Answer, Value, bounds, constant, ranged

_FIRST_OF_64 = 0x50
"""Comparisons from this opcode on are of 64 bits."""
_ADD = {32: 0x6A, 64: 0x7C}


def tested(state: list[Value], test: Test) -> tuple[bool, Value]:
    """(whether the test can have come out so, what its local is known to be then)."""
    bits, value, shift = 32 if test.code < _FIRST_OF_64 else 64, state[test.left.number], test.left.shift
    limit = _operand(state, test.right, bits)
    if not shift:
        return narrowed(value, test.code, limit, test.true)
    if isinstance(value, dict):
        left = {number: at for number, at in value.items() if narrowed({number + shift & (1 << bits) - 1: 0}, test.code, limit, test.true)[0]}
        return bool(left), left
    lives, shifted = narrowed(_shifted(value, shift, bits), test.code, limit, test.true)
    if not lives or not isinstance(shifted, (dict, tuple)):
        return lives, value
    (least, most), mask = bounds(shifted, bits), (1 << bits) - 1
    low, high = least - shift & mask, most - shift & mask
    if low > high:
        return True, value
    before_low, before_high = bounds(value, bits)
    low, high = max(low, before_low), min(high, before_high)
    return low <= high, ranged(low, high, bits) if low <= high else None


def _operand(state: list[Value], operand: Operand, bits: int) -> Value:
    if operand.kind == LOCAL:
        return _shifted(state[operand.number], operand.shift, bits) if operand.shift else state[operand.number]
    return Answer(operand.number) if operand.kind == ANSWER else constant(operand.number)


def _shifted(value: Value, shift: int, bits: int) -> Value:
    return binary(_ADD[bits], value, constant(shift & (1 << bits) - 1))


def selected(selector: Value, targets: list[int], depth: int) -> Value:
    """What a selector can be where a br_table goes to `depth`; the last target is for all numbers past the others. {} for nothing."""
    last = len(targets) - 1
    if isinstance(selector, dict):
        return {number: at for number, at in selector.items() if targets[min(number, last)] == depth}
    low, high = bounds(selector, 32)
    found = [number for number in range(low, min(high, last - 1) + 1) if targets[number] == depth]
    if targets[last] == depth and high >= last:
        return ranged(min(found, default=max(low, last)), high, 32)
    if len(found) > MOST:
        return found[0], found[-1]
    return {number: 0 for number in found}
