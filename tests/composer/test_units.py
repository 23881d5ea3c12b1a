"""Texts with units: exact both ways, and nothing that is almost a quantity is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.units import Complaint, format_duration, format_share, format_size, parse_duration, parse_share, parse_size


@pytest.mark.parametrize(("text", "size"), [("64 KiB", 65536), ("1MiB", 1 << 20), ("4 GiB", 1 << 32), ("0 B", 0), ("1.5 MiB", 3 << 19)])
def test_sizes_are_bytes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(("text", "share"), [("20 %", 200), ("100%", 1000), ("12.5 %", 125), ("0.1 %", 1)])
def test_shares_are_permille(text, share):
    assert parse_share(text) == share


@pytest.mark.parametrize(("text", "duration"), [("100 ms", 100), ("1 s", 1000), ("1.5 s", 1500), ("2 min", 120_000)])
def test_durations_are_milliseconds(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize("written", [
    65536, 1.5, True, None, [], "", " ", "64", "KiB", "64 KB", "64 kib", "-1 KiB", "+1 KiB", "1  KiB", " 1 KiB", "1 KiB ", "1 KiB\n", "1.B", ".5 KiB",
    "1.25 MiB", "0.1 B", "٣ KiB", "9999999999999 B", "1e3 B", "64 %", "1_000 B", "0x10 B",
])
def test_what_is_no_size_is_refused(written):
    with pytest.raises(Complaint) as complaint:
        parse_size(written)
    assert complaint.value.help


@pytest.mark.parametrize("written", ["20", "20 MiB", "1.25 %", "20 percent", 20])
def test_what_is_no_share_is_refused(written):
    with pytest.raises(Complaint):
        parse_share(written)


@given(st.integers(0, 1 << 38))
def test_a_size_survives_its_text(size):
    assert parse_size(format_size(size)) == size


@given(st.integers(0, 1000))
def test_a_share_survives_its_text(share):
    assert parse_share(format_share(share)) == share


@given(st.integers(0, 10**9))
def test_a_duration_survives_its_text(duration):
    assert parse_duration(format_duration(duration)) == duration


@given(st.text())
def test_no_text_makes_anything_but_a_number_or_a_complaint(text):
    for parse in (parse_size, parse_share, parse_duration):
        try:
            assert parse(text) >= 0
        except Complaint as complaint:
            assert complaint.message
