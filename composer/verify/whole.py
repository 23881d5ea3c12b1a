"""`munal verify`: whether an image is whole and says the truth about itself, one line a check.

Gets an image's bytes, its certificate's and the workspace; gives what was looked at and whether it holds. That no hardware is
shared is decided by `sharing`, with code of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from composer import pe
from composer.image import ImageView, read_image
from composer.interfaces import load_interfaces
from composer.verify.sharing import Check, recheck

WRITE, EXECUTE = 0x8000_0000, 0x2000_0000


def verify(image: bytes, certificate: bytes | None, workspace: Path) -> tuple[Check, ...]:
    """Every check, in an order in which each builds on those before; where the file cannot be read, that is the only one."""
    read = read_image(image)
    if read.value is None:
        return tuple(Check("image", False, said.message) for said in read.diagnostics)
    view = read.value
    faults = tuple(Check("contents", False, said.message) for said in read.diagnostics)
    return (_file(view), _checksum(view), _rights(view), *(faults or (_contents(view),)), _interfaces(view), *_origin(view),
            *_workspace(view, workspace), *recheck(image, certificate))


def _file(view: ImageView) -> Check:
    return Check("image", True, f"a UEFI application of {len(view.data):,} bytes in {len(view.sections)} sections, sha256 {view.sha256}")


def _checksum(view: ImageView) -> Check:
    """The optional header's checksum (Microsoft PE format, section 3.4.2), wherever its DOS header puts it."""
    start = pe.DOS_HEADER.unpack_from(view.data)[1]
    if start != pe.DOS_HEADER.size:
        return Check("checksum", False, "the headers do not stand where the composer puts them")
    found = struct.unpack_from("<I", view.data, pe.CHECKSUM_OFFSET)[0]
    wanted = pe.checksum(view.data)
    return Check("checksum", found == wanted, f"{found:#x}" if found == wanted else f"the header says {found:#x}, the bytes have {wanted:#x}")


def _rights(view: ImageView) -> Check:
    both = [s.name for s in view.sections if s.use & WRITE and s.use & EXECUTE]
    loose = [s.name for s in view.sections if s.name in (".munal", ".origin") and s.use != pe.Use.CONSTANTS]
    if both or loose:
        return Check("rights", False, f"{', '.join(both + loose)}: more than their pages may be used for")
    return Check("rights", True, "no section is both writable and executable, and what describes the system is read-only")


def _contents(view: ImageView) -> Check:
    return Check("contents", True, f"the system table (sha256 {view.table_sha256}) and {len(view.modules)} modules are what their digests say")


def _interfaces(view: ImageView) -> Check:
    ours = load_interfaces().digest.hex()
    if view.table["abi"] == ours:
        return Check("interfaces", True, f"those of this composer, sha256 {ours}")
    return Check("interfaces", False, f"the image was composed for sha256 {view.table['abi']}, and this composer has {ours}")


def _origin(view: ImageView) -> Iterator[Check]:
    """The record against the table: both are in the image, and only one of them is obeyed."""
    made = view.origin
    if made is None:
        return
    apps = {instance["app"] for instance in view.table["instances"]}
    if made["profile"] != view.table["profile"]:
        yield Check("origin", False, f"the record is of profile `{made['profile']}`, the system table of `{view.table['profile']}`")
    elif set(made["wasm"]) != apps:
        differing = ", ".join(sorted(set(made["wasm"]) ^ apps))
        yield Check("origin", False, f"the record and the system table have other apps: {differing}")
    else:
        yield Check("origin", True, f"profile `{made['profile']}`, by composer {made['composer']['version']}, of {len(apps)} apps")


def _workspace(view: ImageView, root: Path) -> Iterator[Check]:
    """The workspace's lock, where it is of the same system and has the variant: it names the image that was reviewed."""
    from composer.lock import FILE, read_lock
    from composer.variant import name_of

    if view.origin is None or not (root / FILE).is_file() or not _is_of(view, root):
        return
    locked = read_lock(root)
    if locked.value is None:
        yield Check("lock", False, f"`{FILE}` cannot be read: {locked.diagnostics[0].message}")
        return
    names = {name_of(view.origin["profile"], view.origin["target"]), view.origin["profile"]}
    known = [each.image for name, each in locked.value.variants.items() if name.partition(" ")[0] in names]
    if known:
        same = view.sha256 in known
        yield Check("lock", same, f"the image that `{FILE}` holds" if same else f"`{FILE}` holds another image, sha256 {', '.join(known)}")


def _is_of(view: ImageView, root: Path) -> bool:
    from composer import pipeline

    models = pipeline.compose(root, None, pipeline.Stage.MODEL).value
    return models is not None and models.name == view.table["name"]
