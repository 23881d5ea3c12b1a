"""The guest to compare with: Debian's kernel with the drivers that it has for the devices, and an initramfs with a program of ours."""

from __future__ import annotations

import lzma
import re
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

from composer import cache
from composer.tools import ToolFailure
from tests.bench.kernel import debian
from tests.bench.kernel.linux import FILE, FOLDER, LINE, PROGRAM, build, cpio

META = "linux-image-amd64"
"""Debian's package that depends on its present kernel for computers of all kinds: that for clouds lacks drivers."""
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_input", "evdev", "ahci", "sd_mod")
"""The drivers that are asked for; one that is in the kernel itself is none of its modules. That of the PC's keyboard controller is."""
PROGRAM_NAME = "devices"
SOURCES = ("devices.c", "disk.c", "network.c", "keyboard.c")
_DEPENDS = re.compile(rb"(?:^|\0)depends=([^\0]*)")


def guest(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """What to boot, and the words of QEMU's command line that it wants besides; its files are written to `folder`.

    Raises ToolFailure where it cannot be had.
    """
    kept = fetched()
    initramfs = folder / "initramfs"
    initramfs.write_bytes(make_initramfs(kept))
    return debian.kernel_of(kept), ("-initrd", str(initramfs), "-append", LINE)


def fetched() -> Path:
    """Debian's kernel and modules, from the cache or by apt-get. Raises ToolFailure where this is no Debian, or it cannot be reached."""
    return debian.unpacked(f"linux-devices-{cache.digest(*DRIVERS)[:12]}", META, keep)


def keep(files: Path, folder: Path) -> None:
    """Take the kernel and the modules that the drivers want from a package's files into `folder`."""
    (files / "boot").rename(folder / "boot")
    paths = {name_of(path): path for path in sorted(files.rglob("*.ko*"))}
    (folder / "modules").mkdir()
    for number, name in enumerate(in_order(DRIVERS, {name: depends_on(content(path)) for name, path in paths.items()})):
        (folder / "modules" / f"{number:02}-{name}.ko").write_bytes(content(paths[name]))


def in_order(drivers: Sequence[str], depends: Mapping[str, Sequence[str]]) -> list[str]:
    """Those of `drivers` that are modules, and the modules that they want, each after those that it wants."""
    wanted: dict[str, Sequence[str]] = {}
    waiting = [driver for driver in drivers if driver in depends]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            if name not in depends:
                raise ToolFailure("bench", f"Linux's modules want `{name}`, which the package has not")
            wanted[name] = depends[name]
            waiting += depends[name]
    return list(TopologicalSorter(wanted).static_order())


def depends_on(module: bytes) -> list[str]:
    """The modules that a module wants loaded before it, by what its section .modinfo says."""
    found = _DEPENDS.search(module)
    return [_plain(name) for name in found[1].decode().split(",") if name] if found else []


def name_of(path: Path) -> str:
    """How the kernel calls a module's file, compressed or not."""
    return _plain(path.name.split(".ko")[0])


def content(path: Path) -> bytes:
    """A module's bytes, decompressed."""
    read = path.read_bytes()
    return lzma.decompress(read) if path.suffix == ".xz" else read


def make_initramfs(kept: Path) -> bytes:
    """The whole file system of the guest, as the kernel unpacks it."""
    programs = {"init": build("init", ("init.c",)), PROGRAM_NAME: build(PROGRAM_NAME, SOURCES)}
    modules = {f"modules/{path.name}": (FILE, path.read_bytes()) for path in sorted((kept / "modules").iterdir())}
    return cpio({"dev": (FOLDER, b""), "modules": (FOLDER, b""), **{name: (PROGRAM, path.read_bytes()) for name, path in programs.items()}, **modules})


def _plain(name: str) -> str:
    return name.replace("-", "_")
