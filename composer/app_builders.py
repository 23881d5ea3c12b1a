"""How each form of `build` in an app.toml becomes wasm; loaded only where something has to be built.

Each builder gets the apps of its form and gives their wasm by name, or raises ToolFailure with what the compiler said.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from composer import bindings, cache, progress, toolchain
from composer.cargo import Cargo
from composer.crates import Crate, find_crate
from composer.interfaces import Interfaces
from composer.source import STACK_BYTES, inside
from composer.system import App
from composer.tools import ToolFailure, run
from composer.tree import Index

Builder = Callable[[Sequence[App], Path, Index, Interfaces], dict[str, bytes]]

C_FLAGS = ("--target=wasm32-freestanding", "-std=c17", "-O2", "-g", "-Wall", "-Wextra", "-nostdlib", "-Wl,--no-entry",
           "-Wl,--export=_start", f"-Wl,-z,stack-size={STACK_BYTES}")


def build_cargo(apps: Sequence[App], root: Path, index: Index, interfaces: Interfaces) -> dict[str, bytes]:
    """One run of cargo for each Cargo workspace that has something to build."""
    rust = toolchain.require_rust(kernel=False)
    crates = {app.name: find_crate(inside(app, app.build.inputs[0]), index) for app in apps}
    made: dict[str, bytes] = {}
    with cache.work("apps") as area:
        for app in apps:
            text = bindings.rust_bindings(app, interfaces)
            cache.write_if_changed(area / "bindings" / f"{app.name}.rs", text.encode())
        for workspace in sorted({crate.workspace for crate in crates.values()}):
            some = [app for app in apps if crates[app.name].workspace == workspace]
            made.update(_cargo_workspace(some, crates, rust, workspace, area))
    return made


def _cargo_workspace(apps: list[App], crates: dict[str, Crate], rust: toolchain.Rust, workspace: Path, area: Path) -> dict[str, bytes]:
    standard = ("-Zbuild-std=core,alloc",) if rust.has_source else ()
    packages = [word for app in apps for word in ("-p", _package(crates[app.name].folder))]
    # Crates of the workspace are compiled by relative paths, those outside of it are not.
    outside = sorted({f for app in apps for f in crates[app.name].folders if workspace not in (f, *f.parents)})
    env = {"MUNAL_BINDINGS": str(area / "bindings")}
    if linker := rust.linker("wasm-ld"):
        env["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER"] = str(linker)
    cargo = Cargo(rust, area, workspace / "Cargo.toml", f"building {_counted(apps)}", env=env, may_lock=True,
                  words=("--target", toolchain.WASM_TARGET, *standard, *packages),
                  rustflags=(f"-Clink-arg=-zstack-size={STACK_BYTES}", *(f"--remap-path-prefix={f}=/{f.name}" for f in outside)))
    artifacts = cargo.build()
    return {app.name: _wasm_of(app, crates[app.name].folder, artifacts).read_bytes() for app in apps}


def _wasm_of(app: App, folder: Path, artifacts: list[dict[str, object]]) -> Path:
    manifest = os.path.realpath(folder / "Cargo.toml")
    files = [name for a in artifacts if os.path.realpath(str(a["manifest_path"])) == manifest
             for name in a["filenames"] if name.endswith(".wasm")]  # type: ignore[attr-defined]
    named = [name for name in files if Path(name).stem == app.name.replace("-", "_") or Path(name).stem == app.name]
    chosen = named or files
    if len(chosen) != 1:
        count = "no wasm" if not chosen else "more than one wasm"
        raise ToolFailure("cargo", f"the crate of app `{app.name}` gives {count}: it needs one [[bin]] of the app's name")
    return Path(chosen[0])


def _package(folder: Path) -> str:
    import tomllib

    package = tomllib.loads((folder / "Cargo.toml").read_text()).get("package")
    if not isinstance(package, dict) or not isinstance(package.get("name"), str):
        raise ToolFailure("cargo", f"{folder / 'Cargo.toml'} names no package")
    return package["name"]


def build_c(apps: Sequence[App], root: Path, index: Index, interfaces: Interfaces) -> dict[str, bytes]:
    """`zig cc` for each app, freestanding; its generated header is `munal.h` on the include path."""
    zig = toolchain.require_zig()
    made = {}
    for app in apps:
        with cache.work("c") as area, progress.task(f"building {app.name}"):
            cache.write_if_changed(area / "include" / "munal.h", bindings.c_header(app, interfaces).encode())
            sources = [inside(app, name).relative_to(app.folder) for name in app.build.inputs]
            flags = [*C_FLAGS, "-I", str(area / "include"), "-I", ".", f"-ffile-prefix-map={area}=/munal",
                     f"-ffile-prefix-map={app.folder}=/app"]
            env = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(area / "zig"), "ZIG_LOCAL_CACHE_DIR": str(area / "zig")}
            with tempfile.TemporaryDirectory(dir=area) as folder:
                out = Path(folder, "app.wasm")
                run("zig cc", [zig, "cc", *flags, "-o", out, *sources], cwd=app.folder, env=env,
                    says=f"building `{app.name}` failed")
                made[app.name] = without_debug(out.read_bytes())
    return made


def without_debug(wasm: bytes) -> bytes:
    """The module without DWARF's custom sections, which name folders; function names stay. Not a wasm module: as it is."""
    kept = bytearray(wasm[:8])
    at = 8
    try:
        while at < len(wasm):
            length, body = _unsigned(wasm, at + 1)
            end = body + length
            if not (wasm[at] == 0 and _custom_name(wasm, body).startswith((b".debug_", b"target_features", b"producers"))):
                kept += wasm[at:end]
            at = end
    except IndexError:
        return wasm
    return bytes(kept)


def _custom_name(wasm: bytes, at: int) -> bytes:
    length, start = _unsigned(wasm, at)
    return wasm[start:start + length]


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    """A LEB128 number and the offset after it (WebAssembly core specification, 5.2.2). Raises IndexError at the end."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def build_wat(apps: Sequence[App], root: Path, index: Index, interfaces: Interfaces) -> dict[str, bytes]:
    """WebAssembly text, by wasmtime's own parser."""
    import wasmtime

    made = {}
    for app in apps:
        path = inside(app, app.build.inputs[0])
        shown = os.path.relpath(path, root)
        try:
            made[app.name] = bytes(wasmtime.wat2wasm(_read(app, path).decode()))
        except UnicodeDecodeError as error:
            raise ToolFailure("wat", f"{shown} is not UTF-8 text") from error
        except wasmtime.WasmtimeError as error:
            raise _wat_failure(app, shown, str(error)) from error
    return made


def _wat_failure(app: App, shown: str, said: str) -> ToolFailure:
    """wasmtime names no file: put ours in its place."""
    place = re.search(r"<anon>:(\d+):(\d+)", said)
    where = f"{shown}:{place[1]}:{place[2]}" if place else shown
    return ToolFailure("wat", f"{where} is no WebAssembly text that app `{app.name}` can be built from",
                       said.replace("<anon>", shown).strip())


def build_wasm(apps: Sequence[App], root: Path, index: Index, interfaces: Interfaces) -> dict[str, bytes]:
    """Prebuilt modules, as they are."""
    return {app.name: _read(app, inside(app, app.build.inputs[0])) for app in apps}


def build_command(apps: Sequence[App], root: Path, index: Index, interfaces: Interfaces) -> dict[str, bytes]:
    """The app's own command, run in its folder. MUNAL_BINDINGS is a folder with `<app>.rs`, MUNAL_HEADER the C header."""
    made = {}
    for app in apps:
        with cache.work("commands") as area, progress.task(f"building {app.name}"):
            rust, header = area / app.name / f"{app.name}.rs", area / app.name / "munal.h"
            cache.write_if_changed(rust, bindings.rust_bindings(app, interfaces).encode())
            cache.write_if_changed(header, bindings.c_header(app, interfaces).encode())
            output = inside(app, app.build.output or "")
            if output.is_file():
                output.unlink()
            run(app.build.inputs[0], _words(app), cwd=app.folder, says=f"the build command of app `{app.name}` failed",
                env={**os.environ, "MUNAL_BINDINGS": str(rust.parent), "MUNAL_HEADER": str(header)})
            made[app.name] = _read(app, inside(app, app.build.output or ""))
    return made


def _words(app: App) -> list[str]:
    """The command's words; a first word with a slash in it is a program in the app's folder."""
    first, *rest = app.build.inputs
    return [str(app.folder / first) if "/" in first else first, *rest]


def _read(app: App, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolFailure("build", f"app `{app.name}` has no {path.relative_to(app.folder)}: {error.strerror}") from error


def _counted(apps: Sequence[App]) -> str:
    return apps[0].name if len(apps) == 1 else f"{len(apps)} apps"


BUILDERS: dict[str, Builder] = {"cargo": build_cargo, "c": build_c, "wat": build_wat, "wasm": build_wasm, "command": build_command}
