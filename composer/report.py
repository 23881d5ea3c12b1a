"""What the CLI prints: a stage's result as text for a person or as JSON for a program; each gives the exit status.

What was asked for goes to standard output: for `check` that is the diagnostics, for `build` the image, and then the
diagnostics go to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from composer.diagnostics import Diagnostic
from composer.result import Result

if TYPE_CHECKING:
    from composer.doctor import Finding

REFUSED, TOOL_FAILED = 1, 3


def checked(results: Sequence[Result[Any]], form: str) -> int:
    """The diagnostics of all `results`, each once, and what was checked."""
    said = Result(None).plus(d for result in results for d in result.diagnostics).diagnostics
    said = tuple(sorted(said, key=Diagnostic.sort_key))
    ok = all(result.ok for result in results)
    profiles = [c for result in results for c in _profiles(result.value)]
    if form == "json":
        from composer import render

        _print_json({"ok": ok, "profiles": [_checked_data(c) for c in profiles], "diagnostics": render.to_data(said)})
        return 0 if ok else REFUSED
    if form == "sarif":
        _print_sarif(said)
        return 0 if ok else REFUSED
    diagnostics(said, sys.stdout)
    if ok:
        names = ", ".join(c.name for c in profiles if not c.unset)
        count = sum(c.instances for c in profiles)
        print(f"{names}: {count} instance{'' if count == 1 else 's'} checked, {_summary(said) or 'nothing to complain about'}")
        _print_ungranted(profiles)
    else:
        print(_summary(said))
    return 0 if ok else REFUSED


def built(result: Result[Any], form: str) -> int:
    """The image, or why there is none."""
    if form == "json":
        from composer import render

        _print_json({"ok": result.ok, "image": _built_data(result.value) if result.ok else None,
                     "diagnostics": render.to_data(result.diagnostics)})
    elif form == "sarif":
        _print_sarif(result.diagnostics)
    else:
        diagnostics(result.diagnostics, sys.stderr)
        if result.ok:
            made = result.value
            print(f"{_shown(made.image)}  {made.size / 1e6:.2f} MB  sha256 {made.digest}{'' if made.changed else '  (unchanged)'}")
            print(f"{_shown(made.certificate)}  its certificate: no hardware is shared")
            if made.kept:
                print(f"{_shown(made.kept)}  glue, system table and wasm, to read")
        else:
            print(_summary(result.diagnostics), file=sys.stderr)
    return 0 if result.ok else REFUSED


def stage(result: Result[Any], form: str, root: Path) -> int:
    """What a stage gave: as JSON, or for a person the glue of each instance where that is what it gave."""
    diagnostics(result.diagnostics, sys.stderr)
    glue = getattr(result.value, "glue", None)
    if form == "text" and glue:
        print("\n".join(glue.values()))
    elif result.value is not None:
        from composer import show

        _print_json(show.to_data(result.value, Path(os.path.abspath(root))))
    return 0 if result.ok else REFUSED


def refused(result: Result[Any]) -> bool:
    """Show what a stage said; True where it gave nothing to go on with."""
    diagnostics(result.diagnostics, sys.stderr)
    if not result.ok:
        print(_summary(result.diagnostics), file=sys.stderr)
    return not result.ok


def examined(findings: Sequence[Finding], form: str) -> int:
    """What `munal doctor` found; 3 where something is missing."""
    ok = all(finding.ok for finding in findings)
    if form == "json":
        _print_json({"ok": ok, "findings": [finding.as_json() for finding in findings]})
        return 0 if ok else TOOL_FAILED
    wide = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(f"{'ok     ' if finding.ok else 'MISSING'}  {finding.name:{wide}}  {finding.found}")
        if not finding.ok:
            print(f"{' ' * (wide + 11)}for {finding.purpose}: {finding.help}")
    print("everything is here" if ok else "commands that need what is missing install it where they may")
    return 0 if ok else TOOL_FAILED


def diagnostics(said: Iterable[Diagnostic], out: IO[str]) -> None:
    """Print diagnostics as text, coloured on a terminal; nothing for none."""
    said = tuple(said)
    if said:
        from composer import render
        from composer.colour import coloured, width

        print(render.to_text(said, coloured(out), width(out)), file=out)


def _print_sarif(said: Sequence[Diagnostic]) -> None:
    from composer import sarif

    print(sarif.to_json(said))


def _summary(said: Iterable[Diagnostic]) -> str:
    said = tuple(said)
    if not said:
        return ""
    from composer import render

    return render.summary(said)


def _profiles(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _checked_data(checked: Any) -> dict[str, Any]:
    return {"profile": checked.profile, "target": checked.target, "apps": checked.apps, "instances": checked.instances,
            "ungranted": list(checked.ungranted), "unset": list(checked.unset)}


def _built_data(made: Any) -> dict[str, Any]:
    return {"profile": made.profile, "name": made.name, "machine": made.machine, "path": str(made.image), "size": made.size,
            "sha256": made.digest, "changed": made.changed, "certificate": str(made.certificate),
            "parts": made.parts, "modules": made.modules, "kept": str(made.kept) if made.kept else None}


def _print_ungranted(profiles: Iterable[Any]) -> None:
    for checked in profiles:
        if checked.unset:
            print(f"{checked.name}: not checked by itself, since it needs {' '.join(f'-D {name}=…' for name in checked.unset)}")
        for need in checked.ungranted:
            print(f"{checked.name}: optional and not granted: {need}")


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2))


def _shown(path: Path) -> str:
    """A path as short as it can be from here."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
