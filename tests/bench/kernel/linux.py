"""The guest to compare with: Debian's kernel for machines in clouds, and an initramfs with programs of ours and nothing else.

It boots by the same firmware, in the same machine, as an image of Munal's does.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from composer import cache, packages, qemu
from composer.tools import run
from tests.bench.kernel import debian
from tests.bench.kernel.compute import ROUNDS

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "linux"
PROGRAMS = HERE.parents[2] / "apps/bench/measure"
META = "linux-image-cloud-amd64"
"""Debian's package that depends on its present kernel."""
FORMAT = "1"

C_FLAGS = ("-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror")
LINE = "console=ttyS0 quiet panic=-1 rdinit=/init"
FOLDER, PROGRAM, FILE = 0o40755, 0o100755, 0o100644


def guest(folder: Path, wasm: bytes) -> tuple[Path, qemu.Machine]:
    """What to boot for a guest that measures system calls (`calls`), programs by gcc (`native`) and those of an app's module by
    `wasmtime`; its files are written to `folder`. Raises ToolFailure where it cannot be had."""
    kernel, initramfs = find_kernel(), folder / "initramfs"
    initramfs.write_bytes(make_initramfs(wasm))
    return kernel, qemu.Machine(reboot=False, extra=("-kernel", str(kernel), "-initrd", str(initramfs), "-append", LINE))


def find_kernel() -> Path:
    """Debian's kernel, from the cache or by apt-get. Raises ToolFailure where this is no Debian, or it cannot be reached."""
    return debian.kernel_of(debian.unpacked("linux", META, lambda files, folder: (files / "boot").rename(folder / "boot")))


def sizes() -> tuple[int, int]:
    """Bytes of the kernel, and of an initramfs with one program of ours."""
    init = build("init", ("init.c",)).read_bytes()
    return find_kernel().stat().st_size, len(cpio({"dev": (FOLDER, b""), "init": (PROGRAM, init)}))


def native() -> Path:
    """The programs by gcc: static, so that it runs here as it does in the guest."""
    return build("native", ("native.c", *map(str, program_sources())))


def make_initramfs(wasm: bytes) -> bytes:
    """The whole file system of the guest, as the kernel unpacks it."""
    built = {"init": build("init", ("init.c",)), "calls": build("calls", ("calls.c",)), "native": native()}
    programs = {name: (PROGRAM, path.read_bytes()) for name, path in built.items()}
    return cpio({"dev": (FOLDER, b""), **programs, **_wasmtime_files(wasm)})


def program_sources() -> list[Path]:
    """The C files of the programs that compute."""
    return [PROGRAMS / "programs.c", *(PROGRAMS / f"{name}.c" for name in ROUNDS)]


def build(name: str, sources: tuple[str, ...], library: Path | None = None) -> Path:
    """A program for the Linux guest, static unless it is linked with `library`; from the cache where it was built before."""
    if not shutil.which("gcc"):
        packages.install(packages.C_COMPILER)
    files = [SOURCES / source for source in sources]  # a whole path stays as it is
    texts = [path.read_bytes() for path in (*files, *sorted(SOURCES.glob("*.h")), PROGRAMS / "programs.h")]
    flags = [*C_FLAGS, *([] if library else ["-static"])]
    key = cache.digest(FORMAT, name, " ".join(flags), run("gcc", ["gcc", "--version"]), str(library and library.stat().st_size), *texts)
    found = cache.entry("bench", key)
    if found is None:
        with cache.work("bench-programs") as area:
            out = area / name
            linked = ["-L", library.parent, f"-l:{library.name}", "-Wl,-rpath,/lib", "-Wl,--allow-shlib-undefined"] if library else []
            run("gcc", ["gcc", *flags, "-I", SOURCES, "-I", PROGRAMS, "-o", out, *files, *linked], says=f"building `{name}` for Linux failed")
            found = cache.store("bench", key, out)
    return found


def find_wasmtime() -> Path:
    """wasmtime's library, as the Python package carries it."""
    import wasmtime

    return next(Path(wasmtime.__file__).parent.glob("linux-x86_64/_libwasmtime.so"))


def runner(library: Path) -> Path:
    """What runs an app's module by wasmtime's library."""
    return build("runner", ("runner.c",), library)


def _wasmtime_files(wasm: bytes) -> dict[str, tuple[int, bytes]]:
    """wasmtime's library as the Python package carries it, a runner for it, and the libraries of this machine that it wants."""
    library = find_wasmtime()
    files = {"lib": (FOLDER, b""), "lib64": (FOLDER, b""), "runner": (PROGRAM, runner(library).read_bytes()), "app.wasm": (FILE, wasm),
             f"lib/{library.name}": (PROGRAM, library.read_bytes())}
    for path in _libraries(library):
        folder = "lib64" if path.name.startswith("ld-") else "lib"
        files[f"{folder}/{path.name}"] = (PROGRAM, path.read_bytes())
    return files


def _libraries(library: Path) -> list[Path]:
    told = run("ldd", ["ldd", library])
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", told)]


def cpio(files: Mapping[str, tuple[int, bytes]]) -> bytes:
    """An archive in cpio's "newc" form (Linux, Documentation/driver-api/early-userspace/buffer-format.rst), of mode and
    content by name; folders come before what is in them."""
    made = bytearray()
    for number, (name, (mode, content)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))], 1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        made += b"070701" + b"".join(b"%08x" % value for value in fields) + name.encode() + b"\0"
        made += b"\0" * (-len(made) % 4)
        made += content + b"\0" * (-len(content) % 4)
    return bytes(made)
