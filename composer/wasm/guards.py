"""What a branch learns from its condition: comparisons of locals that stand right before it.

Gets a function's instructions and the place of a branch; gives the tests whose outcome the branch knows. Only instructions right
before the branch are looked at, so that nothing can have changed a local in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from composer.wasm import opcodes as op
from composer.wasm.arithmetic import COMPARISONS, MIRRORED
from composer.wasm.code import Instruction

MASKS = {op.I32_CONST: (1 << 32) - 1, op.I64_CONST: (1 << 64) - 1}
_EQZ = {0x45: 0x46, 0x50: 0x51}
"""`eqz` and the `eq` of the same width, with zero."""
_NE32 = 0x47
_AND, _OR = 0x71, 0x72
_ADD = {0x6A: 1, 0x6B: -1, 0x7C: 1, 0x7D: -1}
"""Additions and subtractions, by the sign of their second operand."""

NUMBER, LOCAL, ANSWER = range(3)
DEEPEST = 8
"""Conditions inside of conditions that are looked into."""


class Operand(NamedTuple):
    """One side of a comparison: a number, a local plus `shift`, or what an imported function answers (its index)."""

    kind: int
    number: int
    shift: int = 0


class Test(NamedTuple):
    """`left code right` was found to be true where `true` says so, else false; `left` is a local."""

    left: Operand
    code: int
    right: Operand
    true: bool = True


class Guard(NamedTuple):
    """`taken` are the tests whose outcome is known where the condition was not zero, `left` where it was."""

    taken: tuple[Test, ...] = ()
    left: tuple[Test, ...] = ()

    @property
    def negated(self) -> Guard:
        return Guard(self.left, self.taken)


Found = tuple[Guard, "int | None"]
"""A condition and the place of its first instruction, where that is known."""


def guard(code: list[Instruction], place: int, answers: Callable[[int], bool]) -> Guard:
    """What the branch at `place` learns. `answers` tells of a function's index whether it is an import that takes nothing."""
    found = _condition(code, place - 1, answers, DEEPEST)
    return found[0] if found else Guard()


def condition_start(code: list[Instruction], place: int, answers: Callable[[int], bool]) -> int | None:
    """Where the condition of the branch at `place` starts, if it is one that is understood."""
    found = _condition(code, place - 1, answers, DEEPEST)
    return found[1] if found else None


def _condition(code: list[Instruction], end: int, answers: Callable[[int], bool], depth: int) -> Found | None:
    """The condition whose last instruction is at `end`."""
    if end < 0 or not depth:
        return None
    opcode = code[end][1]
    if opcode in (_AND, _OR):
        return _both(code, end, answers, depth)
    if opcode in _EQZ:
        inner = _condition(code, end - 1, answers, depth - 1) if _is_condition(code, end - 1) else None
        return (inner[0].negated, inner[1]) if inner else _with_zero(code, end - 1, _EQZ[opcode], answers)
    if opcode in COMPARISONS:
        return _comparison(code, end, answers)
    return _with_zero(code, end, _NE32, answers) if opcode in (op.LOCAL_GET, op.LOCAL_TEE) else None


def _is_condition(code: list[Instruction], end: int) -> bool:
    return end >= 0 and (code[end][1] in COMPARISONS or code[end][1] in _EQZ or code[end][1] in (_AND, _OR))


def _both(code: list[Instruction], end: int, answers: Callable[[int], bool], depth: int) -> Found | None:
    """`and`: where it is not zero, both of its conditions hold; `or`: where it is zero, neither does. Of numbers that are no
    conditions, `and` says nothing."""
    if not _is_condition(code, end - 1):
        return None
    right = _condition(code, end - 1, answers, depth - 1)
    if right is None or right[1] is None or not _is_condition(code, right[1] - 1):
        return None
    left = _condition(code, right[1] - 1, answers, depth - 1)
    if left is None or any(step[1] == op.LOCAL_TEE for step in code[right[1] : end]):
        return None
    if code[end][1] == _AND:
        return Guard(left[0].taken + right[0].taken), left[1]
    return Guard((), left[0].left + right[0].left), left[1]


def _with_zero(code: list[Instruction], end: int, test: int, answers: Callable[[int], bool]) -> Found | None:
    found = _operand(code, end, answers)
    return _learned([(found[0], test, Operand(NUMBER, 0))], found[1]) if found else None


def _comparison(code: list[Instruction], end: int, answers: Callable[[int], bool]) -> Found | None:
    right = _operand(code, end - 1, answers)
    if right is None or right[1] is None:
        return None
    left = _operand(code, right[1] - 1, answers)
    if left is None or any(step[1] == op.LOCAL_TEE and step[2] == left[0].number for step in code[right[1] : end]):
        return None
    test = code[end][1]
    return _learned([(left[0], test, right[0]), (right[0], MIRRORED[test], left[0])], left[1])


def _learned(sides: list[tuple[Operand, int, Operand]], start: int | None) -> Found:
    tests = tuple(Test(left, test, right) for left, test, right in sides if left.kind == LOCAL)
    return Guard(tests, tuple(test._replace(true=False) for test in tests)), start


def _operand(code: list[Instruction], end: int, answers: Callable[[int], bool]) -> tuple[Operand, int | None] | None:
    """The operand whose last instruction is at `end`, and the place of its first one, where that is known."""
    if end < 0:
        return None
    _, opcode, immediate = code[end]
    if opcode in MASKS:
        return Operand(NUMBER, immediate & MASKS[opcode]), end
    if opcode in (op.LOCAL_GET, op.LOCAL_TEE):
        return Operand(LOCAL, immediate), _start_of_local(code, end, answers)
    if opcode == op.CALL and answers(immediate):
        return Operand(ANSWER, immediate), end
    if opcode in _ADD and end >= 2 and code[end - 1][1] in MASKS and code[end - 2][1] in (op.LOCAL_GET, op.LOCAL_TEE):
        return Operand(LOCAL, code[end - 2][2], _ADD[opcode] * code[end - 1][2]), _start_of_local(code, end - 2, answers)
    return None


def _start_of_local(code: list[Instruction], place: int, answers: Callable[[int], bool]) -> int | None:
    """Where the operand starts that ends with reading a local, or with setting some to what stands before."""
    for before in range(place, max(place - DEEPEST, -1), -1):
        if code[before][1] == op.LOCAL_GET:
            return before
        if code[before][1] != op.LOCAL_TEE:
            found = _operand(code, before, answers)
            return found[1] if found else None
    return None
