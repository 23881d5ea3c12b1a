"""What the composer says about a system: diagnostics with codes, places and help, and the rules that give them.

Rules register where they are written; a diagnostic is data, and only render.py turns it into text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from composer.spans import Place


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what is to be seen there; the first label of a diagnostic is the primary one."""

    place: Place
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    code: str
    severity: Severity
    message: str
    labels: tuple[Label, ...] = ()
    help: str | None = None
    notes: tuple[str, ...] = ()

    def sort_key(self) -> tuple[Any, ...]:
        place = self.labels[0].place if self.labels else None
        path = getattr(getattr(place, "source", place), "path", "")
        offset = getattr(place, "start", getattr(place, "offset", 0))
        return (path, offset, self.code, self.message)


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    title: str
    check: Callable[..., Iterator[Diagnostic]] | None = None


RULES: dict[str, Rule] = {}
"""Every code that the composer can say, by code: those of functions and those of parsing alike."""


def declare(code: str, title: str) -> str:
    """Register a code that no single function owns (parsing, models); returns it."""
    if code in RULES:
        raise ValueError(f"rule {code} is declared twice")
    RULES[code] = Rule(code, title)
    return code


def rule(code: str, title: str) -> Callable[[Callable[..., Iterator[Diagnostic]]], Callable[..., Iterator[Diagnostic]]]:
    """Register a check under its code; the check yields diagnostics made by `error` and `warning` with that code."""

    def register(check: Callable[..., Iterator[Diagnostic]]) -> Callable[..., Iterator[Diagnostic]]:
        declare(code, title)
        RULES[code] = Rule(code, title, check)
        return check

    return register


def at(place: Place, text: str = "") -> Label:
    return Label(place, text)


def error(code: str, message: str, *labels: Label, help: str | None = None, notes: tuple[str, ...] = ()) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, message, labels, help, notes)


def warning(code: str, message: str, *labels: Label, help: str | None = None, notes: tuple[str, ...] = ()) -> Diagnostic:
    return Diagnostic(code, Severity.WARNING, message, labels, help, notes)


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str | None:
    """A help line that offers the nearest known word, or none where nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else None


def words(names: list[str] | tuple[str, ...]) -> str:
    """`a`, `b` and `c`, for a sentence; there is at least one name."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
