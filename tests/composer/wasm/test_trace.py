"""Which numbers are found to reach an import: what is known is known, and nothing is claimed that could be otherwise."""

from __future__ import annotations

import pytest

from composer.wasm.facts import Operand
from composer.wasm.gather import gather
from composer.wasm.trace import SPARE_STEPS, STEPS_PER_BYTE
from tests.composer.wasm.encode import PORTS, driver, wat

UNKNOWN = "unknown"


def seen(operand: Operand) -> object:
    """A set of numbers, a range as a tuple, or UNKNOWN."""
    if operand.values:
        return {known.value for known in operand.values}
    return operand.range or UNKNOWN


def offsets(data: bytes) -> list[object]:
    """What is known of the first operand of each port call, in the order of the code."""
    facts = gather("app", "app.wasm", data, traced=True)
    assert facts.fault is None, facts.fault
    return [seen(call.operands[0]) for call in facts.calls]


def reads(body: str, more: str = "") -> list[object]:
    return offsets(driver(body, more))


READ_X = "(drop (call $read8 (local.get $x)))"
ANYTHING = "(i32.load (i32.const 0))"
MEMORY = '(memory (export "memory") 1)'


@pytest.mark.parametrize(("expression", "known"), [
    ("(i32.const 5)", {5}),
    ("(i32.const -1)", {0xFFFFFFFF}),
    ("(i32.add (i32.const 0x2f8) (i32.const -0x3f8))", {0xFFFFFF00}),
    ("(i32.and (i32.sub (i32.const 0x2f8) (i32.const 0x3f8)) (i32.const 0xffff))", {0xFF00}),
    ("(i32.mul (i32.const 3) (i32.const 5))", {15}),
    ("(i32.shl (i32.const 1) (i32.const 33))", {2}),
    ("(i32.shr_s (i32.const -16) (i32.const 2))", {0xFFFFFFFC}),
    ("(i32.shr_u (i32.const -16) (i32.const 28))", {15}),
    ("(i32.rotl (i32.const 0x80000001) (i32.const 1))", {3}),
    ("(i32.rotr (i32.const 3) (i32.const 1))", {0x80000001}),
    ("(i32.div_s (i32.const -7) (i32.const 2))", {0xFFFFFFFD}),
    ("(i32.rem_s (i32.const -7) (i32.const 2))", {0xFFFFFFFF}),
    ("(i32.div_u (i32.const -1) (i32.const 16))", {0x0FFFFFFF}),
    ("(i32.extend8_s (i32.const 0x80))", {0xFFFFFF80}),
    ("(i32.extend16_s (i32.const 0x8000))", {0xFFFF8000}),
    ("(i32.eqz (i32.const 0))", {1}),
    ("(i32.lt_s (i32.const -1) (i32.const 0))", {1}),
    ("(i32.lt_u (i32.const -1) (i32.const 0))", {0}),
    ("(i32.wrap_i64 (i64.add (i64.const 0x1_0000_0000) (i64.const 4)))", {4}),
    ("(i32.wrap_i64 (i64.extend_i32_s (i32.const -2)))", {0xFFFFFFFE}),
    ("(global.get $fixed)", {6}),
    ("(i32.and (i32.load (i32.const 0)) (i32.const 7))", (0, 7)),
    ("(i32.load8_u (i32.const 0))", (0, 255)),
    ("(i32.load16_u (i32.const 0))", (0, 65535)),
    ("(i32.add (i32.load8_u (i32.const 0)) (i32.const 8))", (8, 263)),
    ("(i32.or (i32.and (i32.load (i32.const 0)) (i32.const 3)) (i32.const 8))", (8, 11)),
    ("(i32.shr_u (i32.load (i32.const 0)) (i32.const 29))", (0, 7)),
    ("(i32.rem_u (i32.load (i32.const 0)) (i32.const 8))", (0, 7)),
    ("(i32.popcnt (i32.load (i32.const 0)))", (0, 32)),
    ("(i32.eq (i32.load (i32.const 0)) (i32.const 3))", (0, 1)),
    ("(select (i32.const 2) (i32.const 3) (i32.load (i32.const 0)))", {2, 3}),
    ("(i32.load (i32.const 0))", UNKNOWN),
    ("(i32.load8_s (i32.const 0))", UNKNOWN),
    ("(i32.add (i32.load (i32.const 0)) (i32.const 1))", UNKNOWN),
    ("(i32.sub (i32.load8_u (i32.const 0)) (i32.const 1))", UNKNOWN),
    ("(i32.div_u (i32.const 1) (i32.const 0))", UNKNOWN),
    ("(global.get $changing)", UNKNOWN),
    ("(memory.grow (i32.const 1))", UNKNOWN),
    ("(i32.trunc_sat_f32_u (f32.const 5))", UNKNOWN),
    ("(i32.reinterpret_f32 (f32.const 0))", UNKNOWN),
    ("(call $read8 (i32.const 0))", UNKNOWN),
])
def test_expressions(expression: str, known: object) -> None:
    more = '(memory (export "memory") 1) (global $fixed i32 (i32.const 6)) (global $changing (mut i32) (i32.const 6))'
    assert reads(f"(drop (call $read8 {expression}))", more)[-1] == known


@pytest.mark.parametrize(("body", "known"), [
    (f"(local $x i32) {READ_X}", [{0}]),
    (f"(local $x i32) (local.set $x (i32.const 3)) {READ_X} (local.set $x (i32.const 4)) {READ_X}", [{3}, {4}]),
    (f"(local $x i32) (drop (local.tee $x (i32.const 3))) {READ_X}", [{3}]),
    (f"(local $x i32) (if {ANYTHING} (then (local.set $x (i32.const 3)))) {READ_X}", [{0, 3}]),
    (f"(local $x i32) (if {ANYTHING} (then (local.set $x (i32.const 3))) (else (local.set $x (i32.const 4)))) {READ_X}", [{3, 4}]),
    (f"(local $x i32) (if {ANYTHING} (then (local.set $x (i32.const 3)) (return))) {READ_X}", [{0}]),
    (f"(local $x i32) (block (br_if 0 {ANYTHING}) (local.set $x (i32.const 3))) {READ_X}", [{0, 3}]),
    (f"(local $x i32) (block (local.set $x (i32.const 3)) (br 0) (local.set $x (i32.const 9))) {READ_X}", [{3}]),
    (f"""(local $x i32) (block $c (block $b (block $a (br_table $a $b $c {ANYTHING}))
         (local.set $x (i32.const 1)) (br $c)) (local.set $x (i32.const 2))) {READ_X}""", [{0, 1, 2}]),
    (f"(local $x i32) (loop $on {READ_X} (local.set $x (i32.add (local.get $x) (i32.const 1))) (br_if $on {ANYTHING})) {READ_X}",
     [UNKNOWN, UNKNOWN]),
    (f"(local $x i32) (local.set $x (i32.const 3)) (loop $on {READ_X} (br_if $on {ANYTHING})) {READ_X}", [{3}, {3}]),
    (f"(local $x i32) (loop $out (loop $in (br_if $in {ANYTHING})) {READ_X} (local.set $x (i32.const 5)) (br_if $out {ANYTHING}))",
     [(0, 5)]),
    (f"(local $x i32) (loop $out {READ_X} (loop $in (local.set $x (i32.const 5)) (br_if $in {ANYTHING})) (br_if $out {ANYTHING}))",
     [(0, 5)]),
    (f"(local $x i32) (loop $on (local.set $x (i32.const 5)) {READ_X} (br_if $on {ANYTHING}))", [{5}]),
    (f"(local $x i32) (local.set $x {ANYTHING}) (if (i32.lt_u (local.get $x) (i32.const 8)) (then {READ_X})) {READ_X}", [(0, 7), UNKNOWN]),
    (f"(local $x i32) (local.set $x {ANYTHING}) (if (i32.lt_s (local.get $x) (i32.const 8)) (then {READ_X}))", [UNKNOWN]),
    (f"(local $x i32) (block (br_if 0 (i32.gt_u (local.tee $x {ANYTHING}) (i32.const 7))) {READ_X})", [(0, 7)]),
    (f"(local $x i32) (block (br_if 0 (i32.eqz (i32.le_u (local.tee $x {ANYTHING}) (i32.const 7)))) {READ_X})", [(0, 7)]),
    (f"(local $x i32) (block (br_if 0 (i32.ne (local.tee $x {ANYTHING}) (i32.const 4))) {READ_X})", [{4}]),
    (f"(local $x i32) (if (local.tee $x {ANYTHING}) (then) (else {READ_X}))", [{0}]),
    (f"""(local $x i32) (loop $on (block $out (br_if $out (i32.ge_u (local.get $x) (i32.const 8))) {READ_X}
         (local.set $x (i32.add (local.get $x) (i32.const 1))) (br $on)))""", [(0, 7)]),
    (f"(local $x i32) (local.set $x (i32.const 9)) (if (i32.lt_u (local.get $x) (i32.const 8)) (then {READ_X}))", []),
    (f"(unreachable) {READ_X.replace('local.get $x', 'i32.const 99')}", []),
    ("(drop (call $read8 (block (result i32) (drop (br_if 0 (i32.const 4) (i32.load (i32.const 0)))) (i32.const 5))))", [{4, 5}]),
    ("(drop (call $read8 (if (result i32) (i32.load (i32.const 0)) (then (i32.const 4)) (else (i32.const 5)))))", [{4, 5}]),
    ("(i32.const 3) (loop (param i32) (drop (call $read8)) (i32.const 4) (br_if 0 (i32.load (i32.const 0))) (drop))", [UNKNOWN]),
    ("(i32.const 3) (block (param i32) (drop (call $read8)))", [{3}]),
])
def test_control_flow(body: str, known: list[object]) -> None:
    assert reads(body, '(memory (export "memory") 1)') == known


STEP = "(local.set $x (i32.add (local.get $x) (i32.const 1)))"


@pytest.mark.parametrize(("body", "known"), [
    (f"(loop $on {READ_X} {STEP} (br_if $on (i32.ne (local.get $x) (i32.const 8))))", [(0, 7)]),
    (f"(loop $on {READ_X} {STEP} (br_if $on (i32.lt_u (local.get $x) (i32.const 100))))", [(0, 99)]),
    (f"(loop $on {READ_X} {STEP} (br_if $on (i32.lt_s (local.get $x) (i32.const 100))))", [(0, 99)]),
    (f"(loop $on {READ_X} {STEP} (br_if $on (i32.ne (local.get $x) (i32.const 100))))", [(0, 99)]),
    (f"(loop $on {READ_X} {STEP} (br_if $on {ANYTHING}))", [UNKNOWN]),
    (f"""(local.set $x (i32.const 60)) (loop $on {READ_X} (local.set $x (i32.sub (local.get $x) (i32.const 1)))
         (br_if $on (i32.gt_u (local.get $x) (i32.const 50))))""", [(51, 60)]),
    (f"""(loop $out (local.set $x (i32.const 0)) (loop $on {READ_X} {STEP} (br_if $on (i32.ne (local.get $x) (i32.const 4))))
         (br_if $out {ANYTHING}))""", [(0, 3)]),
    (f"""(loop $out (local.set $y (i32.const 0)) (loop $on (drop (call $read8 (i32.add (local.get $x) (local.get $y))))
         (local.set $y (i32.add (local.get $y) (i32.const 1))) (br_if $on (i32.ne (local.get $y) (i32.const 4)))) {STEP}
         (br_if $out (i32.ne (local.get $x) (i32.const 4))))""", [(0, 6)]),
])
def test_loops_with_constant_bounds_are_followed(body: str, known: list[object]) -> None:
    assert reads(f"(local $x i32) (local $y i32) {body}", MEMORY) == known


def test_what_a_loop_brings_back_is_no_set_of_numbers_that_surely_happen() -> None:
    """x goes 0, 4 in two turns; nobody knows that it never gets to 8 and 12, and nobody may claim that it does."""
    body = f"""(local $x i32) (local $n i32) (loop $on {READ_X} (local.set $x (i32.and (i32.add (local.get $x) (i32.const 4)) (i32.const 15)))
      (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $on (i32.ne (local.get $n) (i32.const 2))))"""
    assert reads(body, MEMORY) == [(0, 15)]


@pytest.mark.parametrize(("condition", "known"), [
    ("(i32.lt_u (local.get $x) (i32.const 8))", (0, 7)),
    ("(i32.gt_u (i32.const 8) (local.get $x))", (0, 7)),
    ("(i32.and (i32.lt_u (local.get $x) (i32.const 8)) (i32.gt_u (local.get $x) (i32.const 2)))", (3, 7)),
    ("(i32.eqz (i32.or (i32.ge_u (local.get $x) (i32.const 8)) (i32.le_u (local.get $x) (i32.const 2))))", (3, 7)),
    ("(i32.or (i32.lt_u (local.get $x) (i32.const 8)) (i32.gt_u (local.get $x) (i32.const 2)))", UNKNOWN),
    ("(i32.lt_u (i32.sub (local.get $x) (i32.const 3)) (i32.const 4))", (3, 6)),
    ("(i32.lt_u (i32.add (local.get $x) (i32.const -3)) (i32.const 4))", (3, 6)),
    ("(i32.lt_u (i32.add (local.get $x) (i32.const 3)) (i32.const 4))", UNKNOWN),
    ("(i32.lt_u (local.get $x) (local.get $limit))", (0, 8)),
    ("(i32.gt_u (local.get $limit) (local.get $x))", (0, 8)),
    ("(i32.ge_s (local.get $x) (i32.const 0))", (0, 0x7FFFFFFF)),
    ("(i32.lt_u (local.get $x) (local.tee $x (i32.const 8)))", {8}),
    ("(i32.and (i32.lt_u (local.get $x) (i32.const 8)) (i32.lt_u (local.tee $x (i32.const 9)) (i32.const 20)))", {9}),
])
def test_what_a_condition_says(condition: str, known: object) -> None:
    body = f"(local $x i32) (local $limit i32) (local.set $x {ANYTHING}) (local.set $limit (i32.const 9))"
    assert reads(f"{body} (if {condition} (then {READ_X}))", MEMORY) == [known]
    assert reads(f"{body} (block (br_if 0 (i32.eqz {condition})) {READ_X})", MEMORY) == [known]


@pytest.mark.parametrize(("body", "known"), [
    ("(select (local.get $x) (i32.const 7) (i32.lt_u (local.get $x) (i32.const 8)))", (0, 7)),
    ("(select (i32.const 7) (local.get $x) (i32.gt_u (local.get $x) (i32.const 7)))", (0, 7)),
    ("(select (i32.const 7) (local.get $x) (i32.lt_u (local.get $x) (i32.const 8)))", (7, 0xFFFFFFFF)),
    ("(select (i32.const 1) (i32.const 2) (i32.const 5))", {1}),
    ("(select (i32.const 1) (i32.const 2) (i32.const 0))", {2}),
])
def test_a_select_that_clamps_is_a_bound(body: str, known: object) -> None:
    assert reads(f"(local $x i32) (local.set $x {ANYTHING}) (drop (call $read8 {body}))", MEMORY) == [known]


def test_a_branch_table_tells_its_selector() -> None:
    body = f"""(local $x i32) (local.set $x {ANYTHING})
      (block $other (block $two (block $one (br_table $one $two $one $other (local.get $x))) {READ_X} (return)) {READ_X} (return)) {READ_X}"""
    assert reads(body, MEMORY) == [{0, 2}, {1}, (3, 0xFFFFFFFF)]


@pytest.mark.parametrize(("callee", "call", "known"), [
    ("(func $f (result i32) (i32.const 5))", "(call $f)", {5}),
    ("(func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))", "(call $f (i32.const 5))", {6}),
    ("(func $f (param i32) (result i32) (i32.and (local.get 0) (i32.const 7)))", f"(call $f {ANYTHING})", (0, 7)),
    ("(func $f (param i32) (result i32) (if (local.get 0) (then (return (i32.const 3)))) (i32.const 4))", f"(call $f {ANYTHING})", {3, 4}),
    ("(func $f (param i32) (result i32) (if (local.get 0) (then (return (i32.const 3)))) (i32.const 4))", "(call $f (i32.const 1))", {3}),
    ("(func $f (param i32) (result i32) (if (result i32) (local.get 0) (then (call $f (i32.const 0))) (else (i32.const 4))))",
     "(call $f (i32.const 1))", UNKNOWN),
    ("(func $g (result i32) (i32.const 5)) (func $f (result i32) (return_call $g))", "(call $f)", {5}),
])
def test_what_a_small_function_returns_is_followed(callee: str, call: str, known: object) -> None:
    assert reads(f"(drop (call $read8 {call}))", MEMORY + callee) == [known]


def test_nothing_is_reached_behind_a_call_that_never_returns() -> None:
    assert reads("(call $end) (drop (call $read8 (i32.const 1)))", "(func $end (unreachable))") == []


COUNT = '(import "munal:stream-server/serial" "count" (func $count (result i32)))'


@pytest.mark.parametrize(("condition", "below"), [
    ("(i32.lt_u (local.get $x) (call $count))", True),
    ("(i32.gt_u (call $count) (local.get $x))", True),
    ("(i32.lt_u (local.get $x) (local.tee $n (call $count)))", True),
    ("(i32.le_u (local.get $x) (call $count))", False),
    ("(i32.lt_s (local.get $x) (call $count))", False),
    ("(i32.lt_u (call $count) (local.get $x))", False),
])
def test_less_than_an_answer(condition: str, below: bool) -> None:
    data = wat(f"""(module {PORTS.split(')))')[0]}))) {COUNT} {MEMORY}
      (func (export "_start") (local $x i32) (local $n i32) (local.set $x {ANYTHING}) (if {condition} (then {READ_X}))))""")
    (call,) = [c for c in gather("app", "app.wasm", data, traced=True).calls if c.name == "read8"]
    assert (call.operands[0].below == ("munal:stream-server/serial", "count")) == below


def test_less_than_an_answer_is_forgotten_where_the_local_changes() -> None:
    data = wat(f"""(module {PORTS.split(')))')[0]}))) {COUNT} {MEMORY}
      (func (export "_start") (local $x i32) (local.set $x {ANYTHING})
        (if (i32.lt_u (local.get $x) (call $count)) (then {STEP} {READ_X})) {READ_X}))""")
    calls = [c for c in gather("app", "app.wasm", data, traced=True).calls if c.name == "read8"]
    assert [c.operands[0].below for c in calls] == [None, None]


def test_more_numbers_than_a_set_holds_become_a_range() -> None:
    choices = "".join(f"(if {ANYTHING} (then (local.set $x (i32.const {n}))))" for n in range(1, 20))
    assert reads(f"(local $x i32) {choices} {READ_X}", '(memory (export "memory") 1)') == [(0, 19)]


def test_two_sets_that_depend_on_each_other_are_no_set_of_sums() -> None:
    """x + x with x in {0, 4} is never 4: a set may only hold numbers that can happen."""
    twice = "(drop (call $read8 (i32.add (local.get $x) (local.get $x))))"
    body = f"(local $x i32) (if {ANYTHING} (then (local.set $x (i32.const 4)))) {twice}"
    assert reads(body, '(memory (export "memory") 1)') == [(0, 8)]


WRAPPER = "(func $wrapper (param $r i32) (drop (call $read8 (local.get $r))))"


def test_constants_are_followed_through_wrappers_to_where_they_stand() -> None:
    facts = gather("app", "app.wasm", driver(
        "(call $outer)", f"{WRAPPER} (func $middle (param i32) (call $wrapper (i32.add (local.get 0) (i32.const 1)))) "
        "(func $outer (call $middle (i32.const 4)) (call $wrapper (i32.const 7)))"), traced=True)
    (call,) = facts.calls
    assert call.site.function == "wrapper"
    assert [(k.value, k.site.function) for k in call.operands[0].values if k.site] == [(5, "outer"), (7, "outer")]


@pytest.mark.parametrize("escape", [
    '(export "wrapper" (func $wrapper))',
    "(table 1 funcref) (elem (i32.const 0) $wrapper)",
    "(table 1 funcref) (elem (i32.const 0) funcref (ref.func $wrapper))",
    "(elem func $wrapper)",
    "(global funcref (ref.func $wrapper))",
    "(elem declare func $wrapper) (func $taker (drop (ref.func $wrapper)))",
])
def test_a_function_that_escapes_has_unknown_parameters(escape: str) -> None:
    assert reads("(call $wrapper (i32.const 5))", f"{WRAPPER} {escape}") == [UNKNOWN]
    assert reads("(call $wrapper (i32.const 5))", WRAPPER) == [{5}]


def test_a_function_that_calls_itself_has_unknown_parameters() -> None:
    more = """(func $wrapper (param $r i32) (drop (call $read8 (local.get $r)))
      (if (local.get $r) (then (call $wrapper (i32.sub (local.get $r) (i32.const 1))))))"""
    assert reads("(call $wrapper (i32.const 5))", more) == [UNKNOWN]


def test_functions_that_call_each_other_have_unknown_parameters_somewhere() -> None:
    more = """(func $a (param $r i32) (drop (call $read8 (local.get $r))) (if (local.get $r) (then (call $b (local.get $r)))))
      (func $b (param $r i32) (call $a (i32.sub (local.get $r) (i32.const 1))))"""
    assert reads("(call $a (i32.const 5))", more) == [UNKNOWN]


def test_unreachable_calls_tell_nothing_of_parameters() -> None:
    assert reads("(call $wrapper (i32.const 5)) (return) (call $wrapper (i32.const 9))", WRAPPER) == [{5}]


def test_a_tail_call_is_a_call() -> None:
    data = wat(f"""(module {PORTS} (func $tail (param i32) (result i32) (return_call $read8 (local.get 0)))
      (func (export "_start") (drop (call $tail (i32.const 5)))))""")
    assert offsets(data) == [{5}]


@pytest.mark.parametrize(("more", "how"), [
    ("(table 1 funcref) (elem (i32.const 0) $read8)", "a table"),
    ('(export "again" (func $read8))', "an export"),
    ("(elem declare func $read8) (func (drop (ref.func $read8)))", "ref.func"),
])
def test_an_import_that_escapes_is_said_to(more: str, how: str) -> None:
    facts = gather("app", "app.wasm", driver("(drop (call $read8 (i32.const 1)))", more), traced=True)
    assert {(e.module, e.name) for e in facts.escapes} == {("munal:port/regs", "read8")}
    assert how in {e.how for e in facts.escapes}


def test_code_that_would_cost_too_much_is_left_unknown() -> None:
    """Many locals and many branches: joining states would be quadratic, so the walk stops and claims nothing."""
    branches = "(block " + "(br_if 0 (i32.load (i32.const 0)))" * 3000 + ")"
    many = "i32 " * 3000
    data = driver(f"(local {many}) (drop (call $read8 (i32.const 1))) {branches}", '(memory (export "memory") 1)')
    assert STEPS_PER_BYTE * len(data) + SPARE_STEPS < 3000 * 3000
    assert offsets(data) == [UNKNOWN]


def test_a_long_chain_of_tees_before_a_branch_is_walked_once() -> None:
    """What stands before a branch is looked at a few instructions deep, however long it goes on."""
    chain = f"{ANYTHING} " + "local.tee $x " * 30_000 + "i32.const 8 i32.lt_u"
    assert reads(f"(local $x i32) {chain} (if (then {READ_X}))", MEMORY) == [(0, 7)]


def test_where_following_loops_costs_too_much_the_rest_is_still_known() -> None:
    """Loops in loops in loops, each of which brings back something new: then each is walked once, with less known."""
    deep = STEP
    for _ in range(40):
        deep = f"(loop (local.set $x (i32.add (local.get $x) (i32.const 1))) {deep} (br_if 0 {ANYTHING}))"
    assert reads(f"(local $x i32) (drop (call $read8 (i32.const 3))) {deep} {READ_X}", MEMORY) == [{3}, UNKNOWN]
