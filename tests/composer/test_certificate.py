"""Certificates: every unit decided, with its holder and the line that says so; and the rules' sweeps against plain counting."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.certificate import SIZES, certify, decide, partition
from composer.check import check
from composer.hardware import Space
from composer.interfaces import load_interfaces
from composer.layout import make_layout
from composer.link import link
from tests.composer.elves import Elf
from tests.composer.systems import app, driver_and_client, instance, need, system

KEPT_PORTS = {port for base, length, _ in load_interfaces().kept_ports for port in range(base, base + length)}
KEPT_LINES = set(load_interfaces().kept_lines)


def linked(made):
    """An image of a system, with a kernel and modules that nobody runs."""
    modules = {f"app/{a.name}": a.name.encode() for a in made.apps} | {f"glue/{i.name}": i.name.encode() for i in made.instances}
    return link(Elf().build(), made, make_layout(made), modules, load_interfaces()).value


def certified(made):
    result = certify(linked(made), made)
    assert result.ok, result.diagnostics
    return json.loads(result.value)


def driver(name, *ports, line=None, memory=()):
    """An instance with port ranges, (base, length) each, perhaps an interrupt, and device memory like ports."""
    needs = [need("port", f"regs-{k}", length=length) for k, (_, length) in enumerate(ports)]
    grants = {f"regs_{k}": {"base": base} for k, (base, _) in enumerate(ports)}
    if line is not None:
        needs.append(need("irq", "line"))
        grants["line"] = dict([line])
    needs += [need("mmio", f"page-{k}", length=length) for k, (_, length) in enumerate(memory)]
    grants |= {f"page_{k}": {"base": base} for k, (base, _) in enumerate(memory)}
    return instance(name, app(f"{name}-app", *needs), **grants)


def space(claims, name):
    return next(s for s in claims["spaces"] if s["space"] == name)


def test_it_names_holder_need_and_line_of_every_range():
    ports = space(certified(driver_and_client()), "port")
    held = [entry for entry in ports["ranges"] if entry["state"] == "held"]
    assert held == [{"first": 0x3F8, "last": 0x3FF, "range": "0x3f8..0x3ff", "state": "held", "holder": "com1",
                     "grants": [{"need": "port.regs", "at": "profiles/made.toml:1"}]}]
    assert ports["totals"] == {"held": 8, "kept": len(KEPT_PORTS), "free": 0x10000 - 8 - len(KEPT_PORTS)}
    assert ports["holders"] == {"com1": 8}
    lines = space(certified(driver_and_client()), "interrupt")
    assert [(e["range"], e["holder"]) for e in lines["ranges"] if e["state"] == "held"] == [("4", "com1")]


@pytest.mark.parametrize("name", [s.value for s in Space])
def test_the_ranges_of_a_space_are_all_of_it(name):
    claims = space(certified(driver_and_client()), name)
    end = 0
    for entry in claims["ranges"]:
        assert entry["first"] == end <= entry["last"]
        end = entry["last"] + 1
    assert end == claims["size"] == sum(claims["totals"].values())


def test_every_space_is_in_it():
    assert [Space(s["space"]) for s in certified(driver_and_client())["spaces"]] == list(Space) == list(SIZES)


def test_the_same_system_and_image_give_the_same_bytes():
    made = driver_and_client()
    assert certify(linked(made), made).value == certify(linked(driver_and_client()), driver_and_client()).value


def test_the_emergency_port_is_said_to_be_shared():
    emergency = certified(driver_and_client())["emergency"]
    assert (emergency["range"], emergency["holders"]) == ("0x3f8..0x3ff", ["com1"])
    assert "no instance runs" in emergency["statement"]
    assert certified(system(driver("a", (0x60, 1))))["emergency"] is None


def test_two_needs_of_one_instance_may_meet_and_are_both_named():
    ports = space(certified(system(driver("a", (0x62, 4), (0x64, 4)))), "port")
    held = [(e["range"], [g["need"] for g in e["grants"]]) for e in ports["ranges"] if e["state"] == "held"]
    both = ["port.regs-0", "port.regs-1"]
    assert held == [("0x62..0x63", both[:1]), ("0x64..0x65", both), ("0x66..0x67", both[1:])]
    assert ports["holders"] == {"a": 6}


@pytest.mark.parametrize(("instances", "says"), [
    ([driver("a", (0x300, 4)), driver("b", (0x303, 4))], "port 0x303 is held by `a` and `b`"),
    ([driver("a", (0x1F, 2))], "port 0x20 is held by `a` and the kernel"),
    ([driver("a", line=("isa", 5)), driver("b", line=("gsi", 5))], "interrupt 5 is held by `a` and `b`"),
    ([driver("a", line=("gsi", 2))], "interrupt 2 is held by `a` and the kernel"),
    ([driver("a", memory=[(0x1FF8, 8)]), driver("b", memory=[(0x1000, 8)])], "MMIO page 0x1000..0x1fff is held by `a` and `b`"),
    ([driver("a", memory=[(0xFEBF_FFF8, 9)])], "MMIO page 0xfec00000..0xfec00fff is held by `a` and the kernel"),
    ([driver("a", memory=[((1 << 52) - 8, 16)])], "MMIO page 0xffffffffff000..0x10000000000fff goes past the last one"),
    ([driver("a", (0xFFFF, 2))], "port 0xffff..0x10000 goes past the last one, 0xffff"),
], ids=["two holders", "kept", "one line by two names", "a kept line", "one page", "a kept page", "past the last address",
        "past the end"])
def test_what_rules_would_refuse_is_never_certified(instances, says):
    made = system(*instances)
    result = certify(linked(driver_and_client()), made)
    assert result.value is None
    assert [d.code for d in result.diagnostics] == ["M0520"]
    assert says in result.diagnostics[0].message and len(result.diagnostics[0].labels) == len(instances)


PORTS = st.tuples(st.one_of(st.integers(0, 0x48), st.integers(0xFFF0, 0xFFFF)), st.integers(1, 12))
LINES = st.none() | st.tuples(st.sampled_from(("isa", "gsi")), st.integers(0, 6))
MEMORY = st.tuples(st.one_of(st.integers(0, 0x600), st.integers(0x1FD7_FC00, 0x1FD8_0200)).map(lambda n: n * 8), st.integers(1, 0x2100))
DRIVERS = st.lists(st.tuples(st.lists(PORTS, max_size=3), LINES, st.lists(MEMORY, max_size=2)), max_size=4)


def agree(drivers):
    """The sweeps refuse exactly the systems that counting refuses, and that sets of units show to share something."""
    made = system(*(driver(f"d{k}", *ports, line=line, memory=memory) for k, (ports, line, memory) in enumerate(drivers)))
    refused = any(d.code in SHARING for d in check(made))
    counted = any(stretch.fault or stretch.range.end > SIZES[each] for each in Space for stretch in partition(made, each))
    held = [units_of(*each) for each in drivers]
    units = [unit for each in held for unit in each]
    shared = len(units) != len(set(units)) or any(unit in KEPT or unit == (0, 0x10000) for unit in units)
    assert refused == counted == shared


SHARING = ("M0310", "M0311", "M0312", "M0313", "M0314", "M0316", "M0317", "M0318")
KEPT = {(0, p) for p in KEPT_PORTS} | {(1, n) for n in KEPT_LINES} | {(2, 0xFEC00), (2, 0xFEE00)}


def units_of(ports, line, memory):
    """All that one driver holds, unit by unit."""
    found = {(0, p) for base, length in ports for p in range(base, base + length)} | ({(1, line[1])} if line else set())
    return found | {(2, byte // 4096) for base, length in memory for byte in (*range(base, base + length, 4096), base + length - 1)}


@settings(max_examples=200, deadline=None)
@given(DRIVERS)
def test_sweep_and_count_agree(drivers):
    agree(drivers)


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(DRIVERS)
def test_sweep_and_count_agree_on_thousands_of_systems(drivers):
    agree(drivers)


def test_a_function_that_is_granted_by_its_place_has_one_holder():
    card = app("net", need("device", "card"))
    lan, wan, any_ = instance("lan", card, card={"slot": "00:03.0", "skip": 0}), instance("wan", card, card={"slot": "ff:1f.7", "skip": 0}), instance("x", card, card={"slot": "any"})
    claims = space(certified(system(lan, wan, any_)), "PCI function")
    assert [(e["first"], e["range"], e["holder"]) for e in claims["ranges"] if e["state"] == "held"] == [(0x18, "00:03.0", "lan"), (0xFFFF, "ff:1f.7", "wan")]
    again = instance("wan", card, card={"slot": "00:03.0", "skip": 0})
    assert [said.code for said in decide(system(lan, again)).diagnostics] == ["M0520"]
