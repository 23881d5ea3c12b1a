"""Manifests for tests: a sound workspace written to a folder, and one examined as `munal check` examines it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from composer.check import check
from composer.diagnostics import Diagnostic
from composer.fault_script import read_script
from composer.load import load
from composer.lock import FILE, drift, read_lock
from composer.model import Models, model
from composer.resolve import resolve
from composer.result import Result
from composer.system import System
from composer.variant import Variant, make_variant
from composer.variants import composable

WORKSPACE = """\
[workspace]
name = "demo"
version = "0.1.0"
apps = ["apps/*"]
profiles = ["profiles/*.toml"]
default = "main"
"""

UART = """\
[app]
name = "uart"
kind = "driver"
build = { command = ["make"], output = "uart.wasm" }

[needs.port.regs]
length = 8

[needs.irq.line]

[provides.stream.serial]
"""

HELLO = """\
[app]
name = "hello"
kind = "program"
build = { command = ["make"], output = "hello.wasm" }

[needs.stream.console]
"""

MAIN = """\
[instance.com1]
app = "uart"
grant.port.regs = { base = 0x3f8 }
grant.irq.line = { isa = 4 }

[instance.hello]
app = "hello"
grant.stream.console = { from = "com1.serial" }
"""

SOUND = {"munal.toml": WORKSPACE, "apps/uart/app.toml": UART, "apps/hello/app.toml": HELLO, "profiles/main.toml": MAIN}
"""A driver and a program: nothing is wrong with it."""

SCRIPT = "faults.toml"
"""Beside `munal.toml`: what goes wrong in simulations of each profile."""

Files = Mapping[str, str | bytes | None]


def write(root: Path, files: Files = {}) -> Path:
    """Write the sound workspace with some files replaced, added or, where None, left out."""
    for path, content in {**SOUND, **files}.items():
        if content is None:
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def modelled(root: Path) -> Result[Models]:
    return load(root).then(model)


def resolved(root: Path, profile: str = "main", target: str | None = None, settings: Mapping[str, str] = {}) -> Result[System]:
    return modelled(root).then(resolve, profile, target, settings)


def system_of(root: Path, files: Files = {}, profile: str = "main") -> System:
    """The system of a workspace in which stages find no fault; rules may."""
    result = resolved(write(root, files), profile)
    assert result.diagnostics == (), result.diagnostics
    assert result.value is not None
    return result.value


def examine(root: Path, scratch: Path) -> tuple[Diagnostic, ...]:
    """Everything there is to say about a workspace: all manifests, then each variant by name, or those that a file `variants`
    names; with the wasm of those apps whose text or binary lies beside their manifest. `scratch` is a folder for what has to
    be built."""
    models = modelled(root)
    said: Result[Models] = Result(models.value, models.diagnostics)
    for variant in _variants(root, models.value) if models.value else ():
        system = models.then(resolve, variant.profile, variant.target, dict(variant.settings))
        said = said.plus(system.diagnostics)
        if system.value:
            said = said.plus(_judge(system.value, scratch))
        if system.value and (root / SCRIPT).exists():
            said = said.plus(read_script(root / SCRIPT, system.value).diagnostics)
    return tuple(sorted(said.plus(_drifted(root)).diagnostics, key=Diagnostic.sort_key))


def _drifted(root: Path) -> tuple[Diagnostic, ...]:
    """What --locked says: `now/munal.lock` stands for what is composed now, since a real one differs from machine to machine."""
    if not (root / FILE).exists():
        return ()
    locked, now = read_lock(root), read_lock(root / "now")
    return (*locked.diagnostics, *(drift(locked.value, now.value) if locked.value and now.value else ()))


def _variants(root: Path, models: Models) -> tuple[Variant, ...]:
    if not (root / "variants").exists():
        return composable(models)
    lines = [line.split() for line in (root / "variants").read_text().splitlines()]
    return tuple(make_variant(named, [word for word in settings if word != "-D"]) for named, *settings in lines)


def _judge(system: System, scratch: Path) -> tuple[Diagnostic, ...]:
    binaries = _binaries(system, scratch)
    if not binaries:
        return check(system)
    from composer.inspect import inspect

    facts = inspect(system, binaries)
    return (*facts.diagnostics, *check(system, facts.value))


def _binaries(system: System, scratch: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for app in system.apps:
        file = app.folder / app.build.inputs[0]
        if app.build.form == "wasm" and file.is_file():
            found[app.name] = file
        elif app.build.form == "wat" and file.is_file():
            from wasmtime import wat2wasm

            found[app.name] = scratch / f"{app.name}.wasm"
            found[app.name].write_bytes(wat2wasm(file.read_text()))
    return found
