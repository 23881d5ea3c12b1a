"""Port rules against plain counting: no overlap missed, none invented, and each range's edges on both sides."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from composer.check import check
from composer.check.kept import KERNEL_PORTS
from composer.check.ports import overlapping
from composer.hardware import Held, Space
from composer.spans import Source, Span
from composer.system import Access, Grant, Need, Range
from tests.composer.manifests import system_of

SPAN = Span(Source("main.toml", "x"), 0, 1)


def held(instance, base, length):
    need = Need("port", "regs", False, {"length": length, "access": Access.BOTH, "widths": (8,)}, SPAN)
    return Held(instance, Space.PORT, Range(base, length), SPAN, Grant(need, {"base": base}, SPAN))


HELD = st.builds(held, st.sampled_from("abc"), st.integers(0, 20), st.integers(1, 8))


@given(st.lists(HELD, max_size=8))
@example([held("a", 0, 8), held("b", 1, 1), held("a", 2, 1)])
@example([held("a", 0, 8), held("a", 1, 2), held("b", 4, 1)])
@example([held("a", 0, 4), held("b", 2, 8), held("a", 6, 1)])
def test_overlaps_are_found_exactly_where_two_instances_share_a_port(grants):
    grants = sorted(grants, key=lambda each: (each.range, each.instance))
    found = list(overlapping(grants))
    for a, b in found:
        assert a.instance != b.instance and a.range & b.range
    for k, late in enumerate(grants):
        rivals = [early for early in grants[:k] if early.instance != late.instance and early.range & late.range]
        assert any(b is late for _, b in found) == bool(rivals)


def uart_at(base, length=8):
    uart = f'[app]\nname = "uart"\nkind = "driver"\nbuild = {{ command = ["make"], output = "x.wasm" }}\n[needs.port.regs]\nlength = {length}\n'
    return {"apps/uart/app.toml": uart, "profiles/main.toml": f'[instance.com1]\napp = "uart"\ngrant.port.regs = {{ base = {base} }}\n'}


def codes(tmp_path, base, length=8):
    return [diagnostic.code for diagnostic in check(system_of(tmp_path, uart_at(base, length)))]


@pytest.mark.parametrize("kept", KERNEL_PORTS, ids=lambda kept: str(kept.range))
def test_the_kernels_ports_begin_and_end_where_they_should(tmp_path, kept):
    assert codes(tmp_path, kept.range.base, 1) == ["M0311"]
    assert codes(tmp_path, kept.range.end - 1, 1) == ["M0311"]
    assert kept.range.base == 0 or codes(tmp_path, kept.range.base - 1, 1) == []
    assert codes(tmp_path, kept.range.end, 1) == []


def test_the_kernel_keeps_what_it_needs_and_gives_the_reset_register(tmp_path):
    kept = {port for each in KERNEL_PORTS for port in range(each.range.base, each.range.end)}
    assert kept == {*range(0x10), *range(0x81, 0x90), *range(0xC0, 0xE0), 0x20, 0x21, 0x40, 0x41, 0x42, 0x43, 0x61, 0xA0, 0xA1, 0xCF8, 0xCFA, 0xCFB, 0xCFC, 0xCFD, 0xCFE, 0xCFF}
    assert all(each.reason for each in KERNEL_PORTS)
    assert codes(tmp_path, 0xCF9, 1) == []


def test_one_grant_over_two_kept_ranges_is_said_for_each(tmp_path):
    assert codes(tmp_path, 0xCF8, 3) == ["M0311", "M0311"]


def test_the_last_port_can_be_held_and_none_after_it(tmp_path):
    assert codes(tmp_path, 0xFFF8, 8) == []
    assert codes(tmp_path, 0xFFF9, 8) == ["M0314"]
    assert codes(tmp_path, 0xFFFF, 1) == []


def test_of_two_rivals_that_reach_as_far_the_first_is_named():
    a, b, c = held("a", 0, 8), held("b", 4, 4), held("c", 6, 1)
    assert list(overlapping([a, b, c])) == [(a, b), (a, c)]
    long, again = held("a", 0, 16), held("a", 5, 1)
    b, c = held("b", 2, 4), held("c", 3, 3)
    assert list(overlapping([long, b, c, again])) == [(long, b), (long, c), (b, again)]
