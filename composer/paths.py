"""Paths of files as grants name them: absolute, in the one shortest spelling, so that what lies below which can be told by their names alone.

A path is `/`, or `/` before each of its names. What a provider makes of names (their case, what is possible in them) is the provider's.
"""

from __future__ import annotations

from collections.abc import Iterator

from composer.diagnostics import declare
from composer.units import Complaint

M0117 = declare("M0117", "a text that cannot stand where it is written")

LONGEST, LONGEST_NAME = 1024, 255
"""Bytes of a path, and of each name in it, as file systems commonly have them."""


def check_path(path: str) -> str:
    """The path, where it is one. Raises Complaint."""
    names = path.split("/")
    if not path.startswith("/"):
        raise Complaint(M0117, f"`{path[:64]}` is no path from the root on", "begin it with `/`, the root of what the provider keeps")
    if len(path.encode()) > LONGEST or any(len(name.encode()) > LONGEST_NAME for name in names):
        raise Complaint(M0117, f"`{path[:64]}…` is too long for a path", f"{LONGEST} bytes in UTF-8 are possible, {LONGEST_NAME} for each name in it")
    if not path.isprintable():
        raise Complaint(M0117, "this path has characters that cannot be shown", "use letters, digits, marks and spaces")
    if path != "/" and not {"", ".", ".."}.isdisjoint(names[1:]):
        raise Complaint(M0117, f"`{path[:64]}` is not the shortest way to say this path", f"write `{_shortest(names)}`")
    return path


def _shortest(names: list[str]) -> str:
    """The same folder, without empty names, `.` and `..`."""
    kept: list[str] = []
    for name in names:
        if name == "..":
            kept = kept[:-1]
        elif name not in ("", "."):
            kept.append(name)
    return f"/{'/'.join(kept)}"


def names_of(path: str) -> tuple[str, ...]:
    """The names of a path, from the root on."""
    return tuple(filter(None, path.split("/")))


def lies_in(path: str, folder: str) -> bool:
    """Whether a path is this folder, or below it."""
    return names_of(path)[:len(names_of(folder))] == names_of(folder)


def folders_above(path: str) -> Iterator[str]:
    """Every folder that a path lies in, from the root on, without itself."""
    names = names_of(path)
    return (f"/{'/'.join(names[:count])}" for count in range(len(names)))
