"""The record of an image's origin: written in one way, read only so, and without anything of this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer import origin
from composer.origin import Composer, Origin, read_record
from composer.system import Build
from tests.composer.systems import SPAN, app

A, B = "a" * 64, "b" * 64
MADE = Origin(Composer("0.1.0", A), B, "kiosk", "q35", {"port": "0x3f8"}, {"wasmtime": "48.0.0"}, {"uart": A, "shell": B})


def test_a_record_is_canonical_and_read_back():
    record = MADE.record()
    read = read_record(record)
    assert read["profile"] == "kiosk" and read["wasm"] == {"uart": A, "shell": B} and read["composer"] == {"version": "0.1.0", "sha256": A}
    assert record.isascii() and b" " not in record.replace(b"48.0.0", b"") and list(json.loads(record)) == sorted(json.loads(record))
    assert Origin(MADE.composer, B, "kiosk", "q35", MADE.settings, MADE.toolchain, dict(reversed(MADE.wasm.items()))).record() == record


def test_words_of_any_language_are_kept():
    made = Origin(Composer("0.1.0", A), B, "kiosk", None, {"greeting": "Grüß Gott, 世界"})
    assert read_record(made.record())["settings"] == {"greeting": "Grüß Gott, 世界"} and made.record().isascii()


def changed(**keys):
    return json.dumps({**json.loads(MADE.record()), **keys}, sort_keys=True, separators=(",", ":")).encode()


BROKEN = {
    "no JSON": (b"", b"{", b"\xff", b"[" * 5000, b'{"format":' + b"9" * 5000 + b"}"),
    "other keys": (b"[]", b"{}", b"1", changed(more=1)),
    "another format": (changed(format=2), changed(format=True), changed(format="1")),
    "`composer` is none": (changed(composer={"version": "1"}), changed(composer={"version": "1", "sha256": "a"}), changed(composer=None)),
    "`kernel` is none": (changed(kernel="b" * 63), changed(kernel=B.upper()), changed(kernel=1)),
    "`profile` is none": (changed(profile="a\n"), changed(profile="\u202ekiosk"), changed(profile="\ud800"), changed(profile="a" * 2000), changed(profile=None)),
    "`target` is none": (changed(target=3), changed(target="\x1b[2J")),
    "`settings` is none": (changed(settings=[]), changed(settings={"a": 1}), changed(settings={"a\x07": "1"})),
    "`toolchain` is none": (changed(toolchain={"zig": None}),),
    "`wasm` is none": (changed(wasm={"uart": "short"}),),
    "another way": (MADE.record() + b"\n", MADE.record().replace(b":", b": "), MADE.record().replace(b'"0.1.0"', b'"0.1.\\u0030"')),
}


@pytest.mark.parametrize("says", BROKEN)
def test_what_is_no_record_is_told_in_words(says):
    for record in BROKEN[says]:
        with pytest.raises(ValueError, match=says):
            read_record(record)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each))


@given(st.fixed_dictionaries({key: JSON for key in json.loads(MADE.record())}) | JSON)
def test_no_json_gives_more_than_a_sentence(value):
    try:
        read = read_record(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
    except ValueError as fault:
        assert str(fault).startswith("it")
    else:
        assert read == value


def test_an_edit_of_the_composer_makes_it_another(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    for name in ("composer/link.py", "kernel/interfaces/port.toml", "requirements.lock", "README.md", "composer/__pycache__/link.pyc",
                 "composer/explanations/M0303.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(origin, "HOME", tmp_path)
    monkeypatch.setattr(origin, "HERE", tmp_path / "composer")
    before = origin.composer()
    (tmp_path / "README.md").write_text("another")
    (tmp_path / "composer/__pycache__/link.pyc").write_text("another")
    (tmp_path / "composer/explanations/M0303.md").write_text("another")
    assert origin.composer() == before
    seen = {before.sha256}
    for name in ("composer/link.py", "kernel/interfaces/port.toml", "requirements.lock"):
        (tmp_path / name).write_text("another")
        seen.add(origin.composer().sha256)
    assert len(seen) == 4


def built(form):
    made = app(form)
    return type(made)(**{**{name: getattr(made, name) for name in made.__slots__}, "build": Build(form, ("x",), SPAN)})


def test_only_compilers_that_take_part_are_recorded(monkeypatch):
    monkeypatch.setattr(origin, "tool", lambda name: f"{name} 1" if name != origin.ZIG else None)
    both = {origin.WASMTIME, origin.KERNEL_RUST, origin.KERNEL_LINKER}
    assert set(origin.toolchain([built("wat"), built("command")])) == both
    assert set(origin.toolchain([built("cargo")])) == both | {origin.APPS_RUST, origin.APPS_LINKER}
    assert set(origin.toolchain([built("c")])) == both, "Zig is not here, as it was said"


def test_what_compilers_call_themselves_names_no_folder():
    for name in (origin.WASMTIME, origin.ZIG, origin.KERNEL_RUST, origin.KERNEL_LINKER, origin.APPS_RUST, origin.APPS_LINKER):
        words = origin.tool(name)
        assert words is None or (words and os.sep not in words and str(Path.home()) not in words and "\n" not in words)
    assert origin.tool("no such tool") is None
