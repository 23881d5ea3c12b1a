"""Edits of manifests: what is wanted is what the text says afterwards, and every line that has no part in it is as it was."""

from __future__ import annotations

import copy
import tomllib
from os.path import commonprefix
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.edit import Hex, Uneditable, add_table, dotted, remove, set_value, shown

APP = """\
# What the file is for: nobody's, and it stays.

[app]
name = "uart"   # its name

# The registers.
[needs.port.regs]           # eight of them
# how many
length = 8
access = "rw"

# Between two parts.

[needs.irq.line]

[limits]
memory = "1 MiB"
"""

PROFILE = """\
[instance.com1]
app = "uart"
grant.port.regs = { base = 0x3f8, length = 8 }   # where
grant.irq.line = { isa = 4 }
limits = {cpu = "10 %"}

[instance.hello]
app = "hello"
"""


def lines_of(text):
    return text.splitlines(keepends=True)


def without_lines(text, *first_words):
    return "".join(line for line in lines_of(text) if not line.startswith(first_words))


def test_a_value_is_replaced_and_its_comment_stays():
    assert set_value(PROFILE, ("instance", "com1", "grant", "port", "regs"), {"base": Hex(0x2F8)}) == PROFILE.replace(
        "{ base = 0x3f8, length = 8 }", "{ base = 0x2f8 }")
    assert set_value(APP, ("needs", "port", "regs", "length"), 6) == APP.replace("length = 8", "length = 6")


def test_a_key_goes_with_its_line():
    assert remove(APP, ("needs", "port", "regs", "access")) == without_lines(APP, "access")
    assert remove(PROFILE, ("instance", "com1", "grant", "irq", "line")) == without_lines(PROFILE, "grant.irq")
    assert remove(PROFILE, ("instance", "com1", "grant")) == without_lines(PROFILE, "grant.")


def test_a_table_goes_with_its_comment_and_its_blank_line_and_no_more():
    assert remove(APP, ("needs", "port", "regs")) == """\
# What the file is for: nobody's, and it stays.

[app]
name = "uart"   # its name

# Between two parts.

[needs.irq.line]

[limits]
memory = "1 MiB"
"""
    assert remove(APP, ("limits",)) == APP[: APP.index("\n[limits]")]


def test_the_words_that_a_file_opens_with_stay():
    assert remove("# About this file.\n[limits]\nmemory = 1\n", ("limits",)) == "# About this file.\n"


@pytest.mark.parametrize(("key", "left"), [
    ("base", "{ length = 8 }"), ("length", "{ base = 0x3f8 }"),
])
def test_a_key_of_an_inline_table_goes_with_one_comma(key, left):
    assert remove(PROFILE, ("instance", "com1", "grant", "port", "regs", key)) == PROFILE.replace("{ base = 0x3f8, length = 8 }", left)


def test_the_last_key_of_an_inline_table_leaves_it_empty():
    assert remove(PROFILE, ("instance", "com1", "limits", "cpu")) == PROFILE.replace('{cpu = "10 %"}', "{}")


def test_several_pairs_of_an_inline_table_go_together():
    assert remove("a = { b.c = 1, d = 2, b.e = 3 }\n", ("a", "b")) == "a = { d = 2 }\n"
    assert remove("a = { b.c = 1, b.e = 3 }\n", ("a", "b")) == "a = {}\n"
    assert remove("a = { d = 2, b.c = 1, b.e = 3 }\n", ("a", "b")) == "a = { d = 2 }\n"


def test_what_only_a_dotted_key_named_goes_with_it():
    assert tomllib.loads(remove("x = 1\na.b.c = 2\n", ("a", "b", "c"))) == {"x": 1}
    assert tomllib.loads(remove("[a]\nb.c = 2\n", ("a", "b", "c"))) == {"a": {}}


def test_a_new_key_stands_with_its_neighbours():
    assert set_value(APP, ("needs", "port", "regs", "widths"), [8, 16]) == APP.replace('access = "rw"\n', 'access = "rw"\nwidths = [8, 16]\n')
    assert set_value(PROFILE, ("instance", "com1", "grant", "irq", "other"), {"isa": 3}) == PROFILE.replace(
        "{ isa = 4 }\n", "{ isa = 4 }\ngrant.irq.other = { isa = 3 }\n")
    assert set_value(PROFILE, ("instance", "com1", "limits", "memory"), "1 MiB") == PROFILE.replace('"10 %"}', '"10 %", memory = "1 MiB"}')
    assert set_value(APP, ("needs", "irq", "line", "optional"), True) == APP.replace("[needs.irq.line]\n", "[needs.irq.line]\noptional = true\n")


def test_a_new_table_stands_with_its_kin():
    assert add_table(APP, ("needs", "port", "more"), {"length": 1}) == APP.replace(
        'access = "rw"\n', 'access = "rw"\n\n[needs.port.more]\nlength = 1\n')
    assert add_table("", ("a",), {}) == "[a]\n"
    assert set_value("[a]\nb = 1", ("c", "d"), 2) == "[a]\nb = 1\n\n[c]\nd = 2\n"


def test_a_top_level_key_stands_before_the_first_table():
    assert set_value("# About.\n\n# The app.\n[app]\n", ("key",), 1) == "# About.\n\nkey = 1\n\n# The app.\n[app]\n"
    assert set_value("", ("key",), 1) == "key = 1\n"


def test_line_ends_are_kept():
    text = APP.replace("\n", "\r\n")
    assert set_value(text, ("limits", "more"), 1) == text + "more = 1\r\n"
    assert remove(text, ("needs", "port", "regs")) == remove(APP, ("needs", "port", "regs")).replace("\n", "\r\n")


@pytest.mark.parametrize("change", [
    lambda: set_value("a = 1\n", ("a", "b"), 1),
    lambda: set_value("[a.b]\n", ("a",), 1),
    lambda: set_value("[[a]]\nb = 1\n", ("a", "b"), 1),
    lambda: set_value("a = [\n", ("a",), 1),
    lambda: set_value("a = 1\n", ("a",), object()),
    lambda: remove("a = 1\n", ("b",)),
    lambda: remove("[[a]]\nb = 1\n", ("a", "b")),
    lambda: remove("[[a]]\nb = 1\n", ("a",)),
    lambda: add_table("[a]\n", ("a",), {}),
    lambda: add_table("a = {}\n", ("a", "b"), {}),
])
def test_what_cannot_be_done_is_refused_in_words(change):
    with pytest.raises(Uneditable, match="[a-z]"):
        change()


# Any manifest at all

KEYS = ("a", "b", "c-d", "e_1", "f g", 'h"')
SCALARS = (1, True, "text", "# no comment", "é\x7f\n", [1, 2], [], ["x"])


class Written:
    """A random document, its tables written in every way that TOML has, with comments and blank lines between."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []
        self.table = self._table(0)
        self._section((), self.table)
        self.newline = random.choice(("\n", "\n", "\r\n"))
        self.text = "".join(line + self.newline for line in self.lines)
        if self.text and random.random() < 0.2:
            self.text = self.text[: -len(self.newline)]

    def table_at(self, path):
        found = self.table
        for part in path:
            found = found[part]
        return found

    def _table(self, depth):
        keys = self.random.sample(KEYS, self.random.randint(0, 3 if depth else 4))
        return {key: self._table(depth + 1) if depth < 3 and self.random.random() < 0.55 else self.random.choice(SCALARS) for key in keys}

    def _noise(self):
        for _ in range(self.random.choice((0, 0, 0, 1, 2))):
            self.lines.append(self.random.choice(("", "", "# a comment", "  # [not.a.header]", "#")))

    def _section(self, path, table):
        """All pairs that stand below this header, then the tables that have headers of their own."""
        later = []
        for key, value in table.items():
            if isinstance(value, dict) and self.random.random() < 0.6:
                later.append((key, value))
            else:
                self._pair((key,), value)
        for key, value in later:
            self._noise()
            if value and all(isinstance(each, dict) for each in value.values()) and self.random.random() < 0.5:
                for inner, each in value.items():
                    self._open((*path, key, inner), each)
            else:
                self._open((*path, key), value)

    def _open(self, path, table):
        tail = self.random.choice(("", "", "   # behind a header"))
        self.lines.append(f"[{dotted(path)}]{tail}")
        self._section(path, table)

    def _pair(self, key, value):
        self._noise()
        if isinstance(value, dict) and value and self.random.random() < 0.5:
            for inner, each in value.items():
                self._pair((*key, inner), each)
            return
        indent, gap, tail = self.random.choice(("", "", "  ")), self.random.choice((" = ", "=", "   =  ")), self.random.choice(("", "", "  # why"))
        self.lines.append(f"{indent}{dotted(key)}{gap}{shown(value)}{tail}")


def paths_of(table, path=()):
    for key, value in table.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from paths_of(value, (*path, key))


def is_part_of(less, more):
    """Whether the lines of `less` are lines of `more`, in their order."""
    rest = iter(more)
    return all(line in rest for line in less)


def plus_end(text, newline):
    return text if text.endswith("\n") or not text else text + newline


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32))
def test_removing_takes_away_what_is_wanted_and_no_other_line(seed):
    random = Random(seed)
    written = Written(random)
    assert tomllib.loads(written.text) == written.table
    for path in paths_of(written.table):
        made = remove(written.text, path)
        assert_gone(tomllib.loads(made), written.table, path)
        before, after = lines_of(written.text), lines_of(made)
        assert is_part_of(after, before) or any(is_part_of(after[:n] + after[n + 1 :], before) for n in range(len(after)))


def assert_gone(now, before, path):
    """All is as before without the value at `path`; of the tables around it, the innermost may have vanished if they held nothing else."""
    tables = []
    for depth in range(len(path), 0, -1):
        wanted = copy.deepcopy(before)
        around = wanted
        for part in path[: depth - 1]:
            around = around[part]
        del around[path[depth - 1]]
        tables.append(wanted)
        if around:
            break
    assert now in tables


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((7, "new", True, [8, 16], {"x": 1}, {}, Hex(0x3F8))))
def test_setting_writes_what_is_wanted_and_changes_no_other_line(seed, value):
    written = Written(Random(seed))
    for path in (*paths_of(written.table), ("new",), *((*path, "new") for path in paths_of(written.table))):
        wanted = copy.deepcopy(written.table)
        around = wanted
        try:
            for part in path[:-1]:
                around = around[part]
            around[path[-1]] = value
        except TypeError:
            with pytest.raises(Uneditable):
                set_value(written.text, path, value)
            continue
        try:
            made = set_value(written.text, path, value)
        except Uneditable:
            assert isinstance(written.table_at(path), dict), "only a table of several lines may not be replaced"
            continue
        assert tomllib.loads(made) == wanted
        before, after = lines_of(plus_end(written.text, written.newline)), lines_of(plus_end(made, written.newline))
        first = len(commonprefix((before, after)))
        last = len(commonprefix((before[first:][::-1], after[first:][::-1])))
        assert len(before) - first - last <= 1, "one place is edited, and one line of those that were there"
