"""Which numbers reach the direct calls of one function, found without running it.

Gets a Module, a function and what is known of its parameters; gives the operands of each direct call, and what the function
returns. One walk over the code in its order: states meet at the ends of blocks, a loop is walked again until its start knows all
that its turns bring back, and a comparison narrows the local it looked at. Nothing is claimed of memory or of mutable globals.
The code is taken to be valid, which validate.py lets wasmtime prove; where it is not, the walk ends in a WasmError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from composer.wasm import opcodes as op
from composer.wasm.arithmetic import BINARY, UNARY, binary, unary
from composer.wasm.branches import selected, tested
from composer.wasm.code import instructions
from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.guards import MASKS, Test, condition_start, guard
from composer.wasm.loops import MOST_LIMITS, Loop, find_loops
from composer.wasm.module import Module
from composer.wasm.scan import read_locals
from composer.wasm.types import FuncType
from composer.wasm.values import MOST, Answer, Value, bounds, constant, holds, join, join_states, ranged, widened

TURNS, FEW_TURNS, SHORT = MOST + 2, 3, 400
"""Turns of a loop that are followed step by step: of a short one without loops in it, and of another."""


class TooComplex(Exception):
    """The walk would cost more than its budget; nothing is claimed of the function."""


@dataclass(slots=True)
class Budget:
    """Steps that are left for a module: keeps total work linear in its size, whatever its code looks like."""

    left: int

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooComplex


@dataclass(slots=True)
class CallSite:
    offset: int
    callee: int
    operands: list[Value]


@dataclass(frozen=True, slots=True)
class Walked:
    """The direct calls that can be reached, in the order of the code, and what is returned; None where nothing ever is."""

    sites: list[CallSite]
    results: list[Value] | None


Answers = Callable[[int, list[Value]], "list[Value] | None"]
"""What a defined function returns for these arguments; None where it never does."""


@dataclass(slots=True)
class _Frame:
    """An open block: its stack height without parameters, and the states that arrive at its end, of a loop at its start, so far."""

    code: int
    height: int
    params: int
    results: int
    exit: list[Value] | None = None
    values: list[Value] | None = None
    otherwise: list[Value] | None = None
    otherwise_values: list[Value] = field(default_factory=list)
    loop: Loop | None = None
    entry: list[Value] = field(default_factory=list)
    turns: int = 0


def walk(module: Module, function: int, params: list[Value], budget: Budget, answers: Answers | None) -> Walked:
    """Walk one function. Without `answers`, loops are walked once, with all that they assign unknown: cheaper, and less is found.

    Raises TooComplex, and WasmError on invalid code.
    """
    made = _Walk(module, function, params, budget, answers)
    try:
        made.run()
    except (IndexError, TypeError, ValueError) as fault:
        raise WasmError("the code does not fit its types", made.at) from fault
    return Walked([made.sites[offset] for offset in sorted(made.sites)], made.results)


class _Walk:
    def __init__(self, module: Module, function: int, params: list[Value], budget: Budget, answers: Answers | None) -> None:
        start, end = module.bodies[function - module.imported_functions]
        cursor = Cursor(module.data, start, end, "a function's code")
        kinds = [*module.type_of(function).params, *_kinds_of_locals(cursor, budget)]
        zeros = [constant(0) if kind in ("i32", "i64") else None for kind in kinds[len(params) :]]
        self.module, self.budget, self.answers = module, budget, answers
        self.bits = [64 if kind == "i64" else 32 for kind in kinds]
        self.locals: list[Value] = params + zeros
        budget.spend((end - start) * 2)
        self.code = list(instructions(cursor))
        self.loops = find_loops(self.code, budget.spend)
        self.stack: list[Value] = []
        self.frames = [_Frame(op.BLOCK_OP, 0, 0, len(module.type_of(function).results))]
        self.sites: dict[int, CallSite] = {}
        self.results: list[Value] | None = None
        self.live, self.skipped, self.at, self.next = True, 0, start, 0

    def run(self) -> None:
        while self.next < len(self.code):
            place = self.next
            self.at, code, immediate = self.code[place]
            self.next += 1
            if not self.live:
                self._skip(code)
            elif code in _STEPS:
                _STEPS[code](self, place, code, immediate)
            elif code in BINARY:
                right = self.stack.pop()
                self.stack[-1] = binary(code, self.stack[-1], right)
            elif code in UNARY:
                self.stack[-1] = unary(code, self.stack[-1])
            else:
                effect = op.EFFECTS[code]
                self._replace(effect.pops, [None] * effect.pushes)

    def _skip(self, code: int) -> None:
        """Code that no path reaches: only its blocks are counted."""
        if code in (op.BLOCK_OP, op.LOOP, op.IF):
            self.skipped += 1
        elif self.skipped:
            self.skipped -= code == op.END
        elif code == op.END:
            self._end()
        elif code == op.ELSE:
            self._else()

    def _replace(self, pops: int, results: list[Value]) -> None:
        """Take operands away and leave results."""
        if pops:
            if pops > len(self.stack):
                raise IndexError
            del self.stack[-pops:]
        self.stack.extend(results)

    # Blocks

    def _block_type(self, immediate: int | str | None) -> FuncType:
        if isinstance(immediate, int):
            return self.module.types[immediate]
        return FuncType((), () if immediate is None else (immediate,))

    def open_block(self, place: int, code: int, immediate: int | str | None) -> None:
        params, results = self._block_type(immediate)
        frame = _Frame(code, len(self.stack) - len(params), len(params), len(results))
        if frame.height < 0:
            raise IndexError
        self.frames.append(frame)
        if code == op.LOOP:
            frame.loop = self.loops[place]
            if self.answers is None:
                for local in frame.loop.assigned:
                    self.locals[local] = None
            else:
                self.budget.spend(len(self.locals))
                frame.entry = self.locals.copy()
            self._start_turn(frame)

    def _start_turn(self, frame: _Frame) -> None:
        """What an earlier turn left as parameters may be anything."""
        self.stack[frame.height:] = [None] * frame.params

    def _turn_again(self, frame: _Frame) -> bool:
        """Whether the turns of a loop bring back what its start does not know yet; if so, the walk goes back there."""
        loop, back = frame.loop, frame.exit
        if loop is None or back is None:
            return False
        self.budget.spend(len(loop.assigned))
        grown = [local for local in loop.assigned if not holds(frame.entry[local], join(frame.entry[local], back[local]))]
        if not grown:
            return False
        self.budget.spend(loop.end - loop.place + len(self.locals) + len(self.sites))
        for local in grown:
            frame.entry[local] = self._grown(frame, loop, local, join(frame.entry[local], back[local]))
        start = self.code[loop.place][0]
        self.sites = {offset: site for offset, site in self.sites.items() if offset < start}
        self.locals, frame.exit, frame.turns = frame.entry.copy(), None, frame.turns + 1
        self.frames.append(frame)
        self._start_turn(frame)
        self.live, self.next = True, loop.place + 1
        return True

    def _grown(self, frame: _Frame, loop: Loop, local: int, value: Value) -> Value:
        """What the start of a loop knows of a local that changes: step by step first, then by the limits that the loop names. It is a
        range and no set, as not every number that turns could bring is one that they do bring."""
        if isinstance(value, dict):
            value = ranged(*bounds(value, self.bits[local]), self.bits[local])
        simple = not loop.inner and loop.end - loop.place < SHORT
        patience = TURNS if simple else FEW_TURNS
        if frame.turns < patience:
            return value
        return widened(frame.entry[local], value, loop.limits, self.bits[local]) if frame.turns < patience + MOST_LIMITS else None

    def open_if(self, place: int, code: int, immediate: int | str | None) -> None:
        condition = self.stack.pop()
        taken, left = self._split(place, condition)
        self.open_block(place, code, immediate)
        frame = self.frames[-1]
        frame.otherwise, frame.otherwise_values = left, self.stack[frame.height:]
        self.live = taken is not None
        self.locals = self.locals if taken is None else taken

    def _else(self) -> None:
        frame = self.frames[-1]
        if frame.code != op.IF:
            raise WasmError("an `else` without its `if`", self.at)
        self._arrive(frame)
        frame.code = op.ELSE
        self._resume(frame.height, frame.otherwise, frame.otherwise_values)
        frame.otherwise = None

    def else_(self, place: int, code: int, immediate: None) -> None:
        self._else()

    def end(self, place: int, code: int, immediate: None) -> None:
        self._end()

    def _end(self) -> None:
        frame = self.frames.pop()
        if frame.code == op.LOOP:
            self._turn_again(frame)
            return
        self._arrive(frame)
        if frame.code == op.IF and frame.otherwise is not None:
            self._resume(frame.height, frame.otherwise, frame.otherwise_values)
            self._arrive(frame)
        self._resume(frame.height, frame.exit, frame.values or [])
        if not self.frames:
            self.results = frame.values if frame.exit is not None else None

    def _arrive(self, frame: _Frame) -> None:
        """Bring the current state, if there is one, to the end of a block, or to the start of a loop."""
        if not self.live or (frame.code == op.LOOP and self.answers is None):
            return
        self.budget.spend(len(self.locals) + frame.results)
        if frame.code != op.LOOP:
            values = self.stack[len(self.stack) - frame.results:] if frame.results else []
            frame.values = join_states(frame.values, values)
        frame.exit = join_states(frame.exit, self.locals)

    def _resume(self, height: int, state: list[Value] | None, values: list[Value]) -> None:
        self.live = state is not None
        if state is not None:
            self.locals = state
            self.stack[height:] = values

    # Branches

    def _target(self, depth: int) -> _Frame:
        if depth >= len(self.frames):
            raise IndexError
        return self.frames[-1 - depth]

    def branch(self, place: int, code: int, depth: int) -> None:
        self._arrive(self._target(depth))
        self.live = False

    def branch_if(self, place: int, code: int, depth: int) -> None:
        taken, left = self._split(place, self.stack.pop())
        self._arrive_as(self._target(depth), taken)
        self.live = left is not None
        self.locals = self.locals if left is None else left

    def _arrive_as(self, frame: _Frame, state: list[Value] | None) -> None:
        if state is not None:
            self.locals, before = state, self.locals
            self._arrive(frame)
            self.locals = before

    def branch_table(self, place: int, code: int, targets: list[int]) -> None:
        selector, known = self.stack.pop(), self.code[place - 1]
        self.budget.spend(len(targets))
        for depth in set(targets):
            value = selected(selector, targets, depth)
            if value != {}:
                state = self.locals
                if known[1] in (op.LOCAL_GET, op.LOCAL_TEE):
                    self.budget.spend(len(state))
                    state = state.copy()
                    state[known[2]] = value
                self._arrive_as(self._target(depth), state)
        self.live = False

    def leave(self, place: int, code: int, immediate: object) -> None:
        if code == op.RETURN:
            self._arrive(self.frames[0])
        self.live = False

    def _split(self, place: int, condition: Value) -> tuple[list[Value] | None, list[Value] | None]:
        """The locals where the condition of the branch at `place` is not zero, and where it is; None where that cannot be."""
        least, most = bounds(condition, 32)
        zero = 0 in condition if isinstance(condition, dict) else least == 0
        found = guard(self.code, place, self._answers)
        return self._assume(found.taken) if most else None, self._assume(found.left) if zero else None

    def _assume(self, tests: tuple[Test, ...]) -> list[Value] | None:
        """The locals once all tests are known to have come out so; None where they cannot have."""
        self.budget.spend(len(self.locals))
        state = self.locals.copy()
        for test in tests:
            lives, state[test.left.number] = tested(state, test)
            if not lives:
                return None
        return state

    def _answers(self, callee: int) -> bool:
        """Whether a function is an import that takes nothing and answers one number of 32 bits."""
        return callee < self.module.imported_functions and self.module.type_of(callee) == ((), ("i32",))

    # Calls and values

    def call(self, place: int, code: int, callee: int) -> None:
        params, results = self.module.type_of(callee)
        height = len(self.stack) - len(params)
        if height < 0:
            raise IndexError
        operands = self.stack[height:]
        self.sites[self.at] = CallSite(self.at, callee, operands)
        answer: list[Value] | None = [None] * len(results)
        if self._answers(callee):
            answer = [Answer(callee)]
        elif callee >= self.module.imported_functions and self.answers is not None:
            answer = self.answers(callee, operands)
        self._replace(len(params), answer or [])
        self.live = answer is not None
        if code == op.RETURN_CALL:
            self._arrive(self.frames[0])
            self.live = False

    def call_indirect(self, place: int, code: int, immediate: tuple[int, int]) -> None:
        params, results = self.module.types[immediate[0]]
        self._replace(len(params) + 1, [None] * len(results))
        if code == op.RETURN_CALL_INDIRECT:
            self._arrive(self.frames[0])
            self.live = False

    def local_get(self, place: int, code: int, local: int) -> None:
        self.stack.append(self.locals[local])

    def local_set(self, place: int, code: int, local: int) -> None:
        self.locals[local] = self.stack.pop()

    def local_tee(self, place: int, code: int, local: int) -> None:
        self.locals[local] = self.stack[-1]

    def global_get(self, place: int, code: int, index: int) -> None:
        value = self.module.globals[index].value
        self.stack.append(None if value is None else constant(value))

    def number(self, place: int, code: int, number: int) -> None:
        self.stack.append({number & MASKS[code]: 0})

    def select(self, place: int, code: int, immediate: object) -> None:
        """One of two values; where both are written right before a comparison of one of them, what that says of it is known."""
        condition, second, first = self.stack.pop(), self.stack.pop(), self.stack.pop()
        taken, left = self._split(place, condition)
        start = condition_start(self.code, place, self._answers)
        if start is not None and start >= 2 and all(step[1] != op.LOCAL_TEE for step in self.code[start - 1 : place]):
            first = self._seen(start - 2, first, taken) if self.code[start - 1][1] in _ATOMS else first
            second = self._seen(start - 1, second, left)
        values = [value for value, state in ((first, taken), (second, left)) if state is not None]
        self.stack.append(join(values[0], values[-1]) if values else None)
        self.live = bool(values)

    def _seen(self, place: int, value: Value, state: list[Value] | None) -> Value:
        """The value that the instruction at `place` left, in a state in which more is known of the local that it read."""
        _, code, local = self.code[place]
        return state[local] if code == op.LOCAL_GET and state is not None else value


_ATOMS = (op.LOCAL_GET, op.GLOBAL_GET, op.I32_CONST, op.I64_CONST)
"""Instructions that leave one value and take none."""

_STEPS = {
    op.BLOCK_OP: _Walk.open_block, op.LOOP: _Walk.open_block, op.IF: _Walk.open_if, op.ELSE: _Walk.else_, op.END: _Walk.end,
    op.BR: _Walk.branch, op.BR_IF: _Walk.branch_if, op.BR_TABLE: _Walk.branch_table, op.RETURN: _Walk.leave,
    op.UNREACHABLE: _Walk.leave, op.CALL: _Walk.call, op.RETURN_CALL: _Walk.call, op.CALL_INDIRECT: _Walk.call_indirect,
    op.RETURN_CALL_INDIRECT: _Walk.call_indirect, op.LOCAL_GET: _Walk.local_get, op.LOCAL_SET: _Walk.local_set,
    op.LOCAL_TEE: _Walk.local_tee, op.GLOBAL_GET: _Walk.global_get, op.I32_CONST: _Walk.number, op.I64_CONST: _Walk.number,
    op.SELECT: _Walk.select, op.SELECT_T: _Walk.select,
}


def _kinds_of_locals(cursor: Cursor, budget: Budget) -> list[str]:
    """The types of the locals that a function declares; they start as zero."""
    found: list[str] = []
    for count, kind in read_locals(cursor):
        budget.spend(count)
        found += [kind] * count
    return found
