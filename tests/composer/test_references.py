"""References in texts: found, replaced, written out, and never seen where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer import references
from composer.spans import Source
from composer.toml_spans import parse

PIECES = st.lists(st.sampled_from(["$", "{", "}", "${", "$${", "${a}", "${b-1}", "a", "A", " ", "\\", "é"]), max_size=8).map("".join)


@given(PIECES)
def test_an_escaped_text_stands_for_itself(text):
    written = references.escaped(text)
    assert references.names(written) == () and not references.is_misspelt(written)
    assert references.without_marks(written, {}) == text


@given(PIECES)
def test_only_a_text_with_a_mark_is_other_than_it_reads(text):
    assert references.has_marks(text) == ("${" in text)
    if not references.has_marks(text):
        assert references.names(text) == () and references.without_marks(text, {}) == text


@pytest.mark.parametrize(("text", "names", "whole", "misspelt"), [
    ("${a}", ("a",), "a", False),
    ("${a}.${b-1}", ("a", "b-1"), None, False),
    (" ${a}", ("a",), None, False),
    ("$${a}", (), None, False),
    ("$$${a}", (), None, False),
    ("$a", (), None, False),
    ("${}", (), None, True),
    ("${A}", (), None, True),
    ("${a", (), None, True),
    ("${a} ${", ("a",), None, True),
])
def test_what_is_a_reference(text, names, whole, misspelt):
    assert (references.names(text), references.whole(text), references.is_misspelt(text)) == (names, whole, misspelt)


def test_a_reference_has_its_place_in_the_text():
    node = parse(Source("a.toml", 'x = "of ${one} and ${two}"')).value.get("x")
    place = references.place(node, "two")
    assert place.source.text[place.start : place.end] == "${two}"
