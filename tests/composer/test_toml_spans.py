"""The span scanner: it sees what tomllib sees, knows where it stands, and no text makes it fail."""

from __future__ import annotations

import datetime
import tomllib

import pytest
import tomli_w
from hypothesis import example, given, settings
from hypothesis import strategies as st

from composer.diagnostics import Severity
from composer.spans import Source
from composer.toml_spans import DEEPEST, Node, leaves, parse

EVERY_FORM = '''\
# all that TOML has
title = "a \\"quoted\\" \\u00e9 # no comment"   # a comment
literal = 'C:\\no\\escape'
"quoted key" = 1
'literal.key' = 2
"\\u0061b" = 3
multi = """
one "two" ""three\\
   four""\\"""""
raw = \'\'\'
it's ''fine\'\'\'\'\'
dotted.inner . "deep.er" = true
numbers = [ 1, -2, +3, 0x3f8, 0o17, 0b101, 1_000,  # with comments
  3.5, -1e9, inf, nan, ]
dates = [1979-05-27T07:32:00Z, 1979-05-27 07:32:00.999, 1979-05-27, 07:32:00]
inline = { a = 1, b.c = "x", d = { }, e = [ { f = [] } ] }
empty = ""

[table]
key = "ü€😀"
[table.sub.deeper]
x = false
[[array]]
name = "first"
[array.part]
y = 1
[[array]]
name = "second"
[array.part]
y = 2
[[array.inner]]
z = 3
[[array.inner]]
[table.sub]
later = true
'''


def tree_of(text: str) -> Node:
    result = parse(Source("a.toml", text))
    assert result.diagnostics == ()
    assert result.value is not None
    return result.value


def same(found: object, wanted: object) -> bool:
    """Equal in order, type and value, where NaN equals itself."""
    return repr(found) == repr(wanted)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_form_of_toml_is_seen_as_tomllib_sees_it(end):
    text = EVERY_FORM.replace("\n", end)
    assert same(tree_of(text).plain(), tomllib.loads(text))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_text_of_every_span_says_its_value(end):
    for path, node in leaves(tree_of(EVERY_FORM.replace("\n", end))):
        if node.text not in ("array.inner", "array"):
            assert same(tomllib.loads(f"x = {node.text}")["x"], node.plain()), path


def test_the_text_of_every_key_names_it():
    def walk(node):
        for name, child in node.table.items():
            key = child.key
            written = key.source.text[key.start : key.end]
            assert list(tomllib.loads(f"{written} = 1")) == [name]
            walk(child)

    walk(tree_of(EVERY_FORM))


def test_places_count_lines_and_characters_from_one():
    node = tree_of('# é\r\n  [a]\r\n\té = 1\r\n'.replace("é =", '"é" =')).get("a", "é")
    assert (node.key.line, node.key.column) == (3, 2)
    assert (node.span.line, node.span.column) == (3, 8)


def test_a_table_points_at_its_own_header_even_when_it_was_implied_before():
    text = "[a.b]\nx = 1\n[a]\ny = 2\n"
    assert tree_of(text).get("a").span.line == 3
    assert tree_of(text).get("a", "b").span.line == 1


def test_an_array_of_tables_has_a_place_for_each():
    nodes = tree_of("[[a]]\n[[a]]\nx = 1\n").get("a").value
    assert [node.span.line for node in nodes] == [1, 2]


KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.dates(), st.times(timezones=st.none()), st.datetimes(timezones=st.none() | st.just(datetime.UTC)),
)
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=4),
    lambda inner: st.dictionaries(KEYS, st.one_of(SCALARS, inner, st.lists(st.one_of(SCALARS, inner), max_size=3)), max_size=4),
    max_leaves=12,
)


@given(TABLES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_can_be_written_is_read_with_its_places(table, several_lines):
    text = tomli_w.dumps(table, multiline_strings=several_lines)
    tree = tree_of(text)
    assert same(tree.plain(), tomllib.loads(text))
    for _, node in leaves(tree):
        if node.key and not isinstance(node.value, (dict, list)):
            assert same(tomllib.loads(f"x = {node.text}")["x"], node.value)


PIECES = st.sampled_from([
    "a", "b", "é", "a.b", '"q"', "'l'", "=", " = ", "[", "]", "[[", "]]", "{", "}", ",", ".", "\n", "\r\n", "\r", " ", "\t", "#", "# c\n",
    '"', "'", '"""', "'''", '""', "\\", "\\u00e9", "\\n", "1", "0x1f", "1979-05-27", " 07:32:00", "true", "1.5", "\0", "\x1b", "\u2028",
    "[a]\n", "a = 1\n", "[a.b]\n", "[[c]]\n", "d = { e = 1 }\n",
])


def agrees_with_tomllib(text: str) -> None:
    result = parse(Source("a.toml", text))
    try:
        wanted = tomllib.loads(text)
    except ValueError:
        assert result.value is None
        assert [d.severity for d in result.diagnostics] == [Severity.ERROR]
        place = result.diagnostics[0].labels[0].place
        assert 0 <= place.start <= place.end <= len(text)
        assert place.line >= 1 and place.column >= 1
    else:
        assert result.diagnostics == ()
        assert same(result.value.plain(), wanted)


@given(st.lists(PIECES, max_size=25).map("".join))
@example("a = 1\r")
@example("a.b = 1\n[a]\n")
@example("[a]\nb.c = 1\n[a.b]\n")
@example("[[a]]\n[a]\n")
@example("a = [{}]\n[[a]]\n")
@example("a = {}\n[a.b]\n")
@example("a = " + "9" * 5000)
@example('a = "\\ud800"')
@example("a = 2026-13-45")
@settings(max_examples=1500, deadline=None)
def test_almost_toml_is_refused_or_read_exactly_as_tomllib_does(text):
    agrees_with_tomllib(text)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_manifest_with_a_typing_mistake_never_fails_otherwise(data):
    at = data.draw(st.integers(0, len(EVERY_FORM)))
    until = data.draw(st.integers(at, min(len(EVERY_FORM), at + 6)))
    agrees_with_tomllib(EVERY_FORM[:at] + data.draw(PIECES | st.just("")) + EVERY_FORM[until:])


def code_of(text: str) -> str:
    diagnostics = parse(Source("a.toml", text)).diagnostics
    return diagnostics[0].code if diagnostics else ""


DEEP = {
    "arrays": lambda depth: "a = " + "[" * depth + "]" * depth,
    "inline tables": lambda depth: "a = " + "{a = " * depth + "1" + "}" * depth,
    "a dotted key": lambda depth: ".".join("a" * depth) + ".a = 1",
    "a header": lambda depth: "[" + ".".join("a" * depth) + "]",
}


@pytest.mark.parametrize("form", DEEP)
@pytest.mark.parametrize("depth", [DEEPEST + 1, 50_000])
def test_nesting_has_an_end(form, depth):
    assert code_of(DEEP[form](depth)) == "M0103"


@pytest.mark.parametrize("form", DEEP)
def test_what_is_nested_deeply_but_not_too_deeply_is_read(form):
    assert code_of(DEEP[form](DEEPEST - 1)) == ""


@pytest.mark.parametrize("text", ["a = 1\na = 2\n", "[a]\n[b]\n[a]\n", "[a]\nb = 1\nb.c = 2\n", "a = { b = 1, b = 2 }\n"])
def test_what_is_written_twice_is_refused(text):
    assert code_of(text) in ("M0101", "M0104")


def test_a_table_written_twice_is_shown_at_both_places():
    [diagnostic] = parse(Source("a.toml", "[a.b]\n[c]\n[a.b]\n")).diagnostics
    assert diagnostic.code == "M0104"
    assert [label.place.line for label in diagnostic.labels] == [3, 1]


def test_a_syntax_error_names_line_and_column():
    [diagnostic] = parse(Source("a.toml", "a = 1\nb = \n")).diagnostics
    assert diagnostic.code == "M0101"
    assert str(diagnostic.labels[0].place) == "a.toml:2:5"


def test_a_syntax_error_at_the_end_is_shown_where_the_text_ends():
    [diagnostic] = parse(Source("a.toml", "a = [1,\n\n\n")).diagnostics
    assert str(diagnostic.labels[0].place) == "a.toml:1:8"
