"""Differences between systems: none is missed, none is made up, and looking from the other side changes gains and losses over."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from composer.questions.authority import authority
from composer.questions.diff import Change, Side, diff
from composer.questions.numbers import Numbers
from composer.questions.report_diff import phrase, to_data, to_text
from composer.system import Range
from tests.composer.tables import handle, instance, port, table, tables


def compared(a, b):
    return diff(Side("a", a), Side("b", b))


def atoms(changes: tuple[Change, ...]) -> set[tuple]:
    """Each number of each plain right by itself; limits are looked at elsewhere."""
    return {(c.instance, c.kind, c.object, access, width, number)
            for c in changes if not c.is_limit for access in c.access or ("",) for width in c.widths or (0,)
            for each in c.numbers.ranges for number in range(each.base, each.end)}


def enumerated(made) -> set[tuple]:
    return {(right.instance, right.kind, right.object, right.access, right.width, number) for right, held in authority(made).items()
            if right.kind not in ("memory", "cpu", "priority", "cpu time", "handles", "capacity", "restart", "restarts", "backoff")
            for each in held.ranges for number in range(each.base, each.end)}


@given(tables())
def test_nothing_differs_from_itself(made):
    found = compared(made, made)
    assert found.empty and "nothing differs" in to_text(found)
    assert not any(found.fails(gate) for gate in (None, "gained", "lost", "any"))


@given(tables(), tables())
def test_no_gain_and_no_loss_is_missed_or_made_up(a, b):
    found = compared(a, b)
    assert atoms(found.gained) == enumerated(b) - enumerated(a)
    assert atoms(found.lost) == enumerated(a) - enumerated(b)


@given(tables(), tables())
def test_the_other_way_round_gains_are_losses(a, b):
    there, back = compared(a, b), compared(b, a)
    assert (there.added, there.removed) == (back.removed, back.added)
    for gained, lost in ((there.gained, back.lost), (there.lost, back.gained)):
        assert [(c.instance, c.kind, c.object, c.access, c.widths, c.numbers, c.before, c.after) for c in gained] == \
            [(c.instance, c.kind, c.object, c.access, c.widths, c.numbers, c.after, c.before) for c in lost]


@given(tables(), tables())
def test_every_difference_is_told(a, b):
    found = compared(a, b)
    text, data = to_text(found), to_data(found)
    for change in (*found.gained, *found.lost):
        assert phrase(change) in text
    assert (len(data["gained"]), len(data["lost"])) == (len(found.gained), len(found.lost))


def only(changes) -> Change:
    assert len(changes) == 1, changes
    return changes[0]


def test_a_shorter_range_is_a_loss_of_its_last_ports():
    found = compared(table(instance("a", ports=[port(0x3F8, 8)])), table(instance("a", ports=[port(0x3F8, 6)])))
    assert only(found.lost).numbers == Numbers.of([Range(0x3FE, 2)]) and not found.gained
    assert phrase(only(found.lost)) == "port 0x3fe..0x3ff: read and write, 8 bits"


def test_a_wider_access_is_a_gain():
    found = compared(table(instance("a", ports=[port(0x60, 4, "r")])), table(instance("a", ports=[port(0x60, 4, "rw", (8, 16))])))
    assert [phrase(change) for change in found.gained] == [
        "port 0x60..0x62: read and write, 16 bits", "port 0x60..0x63: write, 8 bits"]
    assert not found.lost


@pytest.mark.parametrize(("key", "less", "more", "said"), [
    ("memory", 65536, 131072, "memory: 64 KiB -> 128 KiB"),
    ("cpu_permille", 200, 205, "CPU: 20 % -> 20.5 %"),
    ("priority", "low", "urgent", "priority: low -> urgent"),
    ("cpu_time_ms", 1000, 2500, "CPU time of a life: 1 s -> 2500 ms"),
    ("cpu_time_ms", 1000, 0, "CPU time of a life: 1 s -> no end"),
    ("handle_limit", 0, 8, "handles: none -> 8"),
    ("restart", "on-failure", "always", "restart: on-failure -> always"),
    ("restart_limit", 0, 3, "restarts: none -> 3"),
    ("backoff_ms", 1000, 10, "wait before a restart: 1 s -> 10 ms"),
])
def test_a_raised_limit_is_a_gain_and_no_loss(key, less, more, said):
    found = compared(table(instance("a", **{key: less})), table(instance("a", **{key: more})))
    assert phrase(only(found.gained)) == said and not found.lost
    assert found.fails("gained") and found.fails("any") and not found.fails("lost")


def test_a_moved_port_is_a_gain_and_a_loss():
    found = compared(table(instance("a", ports=[port(0x60, 1)])), table(instance("a", ports=[port(0x61, 1)])))
    assert found.fails("gained") and found.fails("lost")


def test_the_same_interrupt_by_another_numbering_is_another_right():
    found = compared(table(instance("a", handles=[handle("irq isa", 4)])), table(instance("a", handles=[handle("irq global", 4)])))
    assert (phrase(only(found.gained)), phrase(only(found.lost))) == ("irq global 4", "irq ISA 4")


def test_a_new_instance_without_grants_still_gains_time_and_memory():
    found = compared(table(), table(instance("a")))
    assert found.added == ("a",) and found.fails("gained")


def test_other_code_alone_shuts_only_the_widest_gate():
    a, b = Side("a", table(), {"app/x": ("00", 8)}, {"apps": 8}), Side("b", table(), {"app/x": ("11", 8), "app/y": ("22", 3)}, {"apps": 11})
    found = diff(a, b)
    assert [module.name for module in found.modules] == ["app/x", "app/y"] and found.sizes == {"apps": (8, 11)}
    assert found.fails("any") and not found.fails("gained") and not found.fails("lost")
    assert "nothing gained, nothing lost" in to_text(found)


CARD = {"need": "card", "instance": 0, "matches": [{"offset": 0, "value": 0x1044_1AF4, "mask": 0xFFFF_FFFF}], "slot": None, "skip": 0,
        "regions": [], "tables": [], "reset": []}


def with_devices(*devices):
    return {**table(instance("a", handles=[handle("device", number) for number in range(len(devices))])), "devices": list(devices)}


def test_a_device_and_each_change_of_its_model_are_told():
    found = compared(with_devices(), with_devices(CARD))
    assert re.fullmatch("command 1af4:1044 by the model [0-9a-f]{12}", phrase(only(found.gained))) and not found.lost
    other = {**CARD, "reset": [{"region": 0, "offset": 0, "bytes": 1, "value": 0, "mask": None}]}
    found = compared(with_devices(CARD), with_devices(other))
    assert phrase(only(found.gained)) != phrase(only(found.lost))
    found = compared(with_devices(CARD), with_devices(CARD, CARD))
    assert phrase(only(found.gained)).startswith("command ") and not found.lost
    found = compared(with_devices(CARD), with_devices({**CARD, "slot": 0x18, "skip": 1}))
    assert "1af4:1044, at 00:03.0, after 1 other by" in phrase(only(found.gained))
