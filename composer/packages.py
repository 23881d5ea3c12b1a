"""Debian packages that a command turns out to need: installed when they are missing, by the set-up script, which says so before."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from composer.tools import ToolFailure

SETUP = Path(__file__).resolve().parent.parent / "munal"

QEMU = ("qemu-system-x86", "ovmf")
RUST = ("rustc-web", "cargo-web", "rust-web-src", "libstd-rust-web-dev", "lld")
LINKER = ("lld",)
C_COMPILER = ("gcc", "libc6-dev")
"""What cargo links build scripts with; rustc-web depends on it, a rustup toolchain cannot."""


def install(names: Sequence[str]) -> None:
    """Install packages with apt-get, as root or through sudo. Raises ToolFailure where that may not be or does not succeed.

    `munal packages` has then said on standard error what is missing and what to run by hand.
    """
    import subprocess

    if not SETUP.is_file():
        raise ToolFailure("apt-get", f"missing: {' '.join(names)}. Install them, then try again")
    status = subprocess.run([str(SETUP), "packages", *names], check=False).returncode
    if status != 0:
        raise ToolFailure("set-up", f"this needs the packages {', '.join(names)}")


def require_virtual_machine() -> None:
    """See to it that QEMU and UEFI firmware for it are here."""
    from composer import qemu

    missing = []
    if shutil.which(qemu.QEMU) is None:
        missing.append(QEMU[0])
    try:
        qemu.find_firmware()
    except ToolFailure:
        missing.append(QEMU[1])
    if missing:
        install(missing)
