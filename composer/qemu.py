"""The QEMU command line of a machine that boots an image: UEFI firmware, one disk, one serial line, QMP.

Gets options and paths; gives words for exec. It starts nothing: guest.py does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from composer.system import DEFAULT_MACHINE, System
from composer.tools import ToolFailure

QEMU = "qemu-system-x86_64"
DEBUG_EXIT_PORT = 0xF4
OPERATOR_PORT = 0xE9
"""That of QEMU's debug console, on which a guest asks its operator for keys (composer/operator.py)."""
PICTURE = "picture"
"""The identity of the display whose picture the firmware sets up."""
MEMORY_MIB = 512
INSTRUCTION_SHIFT = 3
"""Where time follows instructions: 8 ns each make 125 million a second, slower than any x86-64 processor is."""

BOOT_DEVICE = "ide-hd"
"""A disk at the first free port of the machine's own controller."""

FIRMWARE_FOLDERS = ("/usr/share/OVMF", "/usr/share/edk2/ovmf", "/usr/share/edk2/x64", "/usr/share/edk2-ovmf/x64", "/usr/share/qemu")
FIRMWARE_NAMES = (
    ("OVMF_CODE.fd", "OVMF_VARS.fd"),
    ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
    ("OVMF_CODE.4m.fd", "OVMF_VARS.4m.fd"),
    ("edk2-x86_64-code.fd", "edk2-i386-vars.fd"),
)
"""OVMF's halves as distributions name them, the quickest first: under software emulation the 2 MB build starts in two
thirds of the time that the 4 MB build takes."""


@dataclass(frozen=True, slots=True)
class Firmware:
    """OVMF in two flash images: code, which is only read, and the variable store that each machine gets a copy of."""

    code: Path
    variables: Path


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine is made of.

    `display` is a QEMU display (gtk, sdl) or None for no window. `debug_exit` adds the device at port 0xf4 that ends
    QEMU with a status of the guest's choosing. `rtc` is the clock at power-on, `YYYY-MM-DDTHH:MM:SS` in UTC, or None
    for the time of day. With `reboot` false, a reset ends the run. `type` is QEMU's name of the machine;
    `extra` are words of its command line for what only a debugger, a test or a benchmark wants. With `counted`, the machine's
    time follows its instructions, 2 to the power of `instruction_shift` nanoseconds each, and skips what it is idle: the same at
    each run, and untouched by what else this computer does (software emulation only; otherwise it has no effect). `random`
    gives the firmware this computer's random numbers, which a machine that is to do the same at each run has not. `picture` gives it
    a display; with `operator`, the guest has a port on which it can ask for keys. `boot_device` is QEMU's device for the disk with
    the image, with what it wants to be told beside that.
    """

    accel: str = "tcg"
    display: str | None = None
    debug_exit: bool = False
    reboot: bool = True
    rtc: str | None = None
    memory_mib: int = MEMORY_MIB
    type: str = DEFAULT_MACHINE
    extra: tuple[str, ...] = ()
    counted: bool = False
    instruction_shift: int = INSTRUCTION_SHIFT
    random: bool = True
    picture: bool = True
    operator: bool = False
    boot_device: str = BOOT_DEVICE


def grants_debug_exit(system: System) -> bool:
    """Whether an instance may write QEMU's debug exit: only then does the machine have one."""
    held = (grant.ports for instance in system.instances for grant in instance.grants)
    return any(ports is not None and ports.base <= DEBUG_EXIT_PORT < ports.end for ports in held)


def find_firmware(folders: Sequence[str] = FIRMWARE_FOLDERS) -> Firmware:
    """The UEFI firmware of this computer. Raises ToolFailure where there is none."""
    for code, variables in FIRMWARE_NAMES:
        for folder in map(Path, folders):
            if (folder / code).is_file() and (folder / variables).is_file():
                return Firmware(folder / code, folder / variables)
    raise ToolFailure("ovmf", "no UEFI firmware for QEMU found: install the package `ovmf` (or `edk2-ovmf`)", "")


def find_qemu() -> str:
    """QEMU's path. Raises ToolFailure where it is not installed."""
    found = shutil.which(QEMU)
    if found is None:
        raise ToolFailure(QEMU, f"{QEMU} is not installed: install the package `qemu-system-x86`", "")
    return found


def command(qemu: str, machine: Machine, firmware: Firmware, variables: Path, disk: str, serial: int, qmp: int,
            operator: int | None = None) -> list[str]:
    """The words that start `machine` with `disk` (a path, or `fat:<folder>`), its serial line, QMP, and where it has one the line to
    its operator on sockets that QEMU inherits as file descriptors."""
    words = [qemu, "-nodefaults", "-no-user-config", "-name", "munal", "-machine", _escape(machine.type), "-m", str(machine.memory_mib)]
    words += _processor(machine.accel)
    words += ["-drive", f"if=pflash,format=raw,readonly=on,file={_escape(str(firmware.code))}"]
    words += ["-drive", f"if=pflash,format=raw,file={_escape(str(variables))}"]
    words += ["-vga", "none", *(["-device", f"VGA,id={PICTURE}"] if machine.picture else [])]    # first, where -vga puts it
    words += _boot_disk(disk, machine.boot_device)
    words += _socket("serial", serial) + ["-serial", "chardev:serial"]
    words += _socket("qmp", qmp) + ["-mon", "chardev=qmp,mode=control"]
    words += ["-display", machine.display or "none", "-net", "none"]
    counted = machine.counted and machine.accel == "tcg"
    words += ["-rtc", f"base={machine.rtc or 'utc'},clock={'vm' if counted else 'host'}"]
    words += ["-icount", f"shift={machine.instruction_shift},sleep=off"] if counted else []
    if machine.debug_exit:
        words += ["-device", f"isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=1"]
    if operator is not None:
        words += _socket("operator", operator) + ["-device", f"isa-debugcon,iobase={OPERATOR_PORT:#x},chardev=operator"]
    if machine.random and not machine.counted:
        words += ["-device", "virtio-rng-pci"]
    words += machine.extra
    return words if machine.reboot else [*words, "-no-reboot"]


def guest_status(status: int) -> int | None:
    """The value that the guest wrote to the debug exit, from QEMU's exit status ((value << 1) | 1); None where it wrote none."""
    return status >> 1 if status > 0 and status & 1 else None


def windows(qemu: str) -> tuple[str, ...]:
    """The displays of this QEMU that open a window, the best first."""
    import subprocess

    told = subprocess.run([qemu, "-display", "help"], capture_output=True, text=True, check=False).stdout.split()
    return tuple(name for name in ("gtk", "sdl", "cocoa") if name in told)


def choose_display(qemu: str, headless: bool) -> str | None:
    """A display for this session: None where no window is wanted, none can be shown, or QEMU was built without."""
    if headless or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    return next(iter(windows(qemu)), None)


def _processor(accel: str) -> list[str]:
    return ["-accel", accel, "-cpu", "host" if accel == "kvm" else "qemu64"]


def _boot_disk(disk: str, device: str) -> list[str]:
    """One disk that the firmware boots without asking its menu or looking elsewhere, unless QEMU hands it a kernel, which
    has index 0; its writes are thrown away."""
    drive = f"if=none,id=boot,format=raw,snapshot=on,file={_escape(disk)}"
    return ["-drive", drive, "-device", f"{device},drive=boot,bootindex=1", "-boot", "menu=off"]


def _socket(name: str, descriptor: int) -> list[str]:
    return ["-chardev", f"socket,id={name},fd={descriptor}"]


def _escape(value: str) -> str:
    """A comma ends an option's value unless it is doubled."""
    return value.replace(",", ",,")
