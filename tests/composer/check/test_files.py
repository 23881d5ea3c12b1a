"""Folders that overlap: what the rules find by one sweep is what looking at each pair finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from composer.check.files import Folder, folders, overlapping
from composer.system import Access
from tests.composer.systems import app, instance, need, system

PATHS = st.lists(st.sampled_from(["a", "ab", "b"]), max_size=3).map(lambda parts: f"/{'/'.join(parts)}")
USER = app("user", need("files", "home", access=Access.BOTH))


@st.composite
def systems(draw):
    grants = draw(st.lists(st.tuples(st.sampled_from(["one.files", "two.files"]), PATHS, st.booleans()), max_size=8))
    return system(*(instance(f"i{number}", USER, home={"from": server, "path": path, "shared": mark}) for number, (server, path, mark) in enumerate(grants)))


def lies_below(path: str, folder: str) -> bool:
    return folder == "/" or path == folder or path.startswith(f"{folder}/")


def conflict(one: Folder, other: Folder) -> bool:
    return bool(one.value["shared"]) or bool(other.value["shared"])


@given(systems())
def test_a_folder_is_told_exactly_where_a_pair_has_it_in_the_other(made):
    every = folders(made)
    found = list(overlapping(made, conflict))
    for outer, inner in found:
        assert outer.provider == inner.provider and lies_below(inner.path, outer.path) and conflict(outer, inner)
    said = [inner.instance.name for _, inner in found]
    wanted = {inner.instance.name for place, inner in enumerate(every) for number, outer in enumerate(every)
              if outer.provider == inner.provider and lies_below(inner.path, outer.path) and conflict(outer, inner)
              and (outer.path != inner.path or number < place)}
    assert sorted(said) == sorted(wanted)


@given(systems())
def test_the_nearest_folder_above_is_told(made):
    for outer, inner in overlapping(made, conflict):
        between = [other for other in folders(made) if other.provider == outer.provider and conflict(other, inner)
                   and lies_below(inner.path, other.path) and lies_below(other.path, outer.path) and other.path not in (outer.path, inner.path)]
        assert not between
