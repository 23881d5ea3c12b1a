"""Sizes as text for a person, with bars on a terminal, and as plain values for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any

from composer.questions.size import Entry, Sizes, Wasm
from composer.render import escape

MOST = 10
"""Sections and functions of an app that are shown."""
WIDEST = 60
BAR = 30
"""Columns of a name, and of the bar for the whole."""

Table = tuple[str, int, Sequence[Entry]]
"""A title, the bytes that count as all, and the entries."""


def to_text(found: Sizes, most: int = MOST) -> str:
    """Every table with bytes and shares. Ends with a line end."""
    return "\n".join("".join(f"{line}\n" for line in _lines(table)) for table in _tables(found, most))


def show(found: Sizes, out: IO[str], most: int = MOST) -> None:
    """The same, drawn with bars."""
    from rich.bar import Bar
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    console = Console(file=out, highlight=False)
    for title, whole, entries in _tables(found, most):
        console.print(Text(title, "bold"))
        grid = Grid.grid(padding=(0, 2))
        for justify in ("left", "right", "right", "left"):
            grid.add_column(justify=justify)
        for name, size in entries:
            grid.add_row(Text(f"  {_short(name)}"), f"{size:,}", _share(size, whole), Bar(whole or 1, 0, size, width=BAR, color="blue"))
        console.print(grid)
        console.print()


def to_data(found: Sizes) -> dict[str, Any]:
    """All sizes in bytes, biggest first; nothing is left out."""
    return {"name": found.name, "size": found.total, "parts": _listed(found.parts), "modules": _listed(found.modules),
            "apps": [{"app": app.app, "wasm": app.size, "sections": _listed(app.sections), "functions": _listed(app.functions)} for app in found.apps]}


def _tables(found: Sizes, most: int) -> Iterator[Table]:
    code = sum(size for _, size in found.modules)
    yield f"{found.name}: {found.total:,} bytes", found.total, found.parts
    yield f"modules, machine code: {code:,} bytes", code, found.modules
    for app in found.apps:
        yield f"{app.app}, wasm by section: {app.size:,} bytes", app.size, _first(app.sections, most, "section")
        yield _functions_title(app), app.size, _first(app.functions, most, "function")


def _functions_title(app: Wasm) -> str:
    count = len(app.functions)
    return f"{app.app}, {'its largest of ' if count > MOST else ''}{count} function{'' if count == 1 else 's'}"


def _first(entries: Sequence[Entry], most: int, what: str) -> Sequence[Entry]:
    rest = entries[most:]
    return (*entries[:most], (f"({len(rest)} more {what}{'' if len(rest) == 1 else 's'})", sum(size for _, size in rest))) if rest else entries


def _lines(table: Table) -> Iterator[str]:
    title, whole, entries = table
    wide = max((len(_short(name)) for name, _ in entries), default=0)
    yield title
    yield from (f"  {_short(name):{wide}}  {size:>11,}  {_share(size, whole):>7}" for name, size in entries)


def _short(name: str) -> str:
    text = escape(name)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _share(size: int, whole: int) -> str:
    return f"{100 * size / whole:.1f} %" if whole else ""


def _listed(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [{"name": name, "size": size} for name, size in entries]
