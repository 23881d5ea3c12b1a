"""What the commands about images print: for a person as text, for a program as JSON; each gives the exit status."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer import report
from composer.result import Result

if TYPE_CHECKING:
    from composer.locking import Update


def locked(result: Result[Update], form: str) -> int:
    """What `munal lock` wrote and what of it is otherwise than it was."""
    made = result.value
    if form == "json":
        from composer import render

        data = {"path": str(made.path), "changed": made.changed, "variants": list(made.variants), "changes": list(made.changes)} if made else None
        _print_json({"ok": result.ok, "lock": data, "diagnostics": render.to_data(result.diagnostics)})
        return 0 if result.ok else report.REFUSED
    if report.refused(result):
        return report.REFUSED
    for change in made.changes:
        print(change)
    print(f"{shown(made.path)}: {', '.join(made.variants)}{'' if made.changed else '  (unchanged)'}")
    return 0


def shown(path: Path) -> str:
    """A path as short as it can be from here."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2))
