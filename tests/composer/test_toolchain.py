"""Which compilers are taken, told by toolchains of files that only answer `-vV`."""

import os
import shutil
from pathlib import Path

import pytest

from composer import packages, recall, toolchain
from composer.tools import ToolFailure

ANSWER = """#!/bin/sh
echo "$@" >> "{log}"
case $1 in
--print) echo "{sysroot}" ;;
*) printf 'rustc {version} (made up)\\nhost: x86_64-unknown-linux-gnu\\nrelease: {version}\\n' ;;
esac
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without any compiler, and a function that adds a Rust toolchain to it."""
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RUSTUP_HOME", str(tmp_path / "rustup"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("MUNAL_RUSTC", raising=False)
    monkeypatch.delenv("MUNAL_CARGO", raising=False)
    monkeypatch.setattr(toolchain, "SYSTEM_RUSTC", tmp_path / "usr" / "bin" / "rustc")
    monkeypatch.setattr(packages, "install", lambda names: (_ for _ in ()).throw(ToolFailure("set-up", " ".join(names))))

    def add(sysroot: Path, version="1.96.0", source=False, wasm=False):
        (sysroot / "bin").mkdir(parents=True)
        rustc = sysroot / "bin" / "rustc"
        rustc.write_text(ANSWER.format(log=tmp_path / "asked", sysroot=sysroot, version=version))
        rustc.chmod(0o755)
        (sysroot / "bin" / "cargo").touch()
        if source:
            core = sysroot / "lib/rustlib/src/rust/library/core/Cargo.toml"
            core.parent.mkdir(parents=True)
            core.touch()
        if wasm:
            (sysroot / "lib/rustlib/wasm32-unknown-unknown/lib").mkdir(parents=True)
        return rustc

    def rustup(name, **how):
        return add(tmp_path / "rustup" / "toolchains" / name, **how)

    def default(name):
        (tmp_path / "rustup").mkdir(exist_ok=True)
        (tmp_path / "rustup" / "settings.toml").write_text(f'version = "12"\ndefault_toolchain = "{name}"\n')

    add.rustup, add.default, add.folder = rustup, default, tmp_path
    default("stable-x86_64")
    return add


def test_no_toolchain(machine):
    assert toolchain.find_rust(kernel=True) is None
    with pytest.raises(ToolFailure, match="rustc-web cargo-web rust-web-src libstd-rust-web-dev lld"):
        toolchain.require_rust(kernel=True)


def test_a_toolchain_with_the_source_builds_all(machine):
    rustc = machine.rustup("stable-x86_64", source=True)
    assert toolchain.find_rust(kernel=True).rustc == toolchain.find_rust(kernel=False).rustc == rustc


def test_the_wasm_target_alone_builds_apps_and_no_kernel(machine):
    rustc = machine.rustup("stable-x86_64", wasm=True)
    assert toolchain.find_rust(kernel=False).rustc == rustc
    assert toolchain.find_rust(kernel=True) is None


def test_a_toolchain_without_either_is_passed_over_for_the_systems(machine):
    machine.rustup("stable-x86_64")
    rustc = machine(machine.folder / "usr", source=True)
    assert toolchain.find_rust(kernel=True).rustc == rustc


@pytest.mark.parametrize("version, good", [("1.94.1", False), ("1.95.0", True), ("1.100.0", True), ("2.0.0", True)])
def test_the_version_is_compared_as_numbers(machine, version, good):
    machine.rustup("stable-x86_64", version=version, source=True)
    assert (toolchain.find_rust(kernel=True) is not None) == good


def test_the_default_toolchain_comes_first(machine):
    machine.rustup("beta-x86_64", source=True)
    chosen = machine.rustup("nightly-x86_64", source=True)
    machine.rustup("stable-x86_64", source=True)
    machine.default("nightly-x86_64")
    assert toolchain.find_rust(kernel=True).rustc == chosen


def test_a_default_that_cannot_gives_way_to_one_that_can(machine):
    machine.rustup("stable-x86_64", version="1.90.0", source=True)
    chosen = machine.rustup("beta-x86_64", source=True)
    assert toolchain.find_rust(kernel=True).rustc == chosen


def test_rustc_is_asked_once_until_it_changes(machine):
    rustc = machine.rustup("stable-x86_64", source=True)
    toolchain.find_rust(kernel=True)
    asked = (machine.folder / "asked").read_text()
    toolchain.find_rust(kernel=True)
    assert (machine.folder / "asked").read_text() == asked
    os.utime(rustc, (1, 1))
    toolchain.find_rust(kernel=True)
    assert (machine.folder / "asked").read_text() == asked * 2


def test_answers_that_are_damaged_are_asked_for_again(machine):
    machine.rustup("stable-x86_64", source=True)
    (machine.folder / "cache" / "index").mkdir(parents=True)
    (machine.folder / "cache" / "index" / "toolchains.json").write_text('{"x": 3}')
    assert toolchain.find_rust(kernel=True) is not None


def test_a_named_rustc_is_the_only_choice(machine, monkeypatch):
    machine.rustup("stable-x86_64", source=True)
    named = machine(machine.folder / "own", source=True)
    monkeypatch.setenv("MUNAL_RUSTC", str(named))
    assert toolchain.find_rust(kernel=True).rustc == named


def test_a_named_rustc_that_cannot_is_refused_and_nothing_installed(machine, monkeypatch):
    monkeypatch.setenv("MUNAL_RUSTC", str(machine(machine.folder / "own", version="1.80.0")))
    with pytest.raises(ToolFailure, match="lacks version 1.95.0 or later, the component rust-src"):
        toolchain.require_rust(kernel=True)
    monkeypatch.setenv("MUNAL_RUSTC", "/nowhere/rustc")
    with pytest.raises(ToolFailure, match="MUNAL_RUSTC=/nowhere/rustc is no program"):
        toolchain.require_rust(kernel=True)


def test_a_rustc_that_does_not_run_is_a_clean_failure(machine):
    machine.rustup("stable-x86_64", source=True).write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(ToolFailure, match="does not run"):
        toolchain.find_rust(kernel=True)


def test_the_toolchains_own_linker_comes_first(machine):
    rustc = machine.rustup("stable-x86_64", source=True)
    rust = toolchain.find_rust(kernel=True)
    assert rust.linker("ld.lld") is None
    system = machine.folder / "bin" / "ld.lld"
    system.parent.mkdir()
    system.touch(0o755)
    assert rust.linker("ld.lld") == system
    own = rustc.parents[1] / "lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/ld.lld"
    own.parent.mkdir(parents=True)
    own.touch()
    assert rust.linker("ld.lld") == own


def test_another_linker_is_another_identity(machine):
    machine.rustup("stable-x86_64", source=True)
    rust = toolchain.find_rust(kernel=True)
    before = rust.identity("ld.lld")
    assert rust.identity("ld.lld") == before
    (machine.folder / "bin").mkdir()
    (machine.folder / "bin" / "ld.lld").touch(0o755)
    assert rust.identity("ld.lld") != before


def test_a_linker_that_is_missing_is_installed(machine):
    machine.rustup("stable-x86_64", source=True)
    with pytest.raises(ToolFailure, match="set-up: lld"):
        toolchain.require_rust(kernel=True)


def test_all_that_decides_what_is_found_is_looked_at(machine, monkeypatch):
    """Whatever makes another toolchain of it changes one of the places that were looked at before."""
    system = machine(machine.folder / "usr", source=True)
    poor = machine.rustup("poor-x86_64").parent.parent
    machine.default("poor-x86_64")
    changes = [
        lambda: machine.rustup("stable-x86_64", source=True),
        lambda: (poor / "lib/rustlib/wasm32-unknown-unknown/lib").mkdir(parents=True),
        lambda: (poor / "bin" / "rustc").write_text(system.read_text().replace("1.96.0", "1.98.0")),
        lambda: machine.default("stable-x86_64"),
        lambda: _program(machine.folder / "rustup/toolchains/stable-x86_64/lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/wasm-ld"),
        lambda: shutil.rmtree(machine.folder / "rustup" / "toolchains"),
        lambda: _program(machine.folder / "bin" / "wasm-ld"),
        lambda: machine(machine.folder / "first", source=True).rename(machine.folder / "bin" / "rustc"),
    ]
    for number, change in enumerate(changes):
        found, before = _found(), _looked()
        change()
        assert _changed(before) and _found() != found, number
    monkeypatch.setenv("MUNAL_RUSTC", str(system))
    found, before = _found(), _looked()
    system.write_text(system.read_text().replace("1.96.0", "1.99.0"))
    assert _changed(before) and _found() != found


def _changed(before):
    return [place for place, status in before.items() if recall.shown(recall.look(place)) != status]


def _found():
    rust = toolchain.find_rust(kernel=False)
    return rust.rustc, rust.identity("wasm-ld")


def _looked():
    return {place: recall.shown(recall.look(place)) for place in toolchain.deciding_places()}


def _program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
