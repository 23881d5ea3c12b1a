"""The compilers that this machine has, and which of them can build what: Rust for the kernel and for apps, Zig's for C.

A rustup toolchain where it can, else Debian's rustc-web, which set-up installs. Asking rustc costs 50 ms and more, so that
its answer is kept until its binary changes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from composer import cache, packages
from composer.tools import ToolFailure, run

OLDEST = (1, 95, 0)
"""wasmtime 48 needs it."""

WASM_TARGET = "wasm32-unknown-unknown"
SEARCHED = ("rustc", "rustup", "cargo", "wasm-ld", "ld.lld")
"""What is looked for on the PATH."""

SYSTEM_RUSTC = Path("/usr/bin/rustc")
ANSWERS = "index/toolchains.json"
C_LOCK = Path(__file__).resolve().parent.parent / "requirements-c.lock"


@dataclass(frozen=True)
class Rust:
    """One rustc with its cargo. `verbose` is what `rustc -vV` says, `origin` where it comes from, for a person."""

    origin: str
    rustc: Path
    cargo: Path
    sysroot: Path
    verbose: str

    @cached_property
    def version(self) -> tuple[int, ...]:
        found = re.search(r"^release: (\d+)\.(\d+)\.(\d+)", self.verbose, re.MULTILINE)
        return tuple(map(int, found.groups())) if found else (0, 0, 0)

    @cached_property
    def host(self) -> str:
        found = re.search(r"^host: (\S+)", self.verbose, re.MULTILINE)
        return found.group(1) if found else "unknown"

    @property
    def source(self) -> Path:
        """Where the standard library's source is, if it is installed."""
        return self.sysroot / "lib" / "rustlib" / "src" / "rust"

    @property
    def core(self) -> Path:
        return self.source / "library" / "core" / "Cargo.toml"

    @property
    def wasm_target(self) -> Path:
        return self.sysroot / "lib" / "rustlib" / WASM_TARGET / "lib"

    @cached_property
    def has_source(self) -> bool:
        return self.core.is_file()

    @cached_property
    def has_wasm_target(self) -> bool:
        return self.wasm_target.is_dir()

    def own_linker(self, name: str) -> Path:
        """Where the toolchain's own linker is, if it has one."""
        return self.sysroot / "lib" / "rustlib" / self.host / "bin" / "gcc-ld" / name

    def linker(self, name: str) -> Path | None:
        """`ld.lld` or `wasm-ld`: the toolchain's own, else the system's."""
        own = self.own_linker(name)
        if own.is_file():
            return own
        found = shutil.which(name)
        return Path(found) if found else None

    def lacks(self, kernel: bool) -> tuple[str, ...]:
        """What keeps this toolchain from building the kernel, or apps; nothing where it can."""
        missing = []
        if self.version < OLDEST:
            missing.append(f"version {_dotted(OLDEST)} or later")
        if not self.has_source and (kernel or not self.has_wasm_target):
            missing.append("the component rust-src" if kernel else f"the component rust-src or the target {WASM_TARGET}")
        return tuple(missing)

    def identity(self, linker: str) -> str:
        """Changes whenever what this toolchain makes of the same source may change."""
        path = self.linker(linker)
        stat = path.stat() if path else None
        linked_by = f"{path} {stat.st_size} {stat.st_mtime_ns}" if stat else "none"
        return "\n".join((self.verbose, f"source {self.has_source} wasm {self.has_wasm_target}", linked_by))

    @property
    def words(self) -> str:
        """What it calls itself, the same wherever it is installed: `1.95.0 (59807616e 2026-04-14), LLVM 22.1.2`."""
        llvm = re.search(r"^LLVM version: (\S+)", self.verbose, re.MULTILINE)
        return self.verbose.partition("\n")[0].removeprefix("rustc ") + (f", LLVM {llvm.group(1)}" if llvm else "")

    def linker_words(self, name: str) -> str:
        """What its linker calls itself, as `LLD 19.1.7`; "none" where there is none."""
        path = self.linker(name)
        return _linker_words(path) if path else "none"

    def __str__(self) -> str:
        return f"{_dotted(self.version)} ({self.origin})"


def find_rust(kernel: bool) -> Rust | None:
    """The first toolchain that can build the kernel, or else apps; None where there is none."""
    return next((rust for rust in candidates() if not rust.lacks(kernel)), None)


def require_rust(kernel: bool) -> Rust:
    """A toolchain that can build the kernel, or apps, with the linkers it needs; installs Debian's where there is none.

    Raises ToolFailure where that cannot be.
    """
    rust = find_rust(kernel)
    if rust is None:
        _refuse_named(kernel)
        packages.install(packages.RUST)
        rust = find_rust(kernel)
    if rust is None:
        raise ToolFailure("rustc", _no_rust(kernel))
    if rust.linker("ld.lld" if kernel else "wasm-ld") is None:
        packages.install(packages.LINKER)
    if shutil.which("cc") is None:
        packages.install(packages.C_COMPILER)
    return rust


def candidates() -> Iterator[Rust]:
    """Every Rust toolchain here, in the order in which they are preferred. MUNAL_RUSTC leaves no other choice."""
    if named := os.environ.get("MUNAL_RUSTC"):
        found = shutil.which(named)
        if found is None:
            raise ToolFailure("rustc", f"MUNAL_RUSTC={named} is no program")
        yield _ask("MUNAL_RUSTC", Path(found))
        return
    seen = set()
    for origin, rustc in _places():
        if rustc.is_file() and (real := rustc.resolve()) not in seen:
            seen.add(real)
            yield _ask(origin, rustc)


def deciding_places() -> Iterator[str]:
    """Every file and folder that decides what `find_rust` finds and how it tells of itself; others may be among them.

    To be looked at before `find_rust` is asked: it adds to what is known of compilers, which is one of the files.
    """
    home = _rustup_home()
    yield from (str(home / "settings.toml"), str(home / "toolchains"), str(cache.root() / ANSWERS))
    yield from (os.path.join(folder, name) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) for name in SEARCHED)
    yield from filter(None, map(os.environ.get, ("MUNAL_RUSTC", "MUNAL_CARGO")))
    yield from (str(folder / part) for folder in _folders(home / "toolchains") for part in ("bin/rustc", *_useful(folder)))
    yield str(SYSTEM_RUSTC)
    for rustc, (_, _, verbose, sysroot) in _answers().items():
        rust = Rust("", Path(rustc), Path(), Path(str(sysroot)), str(verbose))
        yield from map(str, (rustc, Path(rustc).with_name("cargo"), rust.core, rust.wasm_target, rust.own_linker("ld.lld"), rust.own_linker("wasm-ld")))


def _places() -> Iterator[tuple[str, Path]]:
    for folder in _rustup_toolchains():
        yield f"rustup's {folder.name}", folder / "bin" / "rustc"
    # rustup's own `rustc` on the PATH only chooses among those above.
    found = shutil.which("rustc", path=_path_without_rustup())
    if found:
        yield found, Path(found)
    yield str(SYSTEM_RUSTC), SYSTEM_RUSTC


def _rustup_toolchains() -> list[Path]:
    """rustup's toolchains that have what a build for another target needs, the one chosen as default first."""
    home = _rustup_home()
    found = [p for p in _folders(home / "toolchains") if (p / "bin" / "rustc").is_file()]
    default = _rustup_default(home / "settings.toml")
    useful = [p for p in found if any(part.is_dir() for part in _useful(p))]
    return sorted(useful, key=lambda p: (p.name != default, not p.name.startswith("stable"), p.name))


def _useful(toolchain: Path) -> list[Path]:
    """One of these has a toolchain that builds for another target."""
    return [toolchain / "lib" / "rustlib" / part for part in ("src/rust/library", WASM_TARGET)]


def _rustup_home() -> Path:
    return Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _rustup_default(settings: Path) -> str:
    try:
        found = re.search(r'^default_toolchain = "([^"]+)"', settings.read_text(), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return ""
    return found.group(1) if found else ""


def _path_without_rustup() -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(f for f in folders if not Path(f, "rustup").exists())


def _ask(origin: str, rustc: Path) -> Rust:
    """What `rustc` says of itself, asked anew only when its binary changed."""
    stat = rustc.stat()
    known = _answers()
    answer = known.get(str(rustc))
    if answer is None or answer[:2] != [stat.st_size, stat.st_mtime_ns]:
        verbose = run("rustc", [rustc, "-vV"], says=f"`{rustc}` does not run").strip()
        sysroot = run("rustc", [rustc, "--print", "sysroot"], says=f"`{rustc}` does not run").strip()
        answer = [stat.st_size, stat.st_mtime_ns, verbose, sysroot]
        cache.write_if_changed(cache.root() / ANSWERS, json.dumps({**known, str(rustc): answer}).encode())
    return Rust(origin, rustc, _cargo_of(rustc), Path(answer[3]), answer[2])


def _answers() -> dict[str, list[object]]:
    try:
        read = json.loads((cache.root() / ANSWERS).read_bytes())
    except (OSError, ValueError):
        return {}
    good = isinstance(read, dict) and all(isinstance(v, list) and len(v) == 4 for v in read.values())
    return read if good else {}


def _cargo_of(rustc: Path) -> Path:
    if named := os.environ.get("MUNAL_CARGO"):
        found = shutil.which(named)
        if found is None:
            raise ToolFailure("cargo", f"MUNAL_CARGO={named} is no program")
        return Path(found)
    beside = rustc.with_name("cargo")
    return beside if beside.is_file() else Path(shutil.which("cargo") or "cargo")


def _refuse_named(kernel: bool) -> None:
    if named := os.environ.get("MUNAL_RUSTC"):
        lacks = ", ".join(next(candidates()).lacks(kernel))
        raise ToolFailure("rustc", f"MUNAL_RUSTC={named} lacks {lacks}")


def _no_rust(kernel: bool) -> str:
    what = "the kernel" if kernel else "apps"
    seen = "".join(f"; {rust} lacks {', '.join(rust.lacks(kernel))}" for rust in candidates())
    return (f"no Rust toolchain here can build {what}{seen}: install Debian's {', '.join(packages.RUST)}, or a rustup toolchain, "
            f"{_dotted(OLDEST)} or later, with `rustup component add rust-src`")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _linker_words(path: Path) -> str:
    """Asked anew only when its binary changed."""
    stat = path.stat()
    key = cache.digest(str(path), str(stat.st_size), str(stat.st_mtime_ns))
    if known := cache.read("linkers", key):
        return known.decode()
    said = run(path.name, [path, "--version"], says=f"`{path}` does not run")
    found = re.search(r"LLD \S+", said)
    words = found.group() if found else said.partition("\n")[0].strip()
    cache.store("linkers", key, words.encode())
    return words


def zig_words() -> str:
    """The version of Zig that requirements-c.lock fixes, installed or not."""
    found = re.search(r"^ziglang==(\S+)", C_LOCK.read_text(), re.MULTILINE)
    return found.group(1) if found else "unknown"


def find_zig() -> Path | None:
    """Zig of the version that requirements-c.lock fixes, if it is installed."""
    path = _zig_folder() / "ziglang" / "zig"
    return path if path.is_file() else None


def require_zig() -> Path:
    """Zig, installed from its Python package where it is missing. Raises ToolFailure where that fails."""
    found = find_zig()
    if found is None:
        with cache.work("set-up"):
            found = find_zig() or _install_zig()
    return found


def _install_zig() -> Path:
    import tempfile

    from composer.progress import say, task

    folder = _zig_folder()
    say("setting up: installing the C compiler, PyPI's ziglang (80 MB)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as temporary, task("installing ziglang"):
        target = Path(temporary, "zig")
        run("pip", [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
                    "--require-hashes", "--no-deps", "--only-binary=:all:", "--target", target, "-r", C_LOCK],
            says="could not install ziglang, the compiler for apps in C")
        target.rename(folder)
    return folder / "ziglang" / "zig"


def _zig_folder() -> Path:
    return cache.root() / "zig" / cache.digest(C_LOCK.read_bytes())[:16]
