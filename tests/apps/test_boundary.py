"""The hostile app `boundary` is made from kernel/interfaces: it calls what is there now, with every boundary value."""

from __future__ import annotations

import pytest

from composer.interfaces import Function, Param, load_interfaces
from tests.tools.boundary import APPS, LENGTHS, MEMORY, POINTERS, VALUES, calls, cases, files, leaves_memory


@pytest.mark.parametrize("path", sorted(map(str, files(load_interfaces()))))
def test_what_is_here_is_what_would_be_written_now(path):
    found = {str(made): text for made, text in files(load_interfaces()).items()}
    assert (APPS / path).read_text() == found[path], "write it anew: python -m tests.tools.boundary"


def test_every_function_of_every_interface_is_called():
    interfaces = load_interfaces()
    named = {id(f) for c in interfaces.capabilities.values() for f in (*c.client.values(), *c.server.values())}
    assert {id(call.function) for call in calls(interfaces)} == named


def made(*types: str) -> Function:
    return Function("f", "", tuple(Param(f"p{i}", word) for i, word in enumerate(types)), "result", "raw", "plain")


def test_a_pair_is_given_every_pointer_with_every_length():
    assert {(pointer, length) for pointer in POINTERS for length in LENGTHS} == set(cases(made("buffer")))


def test_of_two_pairs_each_goes_wrong_alone_and_both_together():
    bad = (POINTERS[-1], LENGTHS[-1])
    found = cases(made("bytes", "buffer"))
    assert {row[:2] == bad for row in found if row[2:] == bad} == {True, False}
    assert any(row[:2] == bad and row[2:] != bad for row in found)


def test_all_else_is_given_every_value_in_every_combination():
    found = set(cases(made("u32", "i64")))
    assert found == {(a, b) for a in VALUES["u32"] for b in VALUES["i64"]}


def test_of_many_parameters_each_still_has_every_value():
    found = cases(made("u32", "u32", "u32", "u32"))
    assert all({row[i] for row in found} == set(VALUES["u32"]) for i in range(4))


def test_what_leaves_memory_is_known():
    function = made("u32", "buffer")
    assert [leaves_memory(function, (MEMORY + 9, *pair)) for pair in ((0, MEMORY), (1, MEMORY), (MEMORY, 0), (MEMORY, 1), (2**32 - 1, 0))] == [
        False, True, False, True, True]
