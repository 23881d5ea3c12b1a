"""Apps' sources to wasm: what is built anew and what is not, and what a person reads where a source is wrong."""

import dataclasses
import os
import shutil
import sys
from pathlib import Path

import pytest

from composer import app_builders, cache, source, toolchain
from composer.app_builders import without_debug
from composer.interfaces import load_interfaces
from composer.system import Build
from composer.tools import ToolFailure
from tests.composer.systems import SPAN, app, need

USERS_CACHE = cache.root()
EMPTY = b"\0asm\1\0\0\0"
WAT = '(module (memory (export "memory") 1) (func $spin (export "_start") (loop (br 0))))'
C = """
#include "munal.h"
static int hidden(int n) { return n * 3; }
int value;
void _start(void) { value = hidden(value); munal_log_out_write("hello", 5); }
"""


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "workspace"


@pytest.fixture
def make(workspace):
    """An app in a folder of its own, with files by name."""

    def made(name, form, *inputs, output=None, needs=(), **files):
        folder = workspace / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file.replace("__", ".")).write_bytes(text if isinstance(text, bytes) else text.encode())
        return dataclasses.replace(app(name, *needs), folder=folder, build=Build(form, inputs, SPAN, output))

    return made


def build(workspace, *apps):
    return {name: path.read_bytes() for name, path in source.build_apps(apps, workspace, load_interfaces()).items()}


@pytest.fixture
def with_zig(workspace, monkeypatch):
    """The person's own Zig in the cache of the test: it is 80 MB to fetch. Gives what does so for another cache."""
    with monkeypatch.context() as own:
        own.setenv("MUNAL_CACHE", str(USERS_CACHE))
        folder = toolchain.require_zig().parents[2]

    def link():
        cache.root().mkdir(parents=True, exist_ok=True)
        (cache.root() / "zig").symlink_to(folder)

    link()
    return link


@pytest.fixture
def built(monkeypatch):
    """The names of the apps that were really built, in order."""
    names = []

    def counted(form):
        inner = app_builders.BUILDERS[form]

        def builder(apps, *rest):
            names.extend(a.name for a in apps)
            return inner(apps, *rest)

        return builder

    monkeypatch.setattr(app_builders, "BUILDERS", {form: counted(form) for form in app_builders.BUILDERS})
    return names


def test_a_prebuilt_module_is_taken_as_it_is(workspace, make):
    assert build(workspace, make("a", "wasm", "a.wasm", a__wasm=b"anything")) == {"a": b"anything"}


def test_text_becomes_a_module_with_its_function_names(workspace, make):
    wasm = build(workspace, make("a", "wat", "a.wat", a__wat=WAT))["a"]
    assert wasm.startswith(EMPTY) and b"spin" in wasm


def test_nothing_changed_builds_nothing(workspace, make, built):
    some = [make("a", "wat", "a.wat", a__wat=WAT), make("b", "wasm", "b.wasm", b__wasm=EMPTY)]
    first = build(workspace, *some)
    assert built == ["a", "b"]
    assert build(workspace, *some) == first
    assert built == ["a", "b"]


def test_only_what_changed_is_built(workspace, make, built):
    a, b = make("a", "wat", "a.wat", a__wat=WAT), make("b", "wasm", "b.wasm", b__wasm=EMPTY)
    build(workspace, a, b)
    make("b", "wasm", "b.wasm", b__wasm=EMPTY + b"\0")
    assert build(workspace, a, b)["b"] == EMPTY + b"\0"
    assert built == ["a", "b", "b"]


def test_another_workspace_with_the_same_app_builds_nothing(workspace, make, built, tmp_path):
    made = make("a", "wat", "a.wat", a__wat=WAT)
    build(workspace, made)
    shutil.copytree(workspace, tmp_path / "clone")
    build(tmp_path / "clone", dataclasses.replace(made, folder=tmp_path / "clone" / "a"))
    assert built == ["a"]


def test_a_damaged_module_is_built_again(workspace, make, built):
    made = make("a", "wat", "a.wat", a__wat=WAT)
    (path,) = source.build_apps([made], workspace, load_interfaces()).values()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert build(workspace, made)["a"] == whole
    assert built == ["a", "a"]


def test_a_fault_in_text_is_placed(workspace, make):
    made = make("a", "wat", "a.wat", a__wat="(module\n  (fun))")
    with pytest.raises(ToolFailure, match=r"a/a\.wat:2:4 ") as caught:
        build(workspace, made)
    assert "a/a.wat:2:4" in caught.value.output and "<anon>" not in caught.value.output


def test_text_that_is_no_utf8(workspace, make):
    with pytest.raises(ToolFailure, match=r"a/a\.wat is not UTF-8 text"):
        build(workspace, make("a", "wat", "a.wat", a__wat=b"\xff"))


@pytest.mark.parametrize("form", ["wat", "wasm"])
def test_a_source_that_is_not_there(workspace, make, form):
    with pytest.raises(ToolFailure, match="app `a` has no a.x: No such file"):
        build(workspace, make("a", form, "a.x"))


@pytest.mark.parametrize("name", ["../b/b.wasm", "/etc/hostname", "link/b.wasm"])
def test_a_source_outside_of_the_app_is_refused(workspace, make, name):
    make("b", "wasm", "b.wasm", b__wasm=EMPTY)
    made = make("a", "wasm", name)
    (made.folder / "link").symlink_to(workspace / "b")
    with pytest.raises(ToolFailure, match="lies outside of its folder"):
        build(workspace, made)


def command(*words):
    return (sys.executable, "-c", *words)


def test_a_command_gets_the_bindings_and_leaves_a_module(workspace, make):
    code = ("import os; text = open(os.environ['MUNAL_HEADER']).read() + open(os.environ['MUNAL_BINDINGS'] + '/a.rs').read();"
            "open('out.wasm', 'w').write(str(text.count('munal:log/out') > 1))")
    made = make("a", "command", *command(code), output="out.wasm", needs=[need("log", "out")])
    assert build(workspace, made) == {"a": b"True"}


def test_a_command_runs_again_when_its_source_changed_and_not_for_its_output(workspace, make, built):
    code = "open('out.wasm', 'wb').write(open('source', 'rb').read())"
    made = make("a", "command", *command(code), output="out.wasm", source="1")
    assert build(workspace, made) == build(workspace, made) == {"a": b"1"}
    assert built == ["a"]
    (made.folder / "source").write_bytes(b"2")
    assert build(workspace, made) == {"a": b"2"}


def test_a_command_that_fails_shows_what_it_said(workspace, make):
    made = make("a", "command", *command("print('the reason'); raise SystemExit(1)"), output="out.wasm")
    with pytest.raises(ToolFailure, match="the build command of app `a` failed") as caught:
        build(workspace, made)
    assert caught.value.output.strip() == "the reason"


def test_a_command_that_leaves_nothing_is_not_given_an_older_output(workspace, make):
    made = make("a", "command", *command("pass"), output="out.wasm", out__wasm=EMPTY)
    with pytest.raises(ToolFailure, match="app `a` has no out.wasm"):
        build(workspace, made)


def test_a_command_may_not_leave_its_module_elsewhere(workspace, make):
    made = make("a", "command", *command("import os; os.symlink('/etc/hostname', 'out.wasm')"), output="out.wasm")
    with pytest.raises(ToolFailure, match="lies outside of its folder"):
        build(workspace, made)


def section(number, body):
    return bytes((number, len(body))) + body


def test_debug_sections_go_and_names_stay():
    names, code = section(0, b"\4name\1\2\3"), section(1, b"\0")
    debug = section(0, b"\x0b.debug_info/home/me")
    assert without_debug(EMPTY + debug + code + debug + names) == EMPTY + code + names


@pytest.mark.parametrize("wasm", [b"", b"no wasm", EMPTY + b"\0", EMPTY + b"\0\xff\xff", EMPTY + b"\0\0"])
def test_what_is_no_module_is_left_for_inspect_to_refuse(wasm):
    assert without_debug(wasm) == wasm


@pytest.mark.slow
def test_c_is_compiled_with_its_header_and_the_same_in_any_folder(workspace, make, tmp_path, monkeypatch, with_zig):
    made = make("a", "c", "main.c", main__c=C, needs=[need("log", "out")])
    first = build(workspace, made)["a"]
    assert b"munal:log/out" in first and b"_start" in first and str(tmp_path).encode() not in first
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "other" / "cache"))
    with_zig()
    shutil.copytree(workspace, tmp_path / "b")
    assert build(tmp_path / "b", dataclasses.replace(made, folder=tmp_path / "b" / "a"))["a"] == first


@pytest.mark.slow
def test_a_fault_in_c_is_placed(workspace, make, with_zig):
    made = make("a", "c", "main.c", main__c="void _start(void) { wrong(); }")
    with pytest.raises(ToolFailure, match="building `a` failed") as caught:
        build(workspace, made)
    assert "main.c:1:21" in caught.value.output


RUST = """#![no_std]
#![no_main]
include!(concat!(env!("MUNAL_BINDINGS"), "/a.rs"));
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    if let Some(place) = info.location() { log::out.write(place.file().as_bytes()); }
    core::arch::wasm32::unreachable()
}
#[unsafe(no_mangle)]
extern "C" fn _start() { if log::out.granted() == 7 { panic!() } }
"""
CARGO = '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2024"\n[profile.release]\npanic = "abort"\nopt-level = "s"\nstrip = "debuginfo"\n'


@pytest.mark.slow
def test_rust_is_the_same_from_two_folders_with_two_empty_caches(workspace, make, tmp_path, monkeypatch):
    made = make("a", "cargo", ".", Cargo__toml=CARGO, needs=[need("log", "out")])
    (made.folder / "src").mkdir()
    (made.folder / "src" / "main.rs").write_text(RUST)
    shutil.copytree(workspace, tmp_path / "deep" / "clone")
    first = build(workspace, made)["a"]
    assert b"munal:log/out" in first and b"rust_begin_unwind" in first and b"src/main.rs" in first
    assert str(tmp_path).encode() not in first and os.fsencode(Path.home()) not in first
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "other-cache"))
    assert build(tmp_path / "deep" / "clone", dataclasses.replace(made, folder=tmp_path / "deep" / "clone" / "a"))["a"] == first


@pytest.mark.slow
def test_a_source_older_than_what_another_clone_built_is_built_all_the_same(workspace, make, tmp_path):
    """All clones share cargo's target folder, and the crate has the same name and path in each."""
    made = make("a", "cargo", ".", Cargo__toml=CARGO, needs=[need("log", "out")])
    (made.folder / "src").mkdir()
    source_file = made.folder / "src" / "main.rs"
    source_file.write_text(RUST.replace("place.file().as_bytes()", 'b"of the first clone"'))
    clone = tmp_path / "clone"
    shutil.copytree(workspace, clone)
    assert b"of the first clone" in build(workspace, made)["a"]
    older = clone / "a" / "src" / "main.rs"
    older.write_text(source_file.read_text().replace("first", "other"))
    os.utime(older, (0, 0))
    assert b"of the other clone" in build(clone, dataclasses.replace(made, folder=clone / "a"))["a"]


@pytest.mark.slow
def test_a_fault_in_rust_is_shown_as_the_compiler_says_it(workspace, make, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(USERS_CACHE))
    made = make("a", "cargo", ".", Cargo__toml=CARGO)
    (made.folder / "src").mkdir()
    (made.folder / "src" / "main.rs").write_text("#![no_std]\nfn main() { wrong() }\n")
    with pytest.raises(ToolFailure, match="building a failed") as caught:
        build(workspace, made)
    assert "src/main.rs:2:13" in caught.value.output and "cannot find function `wrong`" in caught.value.output
