"""Which accelerator QEMU gets: KVM where it works, else software emulation; and the memory of where it did not.

A computer may have /dev/kvm and still stop in the firmware (nested virtualization without what OVMF needs): only trying
tells, so what a try told is kept, under everything that it can depend on.
"""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from composer import cache

KVM, TCG = "kvm", "tcg"
DEVICE = Path("/dev/kvm")
CHOICES = ("auto", KVM, TCG)
PATIENCE = 20.0
"""Seconds in which a machine under KVM has said its first word, if KVM works."""

_KIND = "accel"


def candidates(wanted: str, qemu: str) -> tuple[str, ...]:
    """What to try, in order, for `--accel wanted`."""
    if wanted != "auto":
        return (wanted,)
    if not os.access(DEVICE, os.R_OK | os.W_OK) or cache.entry(_KIND, _key(qemu)) is not None:
        return (TCG,)
    return (KVM, TCG)


def remember_failure(qemu: str) -> None:
    """KVM does not run here: do not try it again until QEMU, the processor or the kernel is another."""
    cache.store(_KIND, _key(qemu), b"KVM does not run a machine here\n")


def _key(qemu: str) -> str:
    import hashlib

    version = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=False).stdout
    return hashlib.sha256("\n".join((version, _processor(), platform.release())).encode()).hexdigest()


def _processor() -> str:
    """The processor's model, as Linux names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.processor())
