"""Sizes: nothing is counted twice and nothing is left out, whatever the binary."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wasmtime import wat2wasm

from composer.questions.diff import Side
from composer.questions.report_size import MOST, show, to_data, to_text
from composer.questions.size import Sizes, sizes, weigh
from tests.composer.asked_workspace import CLOCK_WAT
from tests.composer.tables import table

BINARY = bytes(wat2wasm(CLOCK_WAT))


@pytest.fixture
def found(tmp_path):
    (tmp_path / "rtc.wasm").write_bytes(BINARY)
    side = Side("made", table(), {"app/rtc": ("00", 300), "glue/rtc": ("11", 700)}, {"kernel": 4000, "apps": 300, "glue": 700})
    return sizes(side, {"rtc": tmp_path / "rtc.wasm"})


def test_the_sections_of_a_binary_are_all_of_it():
    weighed = weigh("rtc", BINARY)
    assert sum(size for _, size in weighed.sections) == len(BINARY)
    assert {"code", "import", "export", "memory"} <= {name for name, _ in weighed.sections}


def test_functions_are_within_the_code_and_go_by_their_names():
    weighed = weigh("rtc", BINARY)
    assert [name for name, _ in weighed.functions] == ["_start"]
    assert sum(size for _, size in weighed.functions) < dict(weighed.sections)["code"]


def test_biggest_come_first(found):
    assert found.parts == (("kernel", 4000), ("glue", 700), ("apps", 300)) and found.modules[0][0] == "glue/rtc"
    assert [size for _, size in found.apps[0].sections] == sorted((size for _, size in found.apps[0].sections), reverse=True)


def test_text_has_totals_and_shares(found):
    text = to_text(found)
    assert text.startswith("made: 5,000 bytes\n") and "  kernel" in text and " 80.0 %" in text
    assert f"rtc, wasm by section: {len(BINARY)} bytes" in text and "rtc, 1 function\n" in text


def test_bars_say_the_same(found):
    out = io.StringIO()
    show(found, out)
    for line in to_text(found).splitlines():
        assert all(word in out.getvalue() for word in line.split())


def test_what_is_not_shown_is_counted():
    many = "".join(f"(func $f{k} (drop (i32.const {k})))" for k in range(MOST + 3))
    weighed = weigh("many", bytes(wat2wasm(f"(module {many})")))
    text = to_text(Sizes("made", (), (), (weighed,)))
    assert f"its largest of {MOST + 3} functions" in text and "(3 more functions)" in text


def test_data_leaves_nothing_out(found):
    data = to_data(found)
    assert data["size"] == 5000 and sum(each["size"] for each in data["apps"][0]["sections"]) == len(BINARY)


@given(st.integers(0, len(BINARY)), st.binary(max_size=3))
def test_a_broken_binary_has_at_least_its_size(cut, junk):
    broken = BINARY[:cut] + junk
    assert weigh("broken", broken).size == len(broken)
