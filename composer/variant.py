"""What to compose, as a person names it: a profile, the target it is for, and settings of its parameters.

Gets words of the command line; gives a value that every stage can carry and every kept answer can be filed under.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variant:
    """`profile` and `target` are None where the workspace's defaults are meant; `settings` are parameters as written, in
    the order of their names, each once."""

    profile: str | None = None
    target: str | None = None
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """Tells this variant from every other."""
        return json.dumps([self.profile, self.target, self.settings])

    def __str__(self) -> str:
        """As a command takes it."""
        return " ".join((name_of(self.profile or "", self.target), *(f"-D {key}={value}" for key, value in self.settings)))


def name_of(profile: str, target: str | None) -> str:
    """`kiosk@q35`, or `kiosk` where no target is named."""
    return f"{profile}@{target}" if target else profile


def make_variant(named: str | None, settings: Iterable[str] = ()) -> Variant:
    """From `PROFILE`, `PROFILE@TARGET` or `@TARGET`, and from `key=value` words, of which the last of a key counts.

    Raises ValueError, in words for a person, where a setting has no `=` or no key.
    """
    profile, at, target = (named or "").partition("@")
    if at and not target:
        raise ValueError(f"`{named}` names no target after its `@`")
    chosen: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise ValueError(f"`{setting}` is no setting: write it like `key=value`")
        chosen[key] = value
    return Variant(profile or None, target or None, tuple(sorted(chosen.items())))
