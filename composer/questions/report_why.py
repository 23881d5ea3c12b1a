"""Answers to `why` and `why-not` as text for a person and as plain values for a program.

Gets answers, and remedies for those that say no; gives text or JSON's types, and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from composer import render
from composer.questions.layers import Layer
from composer.questions.resources import LIMITS, Resource
from composer.questions.why import Answer, Remedy, unified
from composer.spans import Place, Span

_INDENT = " " * 14
_DIFF_COLOURS = {"+": "32", "-": "31", "@": "36"}


def to_text(answers: Iterable[Answer], remedies: Mapping[str, Remedy | None], profile: str, color: bool = False) -> str:
    """Each answer with its layers, and under one that says no what would have to be written. Ends with a line end."""
    return "\n".join("".join(f"{line}\n" for line in _answer(each, remedies, profile, color)) for each in answers)


def to_data(answers: Iterable[Answer], remedies: Mapping[str, Remedy | None], profile: str) -> dict[str, Any]:
    """Places have lines and columns from 1, or the offset in a binary. `remedy` is null where the answer is yes, or no edit helps."""
    return {"profile": profile, "answers": [_data(each, remedies.get(each.instance)) for each in answers]}


def sentence(answer: Answer, profile: str) -> str:
    """`com1` may write port 0x3f8 (minimal)"""
    may = "may" if answer.allowed else "may not"
    return f"`{answer.instance}` {may} {deed(answer.resource)} in `{profile}`"


def other_way(words: Sequence[str], app: str, wanted: bool) -> str:
    """Where to ask on, for an answer that is not the one that was expected."""
    asked = " ".join((app, *words))
    return f"`munal why-not {asked}` tells what would allow it" if wanted else f"it is allowed: `munal why {asked}` tells by what"


def deed(resource: Resource) -> str:
    """What is done with a resource, as a verb and its object."""
    if resource.kind in LIMITS:
        return f"use {resource}"
    if resource.kind == "control" and resource.server:
        return f"start and stop {resource.server}"
    return str(resource) if resource.access else f"use {resource}"


def _answer(answer: Answer, remedies: Mapping[str, Remedy | None], profile: str, color: bool) -> Iterator[str]:
    yield _painted("1", render.escape(sentence(answer, profile)), color)
    for layer in answer.layers:
        yield from _layer(layer, color)
    if answer.instance in remedies:
        yield from _remedy(remedies[answer.instance], profile, color)


def _layer(layer: Layer, color: bool) -> Iterator[str]:
    mark = _painted("32", "✓", color) if layer.allows else _painted("31", "✗", color)
    yield f"  {mark} {layer.name:9} {render.escape(layer.text)}"
    yield from (f"{_INDENT}at {render.escape(str(place))}" for place in layer.places)
    yield from (f"{_INDENT}{render.escape(note)}" for note in layer.notes)


def _remedy(remedy: Remedy | None, profile: str, color: bool) -> Iterator[str]:
    if remedy is None:
        yield "\nno edit of a manifest alone allows it"
        return
    yield "\nthis would allow it:\n" if remedy.works else "\nthis is a part of what it takes:\n"
    for line in unified(remedy).removesuffix("\n").split("\n"):
        shown = "\t".join(map(render.escape, line.split("\t")))
        yield _painted(_DIFF_COLOURS.get(line[:1], ""), shown, color)
    if remedy.left:
        yield "\nthen this would still deny it:\n"
        for layer in remedy.left:
            yield from _layer(layer, color)
    if remedy.said:
        yield f"\n`munal check {profile}` would then say:\n"
        yield render.to_text(remedy.said, color=color).rstrip("\n")


def _painted(code: str, text: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color and code else text


def _data(answer: Answer, remedy: Remedy | None) -> dict[str, Any]:
    return {
        "instance": answer.instance, "app": answer.app, "resource": str(answer.resource), "allowed": answer.allowed,
        "layers": [_layer_data(layer) for layer in answer.layers],
        "remedy": {"works": remedy.works, "diff": unified(remedy), "left": [_layer_data(layer) for layer in remedy.left],
                   "diagnostics": render.to_data(remedy.said)} if remedy else None,
    }


def _layer_data(layer: Layer) -> dict[str, Any]:
    return {"layer": layer.name, "allows": layer.allows, "text": layer.text, "places": [_place(place) for place in layer.places],
            "notes": list(layer.notes)}


def _place(place: Place) -> dict[str, Any]:
    if isinstance(place, Span):
        return {"path": place.source.path, "line": place.line, "column": place.column}
    return {"path": place.path, "function": place.function, "offset": place.offset}
