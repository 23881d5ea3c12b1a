"""What a stage gives back: a value, and everything that there is to say about it.

A stage that finds faults goes on with what is sound, so that one run names every fault; `accepted` is where that stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from composer.diagnostics import Diagnostic, Severity

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """A stage's value, None where nothing sound is left, and the diagnostics of this stage and all before it."""

    value: T | None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """True when there is a value and no error was found on the way to it; warnings do not count."""
        return self.value is not None and not any(d.severity is Severity.ERROR for d in self.diagnostics)

    def then(self, step: Callable[..., Result[U]], *args: Any) -> Result[U]:
        """Run the next stage on the value, where there is one, even after errors: it adds what it finds.

        A fault that two stages find alike is said once.
        """
        if self.value is None:
            return Result(None, self.diagnostics)
        made = step(self.value, *args)
        return Result(made.value, _once((*self.diagnostics, *made.diagnostics)))

    def plus(self, diagnostics: Iterable[Diagnostic]) -> Result[T]:
        """The same value with more said about it."""
        return Result(self.value, _once((*self.diagnostics, *diagnostics)))

    def accepted(self) -> Result[T]:
        """The same without its value if there are errors: what follows runs on sound input only."""
        return self if self.ok else Result(None, self.diagnostics)


def _once(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for diagnostic in diagnostics:
        key = (*diagnostic.sort_key(), diagnostic.severity, tuple(str(label.place) for label in diagnostic.labels))
        if key not in seen:
            seen.add(key)
            kept.append(diagnostic)
    return tuple(kept)
