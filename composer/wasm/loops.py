"""The loops of a function: what each assigns, and the numbers that its comparisons name.

Gets a function's instructions; gives for each loop, by its place, what interpret.py needs to know before it enters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from composer.wasm import opcodes as op
from composer.wasm.arithmetic import COMPARISONS
from composer.wasm.code import Instruction
from composer.wasm.guards import MASKS

MOST_LIMITS = 12
"""Numbers by which a growing value is stopped; of more, the smallest."""


@dataclass(slots=True)
class Loop:
    """`place` is that of its instruction, `end` that of its `end`; `inner` are the loops in it. `limits` are numbers
    that its code compares with, and their neighbours, sorted."""

    place: int
    end: int = 0
    assigned: set[int] = field(default_factory=set)
    inner: int = 0
    limits: list[int] = field(default_factory=list)


def find_loops(code: list[Instruction], spend: Callable[[int], None]) -> dict[int, Loop]:
    """Each loop by its place. Work is that of the code, and for each loop what the loops in it assign."""
    loops: dict[int, Loop] = {}
    blocks: list[Loop | None] = []
    inside: list[Loop] = []
    for place, (_, opcode, immediate) in enumerate(code):
        if opcode in (op.LOCAL_SET, op.LOCAL_TEE) and inside:
            inside[-1].assigned.add(immediate)
        elif opcode in COMPARISONS and inside and place and code[place - 1][1] in MASKS:
            number = code[place - 1][2] & MASKS[code[place - 1][1]]
            inside[-1].limits += (max(number - 1, 0), number, number + 1)
        elif opcode in (op.BLOCK_OP, op.IF):
            blocks.append(None)
        elif opcode == op.LOOP:
            loops[place] = Loop(place)
            blocks.append(loops[place])
            inside.append(loops[place])
        elif opcode == op.END and blocks and (ended := blocks.pop()):
            inside.pop()
            _end(ended, place, inside, spend)
    return loops


def _end(loop: Loop, place: int, around: list[Loop], spend: Callable[[int], None]) -> None:
    loop.end = place
    loop.limits = sorted(set(loop.limits))[:MOST_LIMITS]
    spend(len(loop.assigned))
    if around:
        around[-1].assigned |= loop.assigned
        around[-1].inner += 1 + loop.inner
        around[-1].limits += loop.limits
