"""What `munal explain` prints: pages as Markdown, drawn on a terminal and plain elsewhere, or as JSON.

Gets pages and what Munal says of their bad examples; gives strings, except for `show`, which prints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from composer import render
from composer.colour import coloured, width
from composer.diagnostics import Diagnostic, Rule
from composer.explain import Example, Page

Said = tuple[Page, tuple[Diagnostic, ...]]
"""A page, and the diagnostics of its code that its bad example gives."""


def to_markdown(said: Said) -> str:
    """A page with what Munal says of its bad example, as Markdown."""
    page, _ = said
    return f"{_before(page)}\n\n```text\n{_answer(said)}```\n\n{_after(page)}\n"


def to_data(pages: Iterable[Said]) -> list[dict[str, Any]]:
    """Pages as plain values."""
    return [{"code": page.code, "title": page.title, "why": page.why, "bad": _example_data(page.bad), "good": _example_data(page.good),
             "diagnostics": render.to_data(found)} for page, found in pages]


def _example_data(example: Example) -> dict[str, Any]:
    """`files` are laid over the base workspace, null for one that is taken away; bytes that are no UTF-8 are written `\\xNN`."""
    files = {path: content if content is None else content.decode(errors="backslashreplace") for path, content in example.files.items()}
    return {"text": example.shown, "files": files, "command": ["munal", "check", *example.words]}


def show(pages: Iterable[Said], form: str) -> None:
    """Print pages: drawn on a terminal, and where colours are asked for."""
    pages = list(pages)
    if form == "json":
        print(json.dumps(to_data(pages), indent=2))
    elif sys.stdout.isatty() or coloured(sys.stdout):
        _draw(pages)
    else:
        print("\n".join(map(to_markdown, pages)), end="")


def show_list(rules: Iterable[Rule], form: str) -> None:
    """Print every code with its title."""
    if form == "json":
        print(json.dumps([{"code": rule.code, "title": rule.title} for rule in rules], indent=2))
    else:
        print("".join(f"{rule.code}  {rule.title}\n" for rule in rules), end="")


def _before(page: Page) -> str:
    return f"# {page.code}: {page.title}\n\n{page.why}\n\n## Bad\n\n{page.bad.shown}\n\nMunal says:"


def _after(page: Page) -> str:
    return f"## Good\n\n{page.good.shown}"


def _answer(said: Said, color: bool = False, columns: int | None = None) -> str:
    return render.to_text(said[1], color, columns)


def _draw(pages: list[Said]) -> None:
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.text import Text

    color = coloured(sys.stdout)
    console = Console(force_terminal=True, no_color=not color)
    for said in pages:
        console.print(Markdown(_before(said[0])))
        console.print()
        console.print(Text.from_ansi(_answer(said, color, width(sys.stdout))), soft_wrap=True)
        console.print(Markdown(_after(said[0])))
