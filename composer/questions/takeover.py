"""Edits of manifests, as values, and those that take an instance over from another profile, with all that it is wired to.

Gets a profile that can be asked and the name of an instance that it lacks; gives edits, in the order in which to make them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from composer.edit import Hex
from composer.questions.asked import Asked, instances_in


@dataclass(frozen=True, slots=True)
class Edit:
    """One key set, or with `table` one table added, in the manifest at `path`."""

    path: str
    keys: tuple[str, ...]
    value: Any
    table: bool = False


def profile_path(asked: Asked) -> str:
    """The manifest of the profile that was asked about."""
    return asked.models.manifests[asked.system.profile].tree.span.source.path


def taken_over(asked: Asked, name: str, there: set[str]) -> Iterator[Edit]:
    """Edits that write an instance as another profile has it, and those that it is wired to; `there` are those that are, which
    grows. It controls those of its own profile that are there."""
    profile = next((profile for profile, _ in asked.written(name)), None)
    if profile is None or name in there:
        return
    there.add(name)
    path, plain = profile_path(asked), instances_in(asked.models.manifests[profile].tree)[name].plain()
    grants = [(word, need, value) for word, named in plain.get("grant", {}).items() for need, value in named.items()]
    for server in (value["from"].partition(".")[0] for _, _, value in grants if isinstance(value, dict) and isinstance(value.get("from"), str)):
        yield from taken_over(asked, server, there)
    yield Edit(path, ("instance", name), {"app": plain["app"]}, True)
    for word, need, value in grants:
        kept = _still_controlled(value, there) if word == "control" else _hexadecimal(value)
        if kept is not None:
            yield Edit(path, ("instance", name, "grant", word, need), kept)
    yield from (Edit(path, ("instance", name, key), value) for key, value in plain.items() if key not in ("app", "grant"))


def _still_controlled(value: Any, there: set[str]) -> Any:
    """A grant of control without instances that the profile lacks; None where nobody is left."""
    names = [name for name in value.get("instances", ()) if name in {"*", *there}] if isinstance(value, dict) else []
    return {"instances": names} if names else None


def _hexadecimal(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: Hex(each) if key == "base" and type(each) is int else each for key, each in value.items()}
