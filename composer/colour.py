"""Whether what is printed is coloured, and how wide it may be: a terminal's matter, unless the person says otherwise.

`--color`, NO_COLOR and FORCE_COLOR decide; all three are carried by the environment, so that programs that are started, and
libraries that draw, decide alike (no-color.org).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

CHOICES = ("auto", "always", "never")


def coloured(out: IO[str]) -> bool:
    """Whether to send colours to `out`."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (out.isatty() and os.environ.get("TERM") != "dumb")


def width(out: IO[str]) -> int | None:
    """The columns of the terminal that `out` is; None where it is none, and nothing has to fit."""
    if not out.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


@contextmanager
def choosing(choice: str | None) -> Iterator[None]:
    """What `--color` says, while inside; None and `auto` leave it to the environment and the terminal."""
    names = ("NO_COLOR", "FORCE_COLOR")
    before = {name: os.environ.get(name) for name in names}
    if choice in ("always", "never"):
        os.environ.update({"NO_COLOR": "1" if choice == "never" else "", "FORCE_COLOR": "1" if choice == "always" else ""})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
