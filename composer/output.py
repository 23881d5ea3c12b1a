"""What a build leaves in the workspace's folder `build/`: the image, and on request what it was made of.

Gets a linked image; gives what a person wants to know about it. Files appear under their names only when they are whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer import cache
from composer.peripherals import Wanted, wanted
from composer.tools import ToolFailure

if TYPE_CHECKING:
    from composer.link import Image
    from composer.stamp import Inputs
    from composer.system import System

FOLDER = "build"


@dataclass(frozen=True, slots=True)
class Built:
    """An image on disk. Sizes are bytes: `parts` of the file by purpose, `modules` of each module. `digest` is the file's
    SHA-256 in hexadecimal, `certified` that of the certificate beside it; `changed` tells whether both were written just
    now; `kept` is where `keep` left the rest. `name` is the file's, without its ending; `machine`, `debug_exit` and
    `counts_instructions` are what it takes to run it in QEMU, and `devices` what it drives there."""

    profile: str
    name: str
    machine: str
    debug_exit: bool
    counts_instructions: bool
    image: Path
    size: int
    digest: str
    parts: dict[str, int]
    modules: dict[str, int]
    certified: str
    devices: tuple[Wanted, ...] = ()
    changed: bool = True
    kept: Path | None = None

    @property
    def certificate(self) -> Path:
        return certificate_path(self.image)


def image_path(root: Path, name: str) -> Path:
    """Where the image of a variant lies; `name` is as System.variant gives it."""
    return root / FOLDER / f"{name}.efi"


def certificate_path(image: Path) -> Path:
    """Where the certificate of an image lies: beside it (docs/certificate.md)."""
    return image.with_name(f"{image.name.removesuffix('.efi')}.cert.json")


def write_image(root: Path, system: System, image: Image, certificate: bytes, kept: Path | None = None) -> Built:
    """Put the image where people look for it, with its certificate. Raises ToolFailure where that cannot be written."""
    from composer.qemu import grants_debug_exit

    path = image_path(root, system.variant)
    cache.write_output(path, image.data)
    cache.write_output(certificate_path(path), certificate)
    modules = {m.name: m.length for m in image.modules}
    return Built(system.profile, system.variant, system.machine, grants_debug_exit(system), system.counts_instructions, path, len(image.data),
                 _sha256(image.data), image.parts, modules, _sha256(certificate), wanted(system), True, kept)


def plain(built: Built) -> dict[str, Any]:
    """What `found_again` takes: JSON's types, nothing of this machine's."""
    return {"profile": built.profile, "name": built.name, "machine": built.machine, "debug_exit": built.debug_exit,
            "counts_instructions": built.counts_instructions, "size": built.size, "digest": built.digest, "parts": built.parts, "modules": built.modules, "certified": built.certified,
            "devices": [[each.instance, list(each.matches), each.slot] for each in built.devices]}


def found_again(inputs: Inputs, kept: dict[str, Any]) -> Built | None:
    """The image of an earlier run, unless it or its certificate is gone or no longer what was written."""
    path = image_path(inputs.root, kept["name"])
    found = inputs.file(path), inputs.file(certificate_path(path))
    devices = tuple(Wanted(instance, tuple(matches), slot) for instance, matches, slot in kept["devices"])
    return Built(image=path, changed=False, **{**kept, "devices": devices}) if found == (kept["digest"], kept["certified"]) else None


def keep_parts(root: Path, name: str, glue: Mapping[str, str], wasm: Mapping[str, Path], image: Image) -> Path:
    """Leave glue, table and wasm in `build/<name>/`, in place of all that an earlier run left there."""
    import json

    from composer.table import decode

    files = {f"glue/{name}.wat": text.encode() for name, text in glue.items()}
    files |= {f"wasm/{name}.wasm": path.read_bytes() for name, path in wasm.items()}
    files["table.json"] = json.dumps(decode(image.table), indent=2).encode() + b"\n"
    folder = root / FOLDER / name
    try:
        _replace_folder(folder, files)
    except OSError as error:
        raise ToolFailure("files", f"cannot write {folder}: {error.strerror}") from error
    return folder


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a new folder beside the old one, then change their places: a person never finds half of one."""
    import tempfile

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        new, old = Path(temporary, "new"), Path(temporary, "old")
        for name, content in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(content)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
