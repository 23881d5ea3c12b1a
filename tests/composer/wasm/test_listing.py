"""Instructions as text: every one is called as wasmtime calls it, and an excerpt holds what makes an instruction's operands."""

from __future__ import annotations

import pytest

from composer.wasm import listing
from composer.wasm import opcodes as op
from composer.wasm.code import instructions
from composer.wasm.cursor import Cursor
from composer.wasm.gather import gather
from composer.wasm.listing import list_bytes, list_code
from composer.wasm.mnemonics import mnemonics
from composer.wasm.names import function_names
from composer.wasm.scan import read_locals
from composer.wasm.sections import read_module
from tests.composer.wasm.encode import driver, wat

AROUND = """(module
  (type $t (func)) (import "munal:port/regs" "write8" (func $write8 (param i32 i32)))
  (memory 1) (table 4 funcref) (elem $e func $f) (data $d "x") (elem declare func $f)
  (global $g (mut i32) (i32.const 0))
  (func $f) (func (export "_start") (local i32) unreachable {} unreachable))"""
SAMPLES = {
    op.INDEX: "0", op.I32: "0x7fff", op.I64: "-0x8000", op.F32: "1.5", op.F64: "-0.1", op.MEMARG: "offset=0x10",
    op.LANE: "1", op.MEMARG_LANE: "offset=4 1", op.BYTES16: "i32x4 0x1 0x2 0x3 0xffffffff",
}
OWN = {
    op.BLOCK_OP: "block", op.LOOP: "loop", op.IF: "if", op.CALL: "call $f", op.RETURN_CALL: "return_call $munal:port/regs#write8",
    op.CALL_INDIRECT: "call_indirect (type 0)", op.RETURN_CALL_INDIRECT: "return_call_indirect (type 0)", op.BR_TABLE: "br_table 0 0 0",
    op.SELECT_T: "select (result i32)", op.REF_NULL: "ref.null func", op.REF_FUNC: "ref.func $f",
    op.MEMORY_SIZE: "memory.size", op.MEMORY_GROW: "memory.grow", op.MEMORY_COPY: "memory.copy", op.MEMORY_FILL: "memory.fill",
    op.SHUFFLE: f"i8x16.shuffle {' '.join(map(str, range(16)))}", op.MISC << 12 | 14: "table.copy 0",
}
"""Instructions whose immediates no other has, as they are listed."""


def listed(data: bytes, function: int = -1) -> list[tuple[int, str]]:
    """Every instruction of a function's code with its offset."""
    module = read_module(data)
    start, end = module.bodies[function]
    cursor = Cursor(data, start, end, "code")
    read_locals(cursor)
    found = dict(list_code(module, function_names(module), [at for at, _, _ in instructions(cursor)]))
    return [found[at].lines[-1] for at in found]


def test_every_opcode_has_a_name_and_no_other() -> None:
    assert mnemonics().keys() == op.EFFECTS.keys()


@pytest.mark.parametrize("code", [code for code in op.EFFECTS if code not in (op.ELSE, op.END)], ids=lambda code: f"{code:#x}")
def test_what_wasmtime_makes_of_a_text_is_listed_as_that_text(code: int) -> None:
    text = OWN.get(code) or " ".join(filter(None, (mnemonics()[code], SAMPLES.get(op.EFFECTS[code].immediate, "0" if op.EFFECTS[code].immediate == op.INDEX2 else ""))))
    written = {"table.copy 0": "table.copy", "return_call $munal:port/regs#write8": "return_call $write8"}.get(text, text)
    written += {"block": " end", "loop": " end", "if": " end"}.get(text, "")
    assert listed(wat(AROUND.format(written)))[1][1] == text


@pytest.mark.parametrize(("written", "shown"), [
    ("block (result i32) unreachable end drop", "block (result i32)"), ("i32.load offset=0", "i32.load"), ("i32.const -10", "i32.const -0xa"),
    ("i32.const 9", "i32.const 9"), ("f32.const inf", "f32.const inf"), ("f64.const -inf", "f64.const -inf"), ("f64.const nan", "f64.const nan ;; 0x7ff8000000000000"),
    ("f32.const 0.1", "f32.const 0.100000001"), ("br_table 0 0 0 0 0 0 0 0 0 0", "br_table 0 0 0 0 0 0 0 0 ;; and 2 more"),
    ("block (param i32) drop end", "block (type 2)"), ("memory.init $d", "memory.init 0"), ("table.init $e", "table.init 0"),
])
def test_immediates_are_written_as_people_read_them(written: str, shown: str) -> None:
    assert listed(wat(AROUND.format(written)))[1][1] == shown


def lines(body: str, more: str = "", which: int = 0) -> list[str]:
    """What is shown of one call of a driver."""
    facts = gather("uart", "uart.wasm", driver(body, more), traced=True)
    excerpt = facts.place(facts.calls[which].site).excerpt
    assert excerpt and (excerpt.start, excerpt.length) == (0, len("call"))
    return [text for _, text in excerpt.lines]


def test_an_excerpt_holds_what_makes_the_operands() -> None:
    assert lines("(drop (i32.const 5)) (call $write8 (i32.const 3) (i32.add (i32.const 1) (i32.const 2)))") == [
        "i32.const 3", "i32.const 1", "i32.const 2", "i32.add", "call $munal:port/regs#write8"]


def test_an_excerpt_stops_at_control_flow_and_at_its_longest() -> None:
    assert lines("(local i32) (call $write8 (if (result i32) (i32.const 1) (then (i32.const 2)) (else (i32.const 3))) (local.get 0))") == [
        "local.get 0", "call $munal:port/regs#write8"]
    sum_of_ones = "(i32.add " * 6 + "(i32.const 1)" + " (i32.const 1))" * 6
    assert len(lines(f"(call $write8 {sum_of_ones} (i32.const 0))")) == listing.BEFORE + 1


def test_beyond_the_budget_the_instruction_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "BUDGET", 0)
    assert lines("(call $write8 (i32.const 3) (i32.const 4))") == ["call $munal:port/regs#write8"]


def test_a_function_without_a_name_is_its_number() -> None:
    facts = gather("uart", "uart.wasm", driver("(call 2 (i32.const 9))", "(func (param i32) (call $write8 (local.get 0) (i32.const 0)))"), traced=True)
    [known] = facts.calls[0].operands[0].values
    assert [text for _, text in facts.place(known.site).excerpt.lines] == ["i32.const 9", "call 2"]


def test_an_offset_inside_of_an_instruction_or_outside_of_code_is_not_listed() -> None:
    module = read_module(driver("(call $write8 (i32.const 3) (i32.const 4))"))
    start, end = module.bodies[0]
    found = dict(list_code(module, {}, range(len(module.data))))
    assert sorted(found) == [start + 1, start + 3, start + 5, end - 1]


@pytest.mark.parametrize(("offset", "text", "start"), [
    (0, "41 42 43 44 45 46 47 48 49 4a 4b 4c  ABCDEFGHIJKL", 0), (5, "42 43 44 45 46 47 48 49 4a 4b 4c 4d  BCDEFGHIJKLM", 12),
    (13, "4a 4b 4c 4d 00                       JKLM.", 12), (99, "4b 4c 4d 00                          KLM.", 12),
])
def test_bytes_are_shown_around_their_offset(offset: int, text: str, start: int) -> None:
    excerpt = list_bytes(b"ABCDEFGHIJKLM\0", offset)
    assert (excerpt.lines[0][1], excerpt.start, excerpt.length) == (text, start, 2)


def test_entries_of_sections_are_shown_as_text() -> None:
    facts = gather("uart", "uart.wasm", driver("(drop (i32.const 0))", '(memory (export "memory") 1) (data (i32.const 0xffff) "ab")'), traced=True)
    shown = [facts.at(entry.offset).excerpt.lines[0][1] for entry in (*facts.imports, *facts.exports, *facts.strays)]
    assert shown == [
        'import "munal:port/regs" "read8" (func (param i32) (result i32))', 'import "munal:port/regs" "write8" (func (param i32 i32))',
        'export "memory" (memory)', 'export "_start" (func)', "data (i32.const 0xffff) ;; 2 bytes"]
    assert facts.at(0).excerpt is None


@pytest.mark.parametrize(("more", "shown"), [
    ("(table 1 funcref) (elem (i32.const 0) func $write8)", "elem $munal:port/regs#write8"),
    ("(elem declare func $write8) (global funcref (ref.func $write8))", "ref.func $munal:port/regs#write8"),
    ('(export "w" (func $write8))', 'export "w" (func (param i32 i32))'),
])
def test_ways_around_a_call_are_shown_where_they_stand(more: str, shown: str) -> None:
    facts = gather("uart", "uart.wasm", driver("(nop)", more), traced=True)
    assert shown in {facts.place(escape.site).excerpt.lines[-1][1] for escape in facts.escapes}
