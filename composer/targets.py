"""Targets: the machines that a workspace composes for, which of them a profile is made for, and which one is meant.

Gets a workspace's models; gives the target of a variant, and all variants that there are to check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from composer.chain import chain_of
from composer.diagnostics import Diagnostic, Label, at, declare, did_you_mean, error, words
from composer.result import Result
from composer.spans import Span
from composer.toml_spans import Node
from composer.variant import name_of

if TYPE_CHECKING:
    from composer.model import Models, Profile

M0228 = declare("M0228", "a target that does not exist")
M0229 = declare("M0229", "a profile that is not made for the target")


@dataclass(frozen=True, slots=True)
class Target:
    """A machine, as `munal.toml` describes it; `machine` is QEMU's name of it."""

    name: str
    summary: str
    machine: str
    span: Span


def unknown_targets(profiles: dict[str, Profile], targets: dict[str, Target]) -> Iterator[Diagnostic]:
    """One diagnostic for each target that a profile names and the workspace does not have."""
    for profile in profiles.values():
        overlays, listed = profile.tree.get("target"), profile.tree.get("profile", "targets")
        named = [(name, node.place) for name, node in (overlays.table if overlays else {}).items()]
        named += [(node.value, node.span) for node in (listed.value if listed and isinstance(listed.value, list) else []) if isinstance(node.value, str)]
        for name, place in named:
            if name not in targets:
                yield no_such_target(name, targets, at(place))


def no_such_target(name: str, targets: dict[str, Target], *labels: Label) -> Diagnostic:
    """For a target that a manifest or a command names."""
    known = list(targets)
    advice = did_you_mean(name, known) or (f"the targets are {words(known)}" if known else f"declare it in `munal.toml`: `[target.{name[:48]}]`")
    return error(M0228, f"there is no target `{name}`", *labels, help=advice)


def choose_target(models: Models, profile: str, wanted: str | None) -> Result[Target | None]:
    """The target of a variant. Where none is named: the workspace's default, or else the only one that the profile is made
    for. No value where there is none to choose; a value of None where the workspace knows no targets."""
    if wanted is not None and wanted not in models.targets:
        return Result(None, (no_such_target(wanted, models.targets),))
    possible = made_for(models, profile)
    if not models.targets:
        return Result(None)
    if not possible:
        return Result(None, (_made_for_none(models, profile),))
    if wanted is None and models.default_target not in possible and len(possible) == 1:
        return Result(models.targets[possible[0]])
    chosen = wanted or models.default_target
    if chosen is None:
        return Result(None, (error(M0228, "no target is chosen, and the workspace has no default",
                                   help=f"name one like `{name_of(profile, next(iter(models.targets)))}`, or write `target` in `munal.toml`"),))
    if chosen not in possible:
        return Result(None, (_not_made_for(models, profile, chosen, possible),))
    return Result(models.targets[chosen])


def _made_for_none(models: Models, profile: str) -> Diagnostic:
    nodes = {id(node): node for each in models.targets if (node := _excluding(models, profile, each))}.values()
    return error(M0229, f"`{profile}` is made for no target", *(at(node.span, "made for these alone") for node in nodes),
                 help=f"write in `{profile}` which ones it is for: `targets = […]`")


def _not_made_for(models: Models, profile: str, target: str, possible: tuple[str, ...]) -> Diagnostic:
    node = _excluding(models, profile, target)
    assert node is not None
    return error(M0229, f"`{profile}` is not made for the target `{target}`", at(node.span, "made for these alone"),
                 help=f"choose {words([name_of(profile, each) for each in possible])}, or add `{target}` here")


def made_for(models: Models, profile: str) -> tuple[str, ...]:
    """The targets that a profile is made for: as it says itself, or else those that all of its parents are made for."""
    if not models.restricted:
        return tuple(models.targets)
    return tuple(target for target in models.targets if _excluding(models, profile, target) is None)


def _excluding(models: Models, profile: str, target: str) -> Node | None:
    """The list of targets that keeps a profile from this one; None where it is made for it."""
    found: dict[str, Node | None] = {}
    for name in chain_of(models.manifests, profile):
        each = models.manifests[name]
        listed = each.tree.get("profile", "targets")
        if listed and isinstance(listed.value, list):
            found[name] = None if any(item.value == target for item in listed.value) else listed
        else:
            found[name] = next((found[parent] for parent, _ in each.extends if found[parent]), None)
    return found[profile]


def variant_name(models: Models, profile: str, target: Target | None) -> str:
    """What the image of a variant is called: the default target is not named."""
    return name_of(profile, None if target is None or target.name == models.default_target else target.name)
