"""Granted paths: one spelling for each folder, and what lies in which."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.paths import LONGEST, check_path, folders_above, lies_in, names_of
from composer.units import Complaint

NAMES = st.lists(st.sampled_from(["a", "ab", "b", "é"]), max_size=4)
PATHS = NAMES.map(lambda names: f"/{'/'.join(names)}")


@given(st.lists(st.sampled_from(["a", "b", "", ".", ".."]), max_size=6).map(lambda names: f"/{'/'.join(names)}"))
def test_the_advice_is_the_path_that_is_meant(written):
    meant = posixpath.normpath(written).replace("//", "/")
    try:
        assert check_path(written) == written == meant
    except Complaint as complaint:
        assert written != meant and complaint.help == f"write `{meant}`"
        assert check_path(meant) == meant


@given(PATHS, PATHS)
def test_what_lies_in_a_folder_begins_with_its_names(path, folder):
    assert lies_in(path, folder) == (f"{path}/".startswith(f"{folder.rstrip('/')}/"))
    assert (folder in [*folders_above(path), path]) == lies_in(path, folder)


@given(PATHS)
def test_names_make_the_path(path):
    assert f"/{'/'.join(names_of(path))}" == path


@pytest.mark.parametrize("path", ["/", "/…", "/a b", "/" + "é" * 127, ("/" + "n" * 255) * (LONGEST // 256)])
def test_these_are_paths(path):
    assert check_path(path) == path


@pytest.mark.parametrize("path", ["", "a", "/" + "é" * 128, "/\u202e", "/a\n", "/\x00", ("/" + "n" * 203) * 5 + "/nnnnn"])
def test_these_are_none(path):
    with pytest.raises(Complaint):
        check_path(path)
