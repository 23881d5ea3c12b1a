"""What the commands about images print: for a person as text, for a program as JSON; each gives the exit status."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer import report
from composer.result import Result

if TYPE_CHECKING:
    from composer.image import ImageView
    from composer.locking import Update
    from composer.rebuild import Comparison
    from composer.verify.sharing import Check


def locked(result: Result[Update], form: str) -> int:
    """What `munal lock` wrote and what of it is otherwise than it was."""
    made = result.value
    if form == "json":
        data = {"path": str(made.path), "changed": made.changed, "variants": list(made.variants), "changes": list(made.changes)} if made else None
        return _print_json("lock", data, result)
    if report.refused(result):
        return report.REFUSED
    for change in made.changes:
        print(change)
    print(f"{shown(made.path)}: {', '.join(made.variants)}{'' if made.changed else '  (unchanged)'}")
    return 0


def inspected(result: Result[ImageView], form: str) -> int:
    """What an image holds; 1 where something in it is not as it should be, which is shown after it."""
    from composer import inspect_image

    if form == "json":
        return _print_json("image", inspect_image.to_data(result.value) if result.value else None, result)
    if result.value:
        print("\n".join(inspect_image.to_lines(result.value)))
        sys.stdout.flush()
    return report.REFUSED if report.refused(result) else 0


def verified(image: Path, checks: Sequence[Check], form: str) -> int:
    """One line a check; 1 where one of them failed."""
    ok = all(check.ok for check in checks)
    if form == "json":
        print(json.dumps({"ok": ok, "image": str(image), "checks": [check._asdict() for check in checks]}, indent=2))
        return 0 if ok else report.REFUSED
    wide = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{'ok    ' if check.ok else 'FAILED'}  {check.name:{wide}}  {check.text}")
    failed = sum(not check.ok for check in checks)
    print(f"{shown(image)}: {'verified' if ok else f'not verified: {failed} of {len(checks)} checks failed'}")
    return 0 if ok else report.REFUSED


def rebuilt(image: Path, result: Result[Comparison], form: str) -> int:
    """Whether an image could be made again; 1 where it could not, with the reasons."""
    made = result.value
    if form == "json":
        return _print_json("rebuilt", made.to_data() if made else None, result, same=bool(made and made.same))
    if report.refused(result):
        return report.REFUSED
    if made.same:
        print(f"{shown(image)}: made again from {made.variant}, byte for byte: sha256 {made.sha256}")
        return 0
    print(f"{shown(image)}: {made.variant} gives another image here")
    print(f"  it is   sha256 {made.sha256}\n  here    sha256 {made.rebuilt}")
    for reason in made.reasons or ("nothing that either of the two records: the image was changed after it was built",):
        print(f"  {reason}")
    print(f"  differing: {', '.join(made.parts)}")
    return report.REFUSED


def shown(path: Path) -> str:
    """A path as short as it can be from here."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def _print_json(name: str, data: Any, result: Result[Any], *, same: bool = True) -> int:
    from composer import render

    ok = result.ok and same
    print(json.dumps({"ok": ok, name: data, "diagnostics": render.to_data(result.diagnostics)}, indent=2))
    return 0 if ok else report.REFUSED
