"""Badges of files: their bytes are those of docs/formats.md, and what reads them takes no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.badge import LARGEST, UNLIMITED, Badge, NoBadge, badge_of, decode, granted_access
from composer.shapes import LONGEST_FOLDER, LONGEST_NAME
from composer.system import Access
from tests.composer.systems import app, instance, need

NOTES = Badge("notes", "/home/é", Access.BOTH, 1 << 20)
ACCESSES = st.sampled_from([Access.READ, Access.BOTH])


def test_the_bytes_are_where_the_formats_say():
    assert NOTES.encode() == bytes([1, 3, 5, 0, 8, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0]) + b"notes" + b"/home/\xc3\xa9"
    assert Badge("a", "/", Access.READ).encode() == bytes([1, 1, 1, 0, 1, 0, 0, 0]) + b"\xff" * 8 + b"a/"


@given(st.builds(Badge, st.text(max_size=48), st.text(max_size=300), ACCESSES, st.none() | st.integers(0, UNLIMITED - 1)))
def test_what_was_encoded_is_decoded(badge):
    assert decode(badge.encode()) == badge


@given(st.binary(max_size=40) | st.builds(lambda cut, more: NOTES.encode()[:cut] + more, st.integers(0, 40), st.binary(max_size=3)))
def test_other_bytes_are_no_badge(data):
    try:
        badge = decode(data)
    except NoBadge:
        return
    assert badge.encode() == data


@pytest.mark.parametrize(("at", "value"), [(0, 2), (1, 0), (1, 2), (1, 4), (2, 6), (4, 7), (6, 1), (16, 0xFF)])
def test_each_part_of_the_header_counts(at, value):
    data = bytearray(NOTES.encode())
    data[at] = value
    with pytest.raises(NoBadge):
        decode(bytes(data))


def test_the_longest_names_fit():
    assert len(Badge("i" * LONGEST_NAME, "/" + "p" * (LONGEST_FOLDER - 1), Access.BOTH, 1).encode()) <= LARGEST


@pytest.mark.parametrize(("asked", "value", "allowed", "words"), [
    (Access.BOTH, {}, Access.BOTH, "read and write /home"), (Access.READ, {}, Access.READ, "read /home"),
    (Access.BOTH, {"access": Access.READ}, Access.READ, "read /home"), (Access.BOTH, {"quota": 3 << 19}, Access.BOTH, "read and write /home, at most 1536 KiB"),
])
def test_a_grant_allows_what_it_says_or_else_what_is_asked_for(asked, value, allowed, words):
    made = instance("notes", app("notes", need("files", "home", access=asked)), home={"from": "store.files", "path": "/home", **value})
    grant = made.grants[0]
    assert granted_access(grant) is allowed
    badge = badge_of("notes", grant)
    assert (badge.words, badge.access, badge.instance, badge.quota) == (words, allowed, "notes", value.get("quota"))
