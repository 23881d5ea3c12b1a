"""The simulator's judge of what a driver tells its device, by the cases that the kernel's is tested by, and at the edges between."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from composer.device import Length, Limit, Pointer, Rules, Table, Written
from composer.simulate.dma import PAGE, Dma
from composer.simulate.rules import Apart, Fault, Nowhere, Reach, at_rest, entries, is_halved, judge

CASES = Path(__file__).resolve().parents[3] / "kernel/logic/src/device/cases.txt"
MEMORY, MEMORY_AT, TABLES_AT = 0x3000, 0x7000_0000, 0x1000_0000_0000


class Model:
    """What the lines above a case say."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self.region: Rules | None = None

    def add(self, word: str, numbers: list[int], name: str = "") -> None:
        if word == "table":
            self.tables.append(Table(name, *numbers, Rules()))
        elif word == "region":
            self.region = Rules()
        else:
            self._set(_with(self._rules, word, numbers))

    @property
    def _rules(self) -> Rules:
        return self.tables[-1].rules if self.region is None else self.region

    def _set(self, rules: Rules) -> None:
        if self.region is None:
            self.tables[-1] = replace(self.tables[-1], rules=rules)
        else:
            self.region = rules


def _with(rules: Rules, word: str, numbers: list[int]) -> Rules:
    if word == "free":
        return replace(rules, free=(*rules.free, (numbers[0], numbers[1])))
    if word == "limit":
        return replace(rules, limits=(*rules.limits, Limit(*numbers)))
    if word == "pointer":
        offset, count, stride, halves, reach, to = numbers
        return replace(rules, pointers=(*rules.pointers, Pointer(offset, count, stride, bool(halves), reach, None, to, None)))
    *others, last = rules.pointers
    part = {"length": Length(*numbers)} if word == "length" else {"written": Written(*numbers)}
    return replace(rules, pointers=(*others, replace(last, **part)))


def cases() -> Iterator[tuple[int, Model, int | None, int, bytes, str]]:
    model = Model()
    for number, line in enumerate(CASES.read_text().splitlines(), 1):
        word, *rest = line.split() or [""]
        if word == "write":
            made, _, result = line.removeprefix("write ").partition("->")
            table, offset, *data = made.split()
            yield number, model, None if table == "-" else int(table, 16), int(offset, 16), bytes.fromhex("".join(data)), "".join(result.split())
        elif word == "table":
            model.add(word, [int(each, 16) for each in rest[1:]], rest[0])
        elif word and not word.startswith("#"):
            model.add(word, [int(each, 16) for each in rest])


def translate(reach: Reach) -> int:
    """Memory of three pages that do not lie together."""
    if reach.table is not None:
        return TABLES_AT * (reach.table + 1) + reach.offset
    end = reach.offset + max(1, reach.length)
    if end > MEMORY:
        raise Nowhere(0)
    if reach.offset // PAGE != (end - 1) // PAGE:
        raise Apart
    return MEMORY_AT + reach.offset


def judged(model: Model, table: int | None, offset: int, data: bytes) -> str:
    try:
        if table is None:
            return judge(model.region, offset, data, model.tables, translate).hex()
        return entries(model.tables[table], offset, data, model.tables, translate).hex()
    except Fault as fault:
        return type(fault).__name__.lower()


@pytest.mark.parametrize(("number", "model", "table", "offset", "data", "result"), [pytest.param(*each, id=str(each[0])) for each in cases()])
def test_a_case(number: int, model: Model, table: int | None, offset: int, data: bytes, result: str) -> None:
    assert judged(model, table, offset, data) == result, f"line {number}"


def test_every_result_has_cases() -> None:
    found = [result for *_, result in cases()]
    assert len(found) > 90 and all(found.count(word) > 3 for word in ("refused", "nowhere", "apart"))


def test_registers_that_are_written_as_halves() -> None:
    *_, (_, model, *_) = cases()
    assert [is_halved(model.region, offset) for offset in (0x20, 0x28, 0)] == [True, False, False]
    repeated = Rules(pointers=(Pointer(0x20, 3, 0x80, True, 128, None, 0b010, None),))
    assert [offset for offset in range(0x200) if is_halved(repeated, offset)] == [0x20, 0xA0, 0x120]


@pytest.mark.parametrize(("to", "reach", "table"), [
    (0b010, 128, 0), (0b010, 16, 0), (0b111, 16, 0), (0b100, 56, 1), (0b001, 0, None), (0, 0, None), (0b010, 129, None), (0b100, 168, None),
    (0b1000, 16, None),
])
def test_what_leads_to_a_table_leads_there_before_anybody_wrote_it(to: int, reach: int, table: int | None) -> None:
    *_, (_, model, *_) = cases()
    assert at_rest(Pointer(0, 1, 0, False, reach, None, to, None), model.tables) == table


class Life:
    """A driver's memory."""

    def __init__(self, pages: int) -> None:
        self.bytes = ctypes.create_string_buffer(pages * PAGE)
        self.window = (ctypes.addressof(self.bytes), pages * PAGE)


def test_a_card_reaches_what_it_was_told_of_and_forgets_it() -> None:
    life, dma = Life(2), Dma([Table("ring", 16, 4, Rules())])
    at = dma.physical(life, Reach(None, PAGE - 4, 4))
    dma.write(at, b"abcd")
    assert life.bytes.raw[PAGE - 4:PAGE] == b"abcd" == dma.read(at, 4)
    assert dma.read(at + PAGE, 8) == b"\0" * 4 + b"\xff" * 4, "past its end nobody answers"
    dma.write(at + PAGE, b"12345678")
    assert life.bytes.raw[PAGE:] == bytes(PAGE), "a write that leaves it is none"
    ring = dma.physical(life, Reach(0, 16, 16))
    dma.write(ring, b"x")
    assert dma.tables[0][16] == ord("x") and dma.read(ring, 2) == b"x\0"
    assert dma.read(0, 4) == bytes(4) and dma.read(1 << 50, 2) == b"\xff\xff"
    dma.forget()
    dma.write(at, b"efgh")
    assert dma.read(at, 4) == b"\xff" * 4 and life.bytes.raw[PAGE - 4:PAGE] == b"abcd"


@pytest.mark.parametrize(("offset", "length", "fault"), [
    (0, 0, None), (0, PAGE, None), (1, PAGE, Apart), (PAGE - 1, 2, Apart), (2 * PAGE - 1, 1, None), (2 * PAGE, 0, Nowhere), (2 * PAGE - 1, 2, Nowhere),
    (0, 1 << 40, Nowhere),
])
def test_two_pages_never_lie_together(offset: int, length: int, fault: type[Fault] | None) -> None:
    dma, life = Dma(()), Life(2)
    if fault is None:
        assert dma.physical(life, Reach(None, offset, length)) % PAGE == offset % PAGE
    else:
        with pytest.raises(fault):
            dma.physical(life, Reach(None, offset, length))
