"""`munal doctor`: what Munal needs on this machine, what of it is here, and what to do about the rest.

Gives findings as data; the CLI shows them. Installs and changes nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from composer import cache, packages, toolchain
from composer.tools import ToolFailure, run

ENOUGH_BYTES = 3 << 30
"""What the first build of everything takes on disk, with the compilers' own files."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that Munal needs: `ok`, what was found, what it is for, and how to come by it if it is missing."""

    name: str
    ok: bool
    found: str
    purpose: str
    help: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def examine() -> list[Finding]:
    """Everything that any command needs, in the order in which a first `munal run` needs it."""
    return [*_python(), *_rust(), *_c(), *_virtual_machine(), *_cache()]


def _python() -> Iterator[Finding]:
    yield Finding("python", True, f"{platform.python_version()} ({sys.executable})", "the composer")
    try:
        from importlib.metadata import version

        yield Finding("wasmtime", version("wasmtime") == "48.0.0", version("wasmtime"), "compiling wasm to machine code",
                      "start Munal by ./munal, which installs 48.0.0")
    except ImportError:
        yield Finding("wasmtime", False, "not installed", "compiling wasm to machine code", "start Munal by ./munal")


def _rust() -> Iterator[Finding]:
    for kernel, name, linker in ((True, "rust for the kernel", "ld.lld"), (False, "rust for apps", "wasm-ld")):
        purpose = "building the kernel" if kernel else "building apps written in Rust"
        try:
            rust = toolchain.find_rust(kernel)
            seen = [] if rust else [f"{other} lacks {', '.join(other.lacks(kernel))}" for other in toolchain.candidates()]
        except ToolFailure as failure:
            yield Finding(name, False, failure.message, purpose, "unset MUNAL_RUSTC and MUNAL_CARGO, or correct them")
            continue
        if rust is None:
            yield Finding(name, False, "; ".join(seen) or "none", purpose, _packages(packages.RUST))
            continue
        yield Finding(name, True, str(rust), purpose)
        found = rust.linker(linker)
        yield Finding(linker, found is not None, str(found or "none"), purpose, _packages(packages.LINKER))
    cc = shutil.which("cc")
    yield Finding("cc", cc is not None, cc or "none", "linking the build scripts of crates", _packages(packages.C_COMPILER))


def _c() -> Iterator[Finding]:
    zig = toolchain.find_zig()
    found = run("zig", [zig, "version"]).strip() if zig else "not installed yet"
    yield Finding("zig", True, found, "building apps written in C; installed when the first one is built")


def _virtual_machine() -> Iterator[Finding]:
    from composer import qemu

    program = shutil.which(qemu.QEMU)
    found = run("qemu", [program, "--version"]).splitlines()[0] if program else "none"
    yield Finding("qemu", program is not None, found, "munal run", _packages(packages.QEMU[:1]))
    try:
        yield Finding("uefi firmware", True, str(qemu.find_firmware().code), "munal run")
    except ToolFailure:
        yield Finding("uefi firmware", False, "none", "munal run", _packages(packages.QEMU[1:]))
    kvm = os.access("/dev/kvm", os.R_OK | os.W_OK)
    yield Finding("kvm", True, "/dev/kvm can be used" if kvm else "none: machines are emulated in software, about 11 times slower",
                  "munal run --accel auto")


def _cache() -> Iterator[Finding]:
    folder = cache.root()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    writable = os.access(there, os.W_OK)
    free = shutil.disk_usage(there).free
    found = f"{folder}, {free >> 30} GiB free" if writable else f"{folder} cannot be written"
    yield Finding("cache", writable and free >= ENOUGH_BYTES, found, "what is built, and the compilers' own files",
                  f"set MUNAL_CACHE to a folder that can be written, with {ENOUGH_BYTES >> 30} GiB free")


def _packages(names: tuple[str, ...]) -> str:
    """How to install packages; commands that need them do so by themselves where they may."""
    script = os.path.relpath(packages.SETUP)
    return f"{script if '/' in script else './' + script} packages {' '.join(names)}"
