"""What `munal tighten` prints: the changes as a unified diff, in colours on a terminal, or plain values for JSON."""

from __future__ import annotations

from typing import Any

from composer.tighten import Tightened

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
_BOLD, _RESET = "\x1b[1m", "\x1b[0m"


def to_text(found: Tightened, *, color: bool = False) -> str:
    """One diff after the other, to be applied by `patch -p1`; empty where there is nothing to tighten."""
    diff = "".join(change.diff for change in found.changes)
    return "".join(map(_painted, diff.splitlines(keepends=True))) if color else diff


def _painted(line: str) -> str:
    style = _BOLD if line.startswith(("---", "+++")) else _COLOURS.get(line[0], "")
    text = line.rstrip("\r\n")
    return f"{style}{text}{_RESET}{line[len(text):]}" if style else line


def to_data(found: Tightened, *, written: bool) -> dict[str, Any]:
    return {"changes": [{"path": change.path, "diff": change.diff} for change in found.changes], "left": list(found.left), "written": written}
