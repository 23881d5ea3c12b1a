"""Instructions on numbers agree with wasmtime; on sets and ranges they leave out nothing that a number in them gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.wasm.arithmetic import BINARY, COMPARISONS, MIRRORED, UNARY, binary, narrowed, unary
from composer.wasm.values import MOST, Answer, Below, Value, bounds, constant, join, ranged, widened
from composer.wasm.values import holds as covers
from tests.composer.wasm.encode import module, name, section, uleb, vector

EDGES = (0, 1, 2, 7, 8, 31, 32, 33, 63, 64, 127, 128, 255, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
         0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF)
LOADS = (0x2D, 0x2F, 0x31, 0x33, 0x35)
TAKES_I32 = (0x45, 0x67, 0x68, 0x69, 0xAC, 0xAD, 0xC0, 0xC1)
"""One-operand instructions of 32 bits; the others take 64."""


def number(bits: int) -> st.SearchStrategy[int]:
    edges = [edge for edge in EDGES if edge < 1 << bits]
    return st.one_of(st.sampled_from(edges), st.integers(0, 300), st.integers(0, (1 << bits) - 1))


@st.composite
def member(draw: st.DrawFn, bits: int) -> tuple[int, Value]:
    """A number and something that is known of it."""
    chosen = draw(number(bits))
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return chosen, None
    if kind == 1:
        return chosen, {chosen: 0}
    if kind == 2:
        return chosen, dict.fromkeys([chosen, *draw(st.lists(number(bits), max_size=MOST - 1))], 0)
    low, high = (draw(number(bits)) if draw(st.booleans()) else chosen for _ in range(2))
    return chosen, ranged(min(low, chosen), max(high, chosen), bits)


def holds(value: Value, chosen: int) -> bool:
    if isinstance(value, dict):
        return chosen in value
    return value is None or value[0] <= chosen <= value[1]


@pytest.mark.parametrize("code", sorted(BINARY), ids=hex)
def test_binary_results_are_not_left_out(code: int) -> None:
    exact, _, bits = BINARY[code]
    operands = COMPARISONS[code][2] if code in COMPARISONS else bits

    @settings(max_examples=40)
    @given(member(operands), member(operands))
    def check(left: tuple[int, Value], right: tuple[int, Value]) -> None:
        result = exact(left[0], right[0])
        if result is not None:
            assert holds(binary(code, left[1], right[1]), result & (1 << bits) - 1)

    check()


@pytest.mark.parametrize("code", sorted(set(UNARY) - set(LOADS)), ids=hex)
def test_unary_results_are_not_left_out(code: int) -> None:
    taken = 32 if code in TAKES_I32 else 64

    run = running(code)

    @settings(max_examples=40)
    @given(member(taken))
    def check(operand: tuple[int, Value]) -> None:
        chosen, value = operand
        assert holds(unary(code, value), run(chosen))

    check()


@pytest.mark.parametrize("code", sorted(COMPARISONS), ids=hex)
def test_narrowing_leaves_out_no_number_for_which_it_is_true(code: int) -> None:
    _, test, bits = COMPARISONS[code]

    @settings(max_examples=40)
    @given(member(bits), member(bits))
    def check(operand: tuple[int, Value], other: tuple[int, Value]) -> None:
        (chosen, value), (limit, known) = operand, other
        possible, left = narrowed(value, code, known, test(chosen, limit))
        assert possible
        assert holds(left, chosen)
        assert test(limit, chosen) == COMPARISONS[MIRRORED[code]][1](chosen, limit)

    check()


@pytest.mark.parametrize(("code", "limit", "wanted", "left"), [
    (0x49, 8, True, (0, 7)), (0x49, 8, False, (8, 100)), (0x4B, 8, True, (9, 100)), (0x4B, 8, False, (0, 8)),
    (0x4D, 8, True, (0, 8)), (0x4D, 8, False, (9, 100)), (0x4F, 8, True, (8, 100)), (0x4F, 8, False, (0, 7)),
    (0x46, 8, True, {8: 0}), (0x47, 8, False, {8: 0}), (0x46, 8, False, (0, 100)), (0x48, 8, True, (0, 7)), (0x48, 8, False, (8, 100)),
    (0x4C, 8, True, (0, 8)), (0x48, 1 << 31, True, (0, 100)),
])
def test_narrowing_a_range_is_exact(code: int, limit: int, wanted: bool, left: Value) -> None:
    assert narrowed((0, 100), code, constant(limit), wanted) == (True, left)


def test_what_cannot_be_is_known_to_be_impossible() -> None:
    assert narrowed((0, 7), 0x4F, constant(8), True) == (False, None)
    assert narrowed({3: 0, 4: 0}, 0x46, constant(5), True) == (False, {})


def test_what_is_less_than_an_answer_is_known_to_be() -> None:
    """Only `less than`, unsigned, says so; a set of numbers says more."""
    assert narrowed(None, 0x49, Answer(3), True) == narrowed((0, 9), 0x4F, Answer(3), False) == (True, Below(3))
    for code, holds_so in ((0x49, False), (0x4D, True), (0x48, True), (0x46, True)):
        assert narrowed(None, code, Answer(3), holds_so) == (True, None)
    assert narrowed({2: 0}, 0x49, Answer(3), True) == (True, {2: 0})


@given(member(32), member(32), st.lists(number(32), max_size=6))
def test_widening_holds_what_was_and_what_came(old: tuple[int, Value], new: tuple[int, Value], limits: list[int]) -> None:
    both = join(old[1], new[1])
    wide = widened(old[1], both, sorted(limits), 32)
    assert holds(wide, old[0]) and holds(wide, new[0]) and covers(wide, both)


@given(member(32), member(32))
def test_what_covers_another_holds_its_numbers(a: tuple[int, Value], b: tuple[int, Value]) -> None:
    assert covers(a[1], a[1]) and covers(join(a[1], b[1]), b[1])
    assert not covers(a[1], b[1]) or holds(a[1], b[0])


@given(member(32), member(32))
def test_a_join_holds_both(a: tuple[int, Value], b: tuple[int, Value]) -> None:
    joined = join(a[1], b[1])
    assert holds(joined, a[0])
    assert holds(joined, b[0])
    assert not isinstance(joined, dict) or len(joined) <= MOST


@given(member(32))
def test_bounds_hold_the_value(operand: tuple[int, Value]) -> None:
    low, high = bounds(operand[1], 32)
    assert low <= operand[0] <= high


def running(code: int):
    """The instruction in wasmtime, as a function of unsigned numbers that gives None where it traps."""
    import wasmtime

    wide = {32: b"\x7f", 64: b"\x7e"}
    if code in BINARY:
        operands = COMPARISONS[code][2] if code in COMPARISONS else BINARY[code][2]
        params, results = [operands, operands], BINARY[code][2]
    else:
        params, results = [32 if code in TAKES_I32 else 64], UNARY[code][2]
    body = b"\0" + b"".join(b"\x20" + bytes([place]) for place in range(len(params))) + bytes([code]) + b"\x0b"
    kind = b"\x60" + vector(*[wide[bits] for bits in params]) + vector(wide[results])
    data = module(section(1, vector(kind)), section(3, vector(b"\0")), section(7, vector(name("f") + b"\0\0")),
                  section(10, vector(uleb(len(body)) + body)))
    store = wasmtime.Store()
    function = wasmtime.Instance(store, wasmtime.Module(store.engine, data), []).exports(store)["f"]

    def call(*numbers: int) -> int | None:
        signed = [number - (1 << bits) if number >> (bits - 1) else number for number, bits in zip(numbers, params, strict=True)]
        try:
            return function(store, *signed) & (1 << results) - 1
        except wasmtime.Trap:
            return None

    return call


@pytest.mark.parametrize("code", sorted(BINARY), ids=hex)
def test_binary_numbers_are_as_wasmtime_has_them(code: int) -> None:
    exact, _, bits = BINARY[code]
    operands = COMPARISONS[code][2] if code in COMPARISONS else bits
    edges = [edge for edge in EDGES if edge < 1 << operands]
    run = running(code)
    for left in edges:
        for right in edges:
            wanted, result = run(left, right), exact(left, right)
            if wanted is not None:
                assert result is not None
                assert result & (1 << bits) - 1 == wanted, (left, right)


@pytest.mark.parametrize("code", sorted(code for code, row in UNARY.items() if row[0]), ids=hex)
def test_unary_numbers_are_as_wasmtime_has_them(code: int) -> None:
    run, exact = running(code), UNARY[code][0]
    taken = 32 if code in TAKES_I32 else 64
    for edge in EDGES:
        if edge < 1 << taken:
            assert exact(edge) == run(edge)
