"""What a file is that is no core wasm module: the causes that a person meets, each with its own sentence.

Gets the bytes; raises WasmError unless they begin as a core module of version 1.
"""

from __future__ import annotations

from composer.wasm.cursor import WasmError

MAGIC = b"\0asm"
_KNOWN = (
    (b"\x7fELF", "it is an ELF file: machine code for one processor, or wasm compiled ahead of time"),
    (b"MZ", "it is a Windows or UEFI executable"),
    (b"\xcf\xfa\xed\xfe", "it is a Mach-O executable"),
    (b"BC\xc0\xde", "it is LLVM bitcode, not linked to wasm yet"),
    (b"!<arch>\n", "it is a library of object files, not linked to wasm yet"),
    (b"\x1f\x8b", "it is packed by gzip: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is packed by zstd: unpack it first"),
    (b"PK\x03\x04", "it is a zip archive: unpack it first"),
    (b"#!", "it is a script"),
    (b"version https://git-lfs", "it is a pointer of Git LFS: fetch the file itself with `git lfs pull`"),
)


def check_header(data: bytes) -> None:
    """Raise for all but a core module's first eight bytes."""
    if not data:
        raise WasmError("the file is empty", 0)
    if not data.startswith(MAGIC):
        raise WasmError(_foreign(data), 0)
    if len(data) < 8:
        raise WasmError("the file ends within its header", len(data))
    version, layer = int.from_bytes(data[4:6], "little"), int.from_bytes(data[6:8], "little")
    if layer == 1:
        raise WasmError("it is a component, not a core module", 4, "the component model")
    if (version, layer) != (1, 0):
        raise WasmError(f"its binary version is {int.from_bytes(data[4:8], 'little')}, not 1", 4)


def _foreign(data: bytes) -> str:
    if MAGIC.startswith(data):
        return "the file ends within its header"
    known = next((sentence for magic, sentence in _KNOWN if data.startswith(magic)), None)
    if known:
        return known
    text = data[:256].removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"(", b";;")):
        return "it is wasm text: name it in `build.wat`, or translate it to binary"
    return f"it does not begin with the four bytes of wasm, `\\0asm`, but with {data[:4].hex(' ')}"
