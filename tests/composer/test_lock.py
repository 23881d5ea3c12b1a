"""munal.lock: what is written is read back, and each thing that drifted is named with both of its values."""

from __future__ import annotations

import dataclasses
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer import lock
from composer.lock import FILE, Lock, Locked, read_lock
from composer.origin import Composer
from composer.render import to_text

A, B, C, D = (letter * 64 for letter in "abcd")
LOCK = Lock(Composer("0.2.0", A), {"wasmtime": "48.0.0", "rustc of apps": "1.95.0 (59807616e 2026-04-14), LLVM 22.1.2"}, B,
            {"kiosk@q35 -D port=3": Locked(C, {"uart": A, "shell": B}, {"port": "3"}), "main": Locked(D, {"uart": A})})


@pytest.fixture
def read(tmp_path):
    """Write text as the lock, the one above where none is given, and read it."""

    def write_and_read(text=None):
        (tmp_path / FILE).write_text(LOCK.text() if text is None else text)
        result = read_lock(tmp_path)
        return result

    return write_and_read


def said(found):
    """The one diagnostic that there must be."""
    [only] = found
    return only


def test_a_lock_is_read_back_as_it_was_written(read):
    assert read().value == LOCK and read().diagnostics == ()


def test_the_text_is_sorted_and_has_one_fact_a_line():
    shuffled = Lock(LOCK.composer, dict(reversed(LOCK.toolchain.items())), LOCK.kernel, dict(reversed(LOCK.variants.items())))
    assert shuffled.text() == LOCK.text() and tomllib.loads(LOCK.text())["schema"] == 1
    added = dataclasses.replace(LOCK, variants={**LOCK.variants, "new": Locked(A, {"uart": B})})
    lines = LOCK.text().splitlines()
    assert [line for line in added.text().splitlines() if line not in lines] == ["[variant.new]", f'image = "{A}"', "[variant.new.app]", f'uart = "{B}"']
    assert max(len(line.split(" = ")) for line in lines) == 2


NAMES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=20)
DIGESTS = st.sampled_from([A, B, C, D])
LOCKS = st.builds(Lock, st.builds(Composer, NAMES, DIGESTS), st.dictionaries(NAMES, NAMES, max_size=4), DIGESTS,
                  st.dictionaries(NAMES, st.builds(Locked, DIGESTS, st.dictionaries(NAMES, DIGESTS, max_size=4),
                                                   st.dictionaries(NAMES, NAMES, max_size=2)), max_size=3))


@given(LOCKS)
def test_any_lock_is_read_back(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("lock", numbered=True)
    (folder / FILE).write_text(made.text())
    result = read_lock(folder)
    assert result.diagnostics == () and result.value == made


@given(st.data())
def test_a_lock_that_was_changed_anywhere_gives_no_more_than_a_diagnostic(tmp_path_factory, data):
    folder, text = tmp_path_factory.mktemp("lock", numbered=True), LOCK.text()
    at = data.draw(st.integers(0, len(text)))
    changed = text[:at] + data.draw(st.text(max_size=6)) + text[at + data.draw(st.integers(0, 40)):]
    (folder / FILE).write_text(changed)
    result = read_lock(folder)
    assert result.value is not None or all(d.labels and d.labels[0].place.source.path == FILE for d in result.diagnostics)
    assert to_text(result.diagnostics) is not None


def test_a_lock_that_is_not_there_is_said_so(tmp_path):
    missing = said(read_lock(tmp_path).diagnostics)
    assert missing.code == "M0501" and "run `munal lock`" in missing.help


BROKEN = {
    "M0101 not valid TOML": (f'image = "{D}"', f'image "{D}"'),
    "M0502 holds a conflict that a merge left": (f'image = "{D}"', f'<<<<<<< ours\nimage = "{D}"\n=======\nimage = "{C}"\n>>>>>>> theirs'),
    "M0104 written twice": ("[variant.main.app]", "[variant.main]"),
    "M0502 was written by a newer composer": ("schema = 1", "schema = 2"),
    "M0502 which is no number of a form": ("schema = 1", 'schema = "1"'),
    "M0502 is 0, which is no number": ("schema = 1", "schema = 0"),
    "M0502 has no `schema`": ("schema = 1", ""),
    "M0502 has no `kernel`": (f'[kernel]\nsha256 = "{B}"', ""),
    "M0502 `composer` has no `version`": ('version = "0.2.0"', ""),
    "M0502 `composer.version` is no line of text": ('version = "0.2.0"', "version = 2"),
    "M0502 `variant.main.image` is no SHA-256": (D, "dd"),
    "M0502 `variant.main.app.uart` is no SHA-256": (f'[variant.main.app]\nuart = "{A}"', "[variant.main.app]\nuart = true"),
    "M0502 `variant.main.size` is nothing that": (f'image = "{D}"', f'image = "{D}"\nsize = 3'),
    "M0502 `signed` is nothing that": ("schema = 1", "schema = 1\nsigned = true"),
    "M0502 `toolchain` is no table": ("[toolchain]", "[[toolchain]]"),
}


@pytest.mark.parametrize("says", BROKEN)
def test_a_broken_lock_is_told_with_line_and_column(read, says):
    one, other = BROKEN[says]
    assert one in LOCK.text()
    found = said(read(LOCK.text().replace(one, other)).diagnostics)
    code, _, words = says.partition(" ")
    assert found.code == code and words in to_text([found])
    assert found.labels[0].place.source.path == FILE and found.labels[0].place.line >= 1


def test_a_newer_lock_is_not_to_be_overwritten(read):
    assert "use the composer that wrote it" in said(read(LOCK.text().replace("schema = 1", "schema = 2")).diagnostics).help


def test_a_lock_of_another_composer_says_whose(read):
    locked = read().value
    older = said(lock.check_composer(locked, Composer("0.10.0", A)))
    newer = said(lock.check_composer(locked, Composer("0.1.9", A)))
    assert "written by an older composer: 0.2.0, and this is 0.10.0" in older.message
    assert "written by a newer composer: 0.2.0, and this is 0.1.9" in newer.message
    assert older.labels[0].place.line == LOCK.text().splitlines().index('version = "0.2.0"') + 1
    edited = said(lock.check_composer(locked, Composer("0.2.0", B)))
    assert edited.code == "M0503" and edited.notes == (f"locked  {A}", f"now     {B}", "both call themselves 0.2.0")
    assert list(lock.check_composer(locked, LOCK.composer)) == []


def test_another_compiler_is_named_from_which_version_to_which(read):
    locked = read().value
    now = said(lock.check_toolchain(locked, {"wasmtime": "48.0.0", "rustc of apps": "1.96.0 (ac68faa20 2026-05-25), LLVM 22.1.8"}))
    assert now.code == "M0504" and "`rustc of apps`" in now.message and "1.95.0 became 1.96.0" in now.message
    assert now.notes[0] == "locked  1.95.0 (59807616e 2026-04-14), LLVM 22.1.2"
    assert "`zig` takes part now" in said(lock.check_toolchain(locked, {"zig": "0.17.0"})).message
    assert list(lock.check_toolchain(locked, {"wasmtime": "48.0.0"})) == [], "what was not looked at did not drift"


def test_another_kernel_and_another_image_are_named_with_both_digests(read):
    locked = read().value
    kernel, image = said(lock.check_kernel(locked, C)), said(lock.check_image(locked, "main", C))
    assert (kernel.code, kernel.notes) == ("M0506", (f"locked  {B}", f"now     {C}"))
    assert image.code == "M0507" and "`main`" in image.message and image.notes[:2] == (f"locked  {D}", f"now     {C}")
    assert "manifests decide otherwise" in image.notes[2]
    assert [*lock.check_kernel(locked, B), *lock.check_image(locked, "main", D)] == []


def test_apps_that_differ_are_new_or_are_gone_are_each_named_at_their_line(read):
    locked = read().value
    found = list(lock.check_apps(locked, "kiosk@q35 -D port=3", {"uart": C, "clock": D}))
    assert [d.message for d in found] == ["app `clock` is in `kiosk@q35 -D port=3` and not in `munal.lock`",
                                          "app `shell` is in `munal.lock` and no longer in `kiosk@q35 -D port=3`",
                                          "the wasm of app `uart` is another than the locked one"]
    assert found[2].labels[0].place.line == LOCK.text().splitlines().index(f'uart = "{A}"') + 1
    assert list(lock.check_apps(locked, "main", {"uart": A})) == []


def test_a_variant_that_is_not_locked_is_told_with_the_command_that_locks_it(read):
    missing = said(lock.check_variant(read().value, "test"))
    assert missing.code == "M0508" and missing.help.startswith("run `munal lock test`") and "`main`" in missing.labels[0].text
    assert list(lock.check_variant(read().value, "main")) == []
