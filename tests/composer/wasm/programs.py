"""Random programs in WebAssembly text, and what they do when they run: the judge of what trace.py claims.

Each call of `write8` has a number of its own as its second operand, so that what ran can be held against what was claimed.
"""

from __future__ import annotations

from contextlib import suppress
from random import Random

import wasmtime

from composer.wasm.facts import AppFacts, Operand
from tests.composer.wasm.encode import PORTS, wat

FUEL = 3_000
LOCALS = 4
DEEPEST = 4
HELPERS = 2
ANSWER = 5
"""What the import `count` answers, whenever it is asked."""
COUNT = '(import "munal:stream-server/serial" "count" (func $count (result i32)))'
BINARY = ("add", "sub", "mul", "and", "or", "xor", "shl", "shr_u", "shr_s", "rotl", "rotr", "rem_u", "div_u", "rem_s", "div_s",
          "eq", "ne", "lt_u", "lt_s", "gt_u", "gt_s", "le_u", "le_s", "ge_u", "ge_s")
UNARY = ("i32.eqz", "i32.clz", "i32.popcnt", "i32.extend8_s", "i32.extend16_s")
NUMBERS = (0, 1, 2, 3, 5, 7, 8, 31, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, -0x80000000, -1, -2, -256)


class Program:
    """A program of three functions, $f0 the entry; later ones take parameters and only direct calls reach them."""

    def __init__(self, random: Random) -> None:
        self.random, self.calls = random, 0
        functions = "\n".join((*(self._function(index) for index in range(3)), *(self._helper(index) for index in range(HELPERS))))
        self.text = (f'(module {PORTS} {COUNT} (memory (export "memory") 1) (global $fixed i32 (i32.const 6)) '
                     f'(global $moving (mut i32) (i32.const 6))\n{functions}\n(export "_start" (func $f0)))')

    def _function(self, index: int) -> str:
        params = " (param i32)" * index
        kinds = " (local i32)" * (LOCALS - index)
        passed = f"(call $write8 (local.get 0) (i32.const {self._numbered()}))" if index else ""
        return f"(func $f{index}{params}{kinds} {passed} {self._block(0, 0)})"

    def _helper(self, index: int) -> str:
        """A small function of one number, without calls of imports with numbers: what it returns can be followed."""
        return f"(func $h{index} (param i32) (result i32) (local i32 i32 i32) {self._plain_block(index)} {self._value(3, index)})"

    def _plain_block(self, index: int) -> str:
        kind, local = self.random.random(), self._local()
        if kind < 0.3:
            return f"(if {self._condition(3, index)} (then (return {self._value(3, index)})))"
        if kind < 0.5:
            return f"(loop (local.set {local} {self._value(3, index)}) (br_if 0 {self._condition(3, index)}))"
        if kind < 0.6:
            return f"(if {self._condition(3, index)} (then (unreachable)))"
        return f"(local.set {local} {self._value(3, index)})"

    def _block(self, depth: int, labels: int) -> str:
        return " ".join(self._statement(depth, labels) for _ in range(self.random.randint(1, 4)))

    def _statement(self, depth: int, labels: int) -> str:
        plain = (self._set, self._write, self._write, self._call)
        nested = (self._if, self._loop, self._labelled)
        choices = plain + ((self._branch,) if labels else ()) + (nested if depth < DEEPEST else ())
        return self.random.choice(choices)(depth, labels)

    def _set(self, depth: int, labels: int) -> str:
        target = "global.set $moving" if self.random.random() < 0.1 else f"local.set {self._local()}"
        return f"({target} {self._value(depth)})"

    def _write(self, depth: int, labels: int) -> str:
        if self.random.random() < 0.1:
            local = self._local()
            return (f"(if (i32.lt_u (local.get {local}) (call $count)) (then "
                    f"(call $write8 (local.get {local}) (i32.const {self._numbered()}))))")
        value = f"(local.get {self._local()})" if self.random.random() < 0.4 else self._value(depth)
        return f"(call $write8 {value} (i32.const {self._numbered()}))"

    def _numbered(self) -> int:
        self.calls += 1
        return self.calls

    def _call(self, depth: int, labels: int) -> str:
        index = self.random.choice((1, 1, 2, 2, 0)) if self.random.random() < 0.8 else 1
        return f"(call $f{index} {' '.join(self._value(depth) for _ in range(index))})"

    def _if(self, depth: int, labels: int) -> str:
        otherwise = f"(else {self._block(depth + 1, labels + 1)})" if self.random.random() < 0.6 else ""
        return f"(if {self._condition(depth)} (then {self._block(depth + 1, labels + 1)}) {otherwise})"

    def _loop(self, depth: int, labels: int) -> str:
        if self.random.random() < 0.5:
            return self._counting(depth, labels)
        again = f"(br_if 0 {self._condition(depth)})" if self.random.random() < 0.8 else ""
        return f"(loop {self._block(depth + 1, labels + 1)} {again})"

    def _counting(self, depth: int, labels: int) -> str:
        """A loop as compilers make them: a local runs from a number to another."""
        local, step, end = self._local(), self.random.choice((1, 1, 1, 2, -1)), self.random.choice((3, 4, 8, 20, 50))
        start = self.random.choice((0, 0, 1, 3)) if step > 0 else end + self.random.choice((1, 5, 30))
        test = self.random.choice(("ne", "lt_u", "lt_s", "le_u") if step > 0 else ("ne", "gt_u", "gt_s", "ge_s"))
        turn = f"(local.set {local} (i32.add (local.get {local}) (i32.const {step}))) (br_if 0 (i32.{test} (local.get {local}) (i32.const {end})))"
        return f"(local.set {local} (i32.const {start})) (loop (call $write8 (local.get {local}) (i32.const {self._numbered()})) {self._block(depth + 1, labels + 1)} {turn})"

    def _labelled(self, depth: int, labels: int) -> str:
        return f"(block {self._block(depth + 1, labels + 1)})"

    def _branch(self, depth: int, labels: int) -> str:
        label = self.random.randrange(labels)
        kind = self.random.random()
        if kind < 0.5:
            return f"(br_if {label} {self._condition(depth)})"
        if kind < 0.8:
            return f"(br_table {label} {self.random.randrange(labels)} {self.random.randrange(labels)} {self._value(depth)})"
        return f"(br {label})" if kind < 0.95 else "(return)"

    def _condition(self, depth: int, helpers: int = 0) -> str:
        """Mostly what the walk can learn from: a local against a number, a local, an answer or zero; and several of those."""
        kind = self.random.random()
        if kind < 0.2:
            return self._value(depth, helpers)
        if kind < 0.35 and depth < 3 * DEEPEST:
            both = self._condition(depth + DEEPEST, helpers), self._condition(depth + DEEPEST, helpers)
            return f"(i32.{self.random.choice(('and', 'or'))} {both[0]} {both[1]})"
        return f"(i32.eqz {self._comparison()})" if kind < 0.5 else self._comparison()

    def _comparison(self) -> str:
        local, kind = f"(local.{self.random.choice(('get', 'get', 'get', 'tee'))} {self._local()}", self.random.random()
        local += f" {self._value(DEEPEST + 1)})" if "tee" in local else ")"
        if kind < 0.1:
            return local
        if kind < 0.2:
            return f"(i32.eqz {local})"
        if kind < 0.4:
            local = f"(i32.{self.random.choice(('add', 'sub'))} {local} (i32.const {self.random.choice(NUMBERS)}))"
        other = self.random.choice((f"(i32.const {self.random.choice(NUMBERS)})", f"(i32.const {self.random.choice(NUMBERS)})",
                                    f"(local.get {self._local()})", "(call $count)"))
        sides = (local, other) if self.random.random() < 0.7 else (other, local)
        return f"(i32.{self.random.choice(BINARY[15:])} {sides[0]} {sides[1]})"

    def _local(self) -> int:
        return self.random.randrange(LOCALS)

    def _value(self, depth: int, helpers: int = HELPERS) -> str:
        """An expression; it calls only the first `helpers` of the helpers, which therefore never call in a circle."""
        kind = self.random.random()
        if kind < 0.3 or depth > DEEPEST:
            return f"(i32.const {self.random.choice(NUMBERS)})"
        if kind < 0.55:
            return f"(local.get {self._local()})"
        if kind < 0.62:
            return f"(local.tee {self._local()} {self._value(depth + 1, helpers)})"
        if kind < 0.82:
            return f"(i32.{self.random.choice(BINARY)} {self._value(depth + 1, helpers)} {self._value(depth + 1, helpers)})"
        if kind < 0.87:
            return f"({self.random.choice(UNARY)} {self._value(depth + 1, helpers)})"
        if kind < 0.89 and helpers:
            return f"(call $h{self.random.randrange(helpers)} {self._value(depth + 1, helpers)})"
        if kind < 0.92:
            local, number = f"(local.get {self._local()})", f"(i32.const {self.random.choice(NUMBERS)})"
            both = (local, number) if self.random.random() < 0.5 else (number, local)
            return f"(select {both[0]} {both[1]} (i32.{self.random.choice(BINARY[15:])} {local} {number}))"
        if kind < 0.94:
            return f"(select {self._value(depth + 1, helpers)} {self._value(depth + 1, helpers)} {self._value(depth + 1, helpers)})"
        return self.random.choice((
            "(call $read8 (i32.const 0))", "(call $count)", "(global.get $fixed)", "(global.get $moving)", "(i32.load8_u (i32.const 0))",
            f"(i32.wrap_i64 (i64.extend_i32_s {self._value(depth + 1, helpers)}))", f"(i32.wrap_i64 (i64.extend_i32_u {self._value(depth + 1, helpers)}))",
            f"(if (result i32) {self._value(depth + 1, helpers)} (then {self._value(depth + 1, helpers)}) (else {self._value(depth + 1, helpers)}))",
            f"(block (result i32) (br_if 0 {self._value(depth + 1, helpers)} {self._value(depth + 1, helpers)}))",
        ))

    @property
    def binary(self) -> bytes:
        return wat(self.text)


def run(binary: bytes, random: Random) -> list[tuple[int, int]]:
    """What the program wrote until it ended, trapped or had run long enough: (call's number, value), unsigned."""
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_opt_level = "none"
    store = wasmtime.Store(wasmtime.Engine(config))
    store.set_fuel(FUEL)
    written: list[tuple[int, int]] = []
    i32 = wasmtime.ValType.i32()
    read8 = wasmtime.Func(store, wasmtime.FuncType([i32], [i32]), lambda _: random.choice(NUMBERS))
    write8 = wasmtime.Func(store, wasmtime.FuncType([i32, i32], []), lambda value, call: written.append((call, value & 0xFFFFFFFF)))
    count = wasmtime.Func(store, wasmtime.FuncType([], [i32]), lambda: ANSWER)
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, binary), [read8, write8, count])
    with suppress(wasmtime.WasmtimeError, wasmtime.Trap):
        instance.exports(store)["_start"](store)
    return written


def claims(facts: AppFacts) -> dict[int, Operand]:
    """What is claimed of each numbered call."""
    found = {}
    for call in facts.calls:
        if call.name == "write8":
            (number,) = call.operands[1].values
            found[number.value] = call.operands[0]
    return found


def allows(operand: Operand, value: int) -> bool:
    if operand.values:
        return any(known.value == value for known in operand.values)
    if operand.below and value >= ANSWER:
        return False
    return operand.range is None or operand.range[0] <= value <= operand.range[1]
