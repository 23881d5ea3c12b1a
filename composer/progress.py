"""Progress of work that takes longer than half a second: a moving line on a terminal, one plain line elsewhere.

All of it goes to standard error. Quick work says nothing, so that `rich` is loaded only where a person waits anyway.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

PATIENCE_SECONDS = 0.5


def say(text: str) -> None:
    """One line to the person, at once: what is about to be installed or fetched."""
    print(f"munal: {text}", file=sys.stderr, flush=True)


class Task:
    """One piece of work that a person waits for; shown once it has taken PATIENCE_SECONDS."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._done = 0
        self._total: int | None = None
        self._bar: Any = None
        self._row: Any = None
        self._ended = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(PATIENCE_SECONDS, self._show)
        self._timer.daemon = True

    def start(self) -> None:
        self._timer.start()

    def update(self, done: int, total: int | None = None) -> None:
        """`done` of `total` parts are finished; without a total there is no bar, only movement."""
        with self._lock:
            self._done, self._total = done, total
            if self._bar is not None:
                self._bar.update(self._row, completed=done, total=total)

    def end(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            if self._bar is not None:
                self._bar.stop()

    def _show(self) -> None:
        with self._lock:
            if self._ended:
                return
            if not on_terminal():
                say(self.title)
                return
            self._bar = _make_bar()
            self._row = self._bar.add_task(self.title, completed=self._done, total=self._total)
            with suppress(OSError):
                self._bar.start()


def on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def task(title: str) -> Iterator[Task]:
    """Show `title` while the body runs, if that takes long enough to be worth it."""
    made = Task(title)
    made.start()
    try:
        yield made
    finally:
        made.end()


def _make_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    class Parts(MofNCompleteColumn):
        """`12/57`, and nothing where the number of parts is unknown."""

        def render(self, task: Any) -> Any:
            return super().render(task) if task.total else ""

    class Bar(BarColumn):
        def render(self, task: Any) -> Any:
            return super().render(task) if task.total else ""

    return Progress(SpinnerColumn(), TextColumn("{task.description}"), Bar(bar_width=24), Parts(), TimeElapsedColumn(),
                    console=Console(stderr=True), transient=True)
