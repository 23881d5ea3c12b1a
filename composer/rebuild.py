"""`munal rebuild`: makes an image again from what it says of its origin, and tells in what the two differ, and why.

Gets the image that was read and the one that was composed again from this workspace, by this composer; gives reasons and the
parts that differ. Two images are the same when their bytes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from composer.image import ImageView
from composer.result import Result
from composer.variant import Variant, name_of

SHORT = 12
"""Digits of a digest that tell two apart for a person."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`reasons` say in what the origins differ, `parts` which sections and modules of the image do; both empty where the two
    are the same, byte for byte."""

    variant: str
    sha256: str
    rebuilt: str
    reasons: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def same(self) -> bool:
        return self.sha256 == self.rebuilt

    def to_data(self) -> dict[str, Any]:
        return {"same": self.same, "variant": self.variant, "sha256": self.sha256, "rebuilt": self.rebuilt, "reasons": list(self.reasons),
                "parts": list(self.parts)}


def variant_of(origin: Mapping[str, Any]) -> Variant:
    """What to compose, from an image's record of its origin."""
    return Variant(origin["profile"], origin["target"], tuple(sorted(origin["settings"].items())))


def compared(image: ImageView, rebuilt: ImageView) -> Result[Comparison]:
    """In what `image` differs from what was composed again; both have a record of their origin."""
    made = image.origin
    name = name_of(made["profile"], made["target"])
    if image.sha256 == rebuilt.sha256:
        return Result(Comparison(name, image.sha256, rebuilt.sha256, (), ()))
    return Result(Comparison(name, image.sha256, rebuilt.sha256, tuple(_reasons(image, rebuilt)), tuple(_parts(image, rebuilt))))


def _reasons(image: ImageView, rebuilt: ImageView) -> Iterator[str]:
    was, now = image.origin, rebuilt.origin
    for key in ("name", "version"):
        if image.table[key] != rebuilt.table[key]:
            yield f"the workspace's {key} was {image.table[key]}, and is {rebuilt.table[key]}"
    if was["composer"] != now["composer"]:
        yield "another composer: " + _became(*(f"{each['composer']['version']} ({_short(each['composer']['sha256'])})" for each in (was, now)))
    yield from _by_name("toolchain", "`{}` is another: ", was, now)
    if was["kernel"] != now["kernel"]:
        yield f"another kernel: {_became(was['kernel'], now['kernel'])}"
    yield from _by_name("wasm", "another wasm of app `{}`: ", was, now)
    if image.table_bytes != rebuilt.table_bytes and _decisions(image) != _decisions(rebuilt):
        yield "the manifests decide otherwise: grants, limits, wires or instances differ, as `munal diff` tells"


def _by_name(key: str, words: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*was[key], *now[key]}):
        one, other = was[key].get(name), now[key].get(name)
        if one != other:
            yield words.format(name) + _became(one or "none", other or "none")


def _became(was: str, now: str) -> str:
    return f"it was {_short(was)}, and is {_short(now)}"


def _short(words: str) -> str:
    return words[:SHORT] if len(words) == 64 else words


def _decisions(view: ImageView) -> dict[str, Any]:
    """What manifests decide of a table: all but where modules lie and what they hold."""
    return {**view.table, "modules": [module["name"] for module in view.table["modules"]]}


def _parts(image: ImageView, rebuilt: ImageView) -> Iterator[str]:
    yield from _differing("section", (s.name for s in (*image.sections, *rebuilt.sections)), image.section, rebuilt.section)
    yield from _differing("module", (*image.modules, *rebuilt.modules), image.modules.get, rebuilt.modules.get)
    if [(s.name, s.address) for s in image.sections] == [(s.name, s.address) for s in rebuilt.sections] and not any(
            image.section(s.name) != rebuilt.section(s.name) for s in image.sections):
        yield "the file's headers"


def _differing(what: str, names: Iterable[str], one: Any, other: Any) -> Iterator[str]:
    for name in sorted(set(names)):
        if one(name) != other(name):
            yield f"{what} {name}"
