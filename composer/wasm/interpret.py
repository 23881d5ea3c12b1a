"""Which numbers reach the direct calls of one function, found without running it.

Gets a Module, a function and what is known of its parameters; gives the operands of each direct call. One walk over the
code in its order: states meet at the ends of blocks, what a loop assigns is unknown from its start, a comparison with a
constant narrows the local it looked at. Nothing is claimed of memory, of mutable globals or of what calls return.
The code is taken to be valid, which validate.py lets wasmtime prove; where it is not, the walk ends in a WasmError.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from composer.wasm import opcodes as op
from composer.wasm.arithmetic import BINARY, COMPARISONS, UNARY, binary, narrowed, unary
from composer.wasm.code import Instruction, instructions
from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.module import Module
from composer.wasm.scan import read_locals
from composer.wasm.types import FuncType
from composer.wasm.values import Value, constant, join, join_states

_MASKS = {op.I32_CONST: (1 << 32) - 1, op.I64_CONST: (1 << 64) - 1}


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


@dataclass(slots=True)
class _Frame:
    """An open block: its stack height without parameters, and the states that arrive at its end so far."""

    code: int
    height: int
    params: int
    results: int
    exit: list[Value] | None = None
    values: list[Value] | None = None
    otherwise: list[Value] | None = None
    otherwise_values: list[Value] = field(default_factory=list)


def call_sites(module: Module, function: int, params: list[Value], budget: Budget) -> list[CallSite]:
    """The direct calls that can be reached, in the order of the code. Raises TooComplex, and WasmError on invalid code."""
    walk = _Walk(module, function, params, budget)
    try:
        walk.run()
    except (IndexError, TypeError, ValueError) as fault:
        raise WasmError("the code does not fit its types", walk.at) from fault
    return walk.sites


class _Walk:
    def __init__(self, module: Module, function: int, params: list[Value], budget: Budget) -> None:
        start, end = module.bodies[function - module.imported_functions]
        cursor = Cursor(module.data, start, end, "a function's code")
        self.module, self.budget = module, budget
        self.locals = params + _zeros(cursor, budget)
        budget.spend((end - start) * 2)
        self.code = list(instructions(cursor))
        self.loops = _assigned_in_loops(self.code, budget)
        self.stack: list[Value] = []
        self.frames = [_Frame(op.BLOCK_OP, 0, 0, len(module.type_of(function).results))]
        self.sites: list[CallSite] = []
        self.live, self.skipped, self.at = True, 0, start

    def run(self) -> None:
        for place, (at, code, immediate) in enumerate(self.code):
            self.at = at
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
                self._replace(effect.pops, effect.pushes)

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

    def _replace(self, pops: int, pushes: int) -> None:
        """Take operands away and leave results of which nothing is known."""
        if pops:
            if pops > len(self.stack):
                raise IndexError
            del self.stack[-pops:]
        self.stack.extend([None] * pushes)

    def _block_type(self, immediate: int | str | None) -> FuncType:
        if isinstance(immediate, int):
            return self.module.types[immediate]
        return FuncType((), () if immediate is None else (immediate,))

    def open_block(self, place: int, code: int, immediate: int | str | None) -> None:
        params, results = self._block_type(immediate)
        frame = _Frame(code, len(self.stack) - len(params), len(params), len(results))
        if frame.height < 0:
            raise IndexError
        if code == op.LOOP:
            self._enter_loop(place, frame)
        self.frames.append(frame)

    def _enter_loop(self, place: int, frame: _Frame) -> None:
        """A turn may start with anything that an earlier turn left in the locals and the parameters."""
        for local in self.loops[place]:
            self.locals[local] = None
        self.stack[frame.height:] = [None] * frame.params

    def open_if(self, place: int, code: int, immediate: int | str | None) -> None:
        self.stack.pop()
        self.open_block(place, code, immediate)
        frame = self.frames[-1]
        self.budget.spend(len(self.locals))
        frame.otherwise = self.locals.copy()
        frame.otherwise_values = self.stack[frame.height:]
        self._narrow(place, frame)

    def _narrow(self, place: int, frame: _Frame) -> None:
        """Let each branch of an `if` know what its condition says of a local."""
        guard = _guard(self.code, place)
        if guard is None:
            return
        local, code, limit = guard
        then_lives, then = narrowed(self.locals[local], code, limit, True)
        else_lives, frame.otherwise[local] = narrowed(self.locals[local], code, limit, False)
        self.locals[local] = then
        self.live = then_lives
        if not else_lives:
            frame.otherwise = None

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
            return
        self._arrive(frame)
        if frame.code == op.IF and frame.otherwise is not None:
            self._resume(frame.height, frame.otherwise, frame.otherwise_values)
            self._arrive(frame)
        self._resume(frame.height, frame.exit, frame.values or [])

    def _arrive(self, frame: _Frame) -> None:
        """Bring the current state, if there is one, to the end of a block."""
        if not self.live or frame.code == op.LOOP:
            return
        self.budget.spend(len(self.locals) + frame.results)
        values = self.stack[len(self.stack) - frame.results:] if frame.results else []
        frame.values = join_states(frame.values, values)
        frame.exit = join_states(frame.exit, self.locals)

    def _resume(self, height: int, state: list[Value] | None, values: list[Value]) -> None:
        self.live = state is not None
        if state is not None:
            self.locals = state
            self.stack[height:] = values

    def _target(self, depth: int) -> _Frame:
        if depth >= len(self.frames):
            raise IndexError
        return self.frames[-1 - depth]

    def branch(self, place: int, code: int, depth: int) -> None:
        self._arrive(self._target(depth))
        self.live = False

    def branch_if(self, place: int, code: int, depth: int) -> None:
        self.stack.pop()
        guard, frame = _guard(self.code, place), self._target(depth)
        if guard is None:
            self._arrive(frame)
            return
        local, test, limit = guard
        before = self.locals[local]
        self.live, self.locals[local] = narrowed(before, test, limit, True)
        self._arrive(frame)
        self.live, self.locals[local] = narrowed(before, test, limit, False)

    def branch_table(self, place: int, code: int, targets: list[int]) -> None:
        self.stack.pop()
        for depth in set(targets):
            self._arrive(self._target(depth))
        self.live = False

    def leave(self, place: int, code: int, immediate: object) -> None:
        self.live = False

    def call(self, place: int, code: int, callee: int) -> None:
        params, results = self.module.type_of(callee)
        height = len(self.stack) - len(params)
        if height < 0:
            raise IndexError
        self.sites.append(CallSite(self.at, callee, self.stack[height:]))
        self._replace(len(params), len(results))
        self.live = code == op.CALL

    def call_indirect(self, place: int, code: int, immediate: tuple[int, int]) -> None:
        params, results = self.module.types[immediate[0]]
        self._replace(len(params) + 1, len(results))
        self.live = code == op.CALL_INDIRECT

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
        self.stack.append({number & _MASKS[code]: 0})

    def select(self, place: int, code: int, immediate: object) -> None:
        self.stack.pop()
        second = self.stack.pop()
        self.stack[-1] = join(self.stack[-1], second)


_STEPS = {
    op.BLOCK_OP: _Walk.open_block, op.LOOP: _Walk.open_block, op.IF: _Walk.open_if, op.ELSE: _Walk.else_, op.END: _Walk.end,
    op.BR: _Walk.branch, op.BR_IF: _Walk.branch_if, op.BR_TABLE: _Walk.branch_table, op.RETURN: _Walk.leave,
    op.UNREACHABLE: _Walk.leave, op.CALL: _Walk.call, op.RETURN_CALL: _Walk.call, op.CALL_INDIRECT: _Walk.call_indirect,
    op.RETURN_CALL_INDIRECT: _Walk.call_indirect, op.LOCAL_GET: _Walk.local_get, op.LOCAL_SET: _Walk.local_set,
    op.LOCAL_TEE: _Walk.local_tee, op.GLOBAL_GET: _Walk.global_get, op.I32_CONST: _Walk.number, op.I64_CONST: _Walk.number,
    op.SELECT: _Walk.select, op.SELECT_T: _Walk.select,
}


def _zeros(cursor: Cursor, budget: Budget) -> list[Value]:
    """Locals start as zero."""
    found: list[Value] = []
    for count, kind in read_locals(cursor):
        budget.spend(count)
        found += [constant(0) if kind in ("i32", "i64") else None] * count
    return found


def _assigned_in_loops(code: list[Instruction], budget: Budget) -> dict[int, set[int]]:
    """For each loop, by its place in the code, the locals that some instruction in it assigns."""
    loops: dict[int, set[int]] = {}
    open_blocks: list[tuple[int, set[int]]] = []
    inside: list[set[int]] = []
    for place, (_, opcode, immediate) in enumerate(code):
        if opcode in (op.LOCAL_SET, op.LOCAL_TEE) and inside:
            inside[-1].add(immediate)
        elif opcode in (op.BLOCK_OP, op.IF):
            open_blocks.append((-1, set()))
        elif opcode == op.LOOP:
            loops[place] = set()
            open_blocks.append((place, loops[place]))
            inside.append(loops[place])
        elif opcode == op.END and open_blocks and open_blocks.pop()[0] >= 0:
            ended = inside.pop()
            budget.spend(len(ended))
            if inside:
                inside[-1] |= ended
    return loops


def _guard(code: list[Instruction], place: int) -> tuple[int, int, int] | None:
    """(local, comparison, limit) where the condition of the branch at `place` is a comparison of a local with a constant.

    Looks at the instructions right before it, so nothing can have changed the local in between.
    """
    inverted, before = False, place - 1
    while before >= 1 and code[before][1] == 0x45 and code[before - 1][1] in COMPARISONS:
        inverted, before = not inverted, before - 1
    test = code[before][1]
    if test in (0x45, 0x50) and before >= 1:
        local, limit, test = code[before - 1], 0, 0x46 if test == 0x45 else 0x51
    elif test in (op.LOCAL_GET, op.LOCAL_TEE):
        local, limit, test = code[before], 0, 0x47
    elif test in COMPARISONS and before >= 2 and code[before - 1][1] in _MASKS:
        local, limit = code[before - 2], code[before - 1][2] & _MASKS[code[before - 1][1]]
    else:
        return None
    if local[1] not in (op.LOCAL_GET, op.LOCAL_TEE):
        return None
    return local[2], _OPPOSITE.get(test, test) if inverted else test, limit


_OPPOSITE: dict[int, int] = {
    first + place: first + other for first in (0x46, 0x51) for place, other in enumerate((1, 0, 8, 9, 6, 7, 4, 5, 2, 3))
}
"""eq/ne, lt/ge, gt/le of the same sign: the comparison that holds when the other does not."""
