"""Debugging with gdb: symbols of the kernel and of every SIP's wasm, at the addresses that they have in the machine that waits.

The firmware chooses where the image lies. So the copy that is booted for gdb begins with an endless loop of two bytes; when the
processor is found in it, the machine is stopped, its place is known, and the script for gdb puts the two bytes back.
"""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from composer import packages, pe
from composer.elf import function_symbols
from composer.elf_symbols import symbol_file
from composer.image import Section, read_image

HERE = b"\xeb\xfe"
"""`jmp` to itself (Intel SDM volume 2, JMP rel8)."""
HOOK = "munal_modules_loaded"
"""The kernel's function that tells where modules lie (kernel/src/functions.rs)."""
_POINTER = re.compile(r"\bRIP=([0-9a-f]{16})")
_FUNCTION = re.compile(r"wasm\[\d+\]::function\[\d+\]::")

SCRIPT = """\
# Made by `munal run --gdb`; the machine waits at the kernel's first instruction.
set confirm off
set architecture i386:x86-64
set breakpoint pending on
add-symbol-file {kernel} -o {shift:#x}
target remote 127.0.0.1:{port}
set {{unsigned char[2]}} {entry:#x} = {{{first}, {second}}}
python
def munal_wasm():
    place, count = (int(gdb.parse_and_eval(register)) for register in ("$rdi", "$rsi"))
    words = gdb.selected_inferior().read_memory(place, 16 * count).cast("Q")
    for number, name in enumerate({modules!r}):
        gdb.execute("add-symbol-file %s -s .text %#x" % (name, words[2 * number]), to_string=True)
end
if $_isvoid($munal_early)
    thbreak *{hook}
    continue
    python munal_wasm()
    echo Every module is loaded and no SIP runs yet: `break` where you like, then `continue`.\\n
end
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What gdb needs, in `folder`: `image` is the copy to boot. `entry` is where its first instruction is, from the image's
    start, and `first` the two bytes that belong there."""

    folder: Path
    image: Path
    port: int
    entry: int
    first: bytes
    kernel: Path
    kernel_start: int
    modules: tuple[Path, ...]

    @property
    def script(self) -> Path:
        return self.folder / "start.gdb"

    @property
    def command(self) -> str:
        """What a person types in another terminal."""
        return f"gdb -x {shlex.quote(str(self.script))}"

    def find(self, registers: str) -> int | None:
        """Where the image lies, if the processor is in its endless loop; `registers` are as QEMU's monitor prints them."""
        found = _POINTER.search(registers)
        base = int(found[1], 16) - self.entry if found else -1
        return base if base > 0 and base % pe.MEMORY_ALIGNMENT == 0 else None

    def write_script(self, base: int) -> None:
        """The script for an image that lies at `base`."""
        self.script.write_text(SCRIPT.format(
            kernel=self.kernel, shift=base + self.kernel_start, port=self.port, entry=base + self.entry, first=self.first[0],
            second=self.first[1], modules=[str(path) for path in self.modules], hook=HOOK))


def require_gdb() -> None:
    """See to it that gdb is here; Debian's package is installed where it is missing."""
    if shutil.which("gdb") is None:
        packages.install(("gdb",))


def prepare(image: Path, kernel: bytes, kernel_shift: int, port: int) -> Prepared:
    """Write a copy of `image` that stops at its first instruction, and the symbols of `kernel`, which the image moves by
    `kernel_shift`, and of each module, into a folder beside the image, in place of what an earlier run left there."""
    folder = image.with_suffix(".gdb")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    data = bytearray(image.read_bytes())
    view = read_image(bytes(data)).value
    entry = pe.entry_of(data)
    place = _in_file(view.sections, entry)
    first, data[place:place + 2] = bytes(data[place:place + 2]), HERE
    (folder / "image.efi").write_bytes(data)
    (folder / "kernel.elf").write_bytes(kernel)
    modules = tuple(_write_symbols(folder, name, code) for name, code in view.modules.items())
    return Prepared(folder, folder / "image.efi", port, entry, first, folder / "kernel.elf", kernel_shift, modules)


def _in_file(sections: tuple[Section, ...], address: int) -> int:
    """Where the byte at `address` of the image stands in the file."""
    section = next(s for s in sections if s.address <= address < s.address + s.file_size)
    return section.offset + address - section.address


def _write_symbols(folder: Path, name: str, code: bytes) -> Path:
    """The functions of one module, under their own names, those of glue with the instance's in front."""
    kind, _, owner = name.partition("/")
    prefix = f"{owner}/" if kind == "glue" else ""
    functions = {(f.address, f.size): prefix + _FUNCTION.sub("", f.name) for f in function_symbols(code)}
    path = folder / f"{kind}-{owner}.elf"
    path.write_bytes(symbol_file(functions))
    return path
