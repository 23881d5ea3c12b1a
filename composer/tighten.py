"""The smallest manifests that suffice: what surplus.py finds is taken out of their texts, and comments and layout stay.

Gets a workspace and what to compose; gives each manifest that changes, before and after. Nothing is proposed that was not tried:
the changed texts are read, resolved and checked again in memory, for every profile, and what would make a new error is left.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from composer import cache, edit
from composer.check import check
from composer.diagnostics import Diagnostic, Severity
from composer.load import Document, Loaded
from composer.model import Models, model
from composer.resolve import resolve
from composer.result import Result
from composer.spans import Source
from composer.surplus import Surplus, surplus
from composer.system import App, System
from composer.toml_spans import Node, parse
from composer.tools import ToolFailure
from composer.variant import Variant
from composer.wasm.facts import AppFacts

ROUNDS = 4
"""How often what is left is looked at again; the second time already finds nothing unless a change uncovered more."""

Facts = Mapping[str, AppFacts]
Texts = Mapping[str, str]
KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One manifest; `path` is relative to the workspace."""

    path: str
    before: str
    after: str

    @property
    def diff(self) -> str:
        """As a unified diff, with the ends of lines as they are."""
        lines = difflib.unified_diff(self.before.splitlines(keepends=True), self.after.splitlines(keepends=True),
                                     f"a/{self.path}", f"b/{self.path}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Tightened:
    """What is to change, by path, and what could be less but cannot be changed so, in words."""

    changes: tuple[Change, ...]
    left: tuple[str, ...] = ()


def tighten_workspace(root: Path, variants: Iterable[Variant]) -> Result[Tightened]:
    """Compose the variants, or all of the workspace, and tighten the manifests of their apps. No value where one is refused."""
    from composer import pipeline

    every = pipeline.every_variant(root)
    chosen = tuple(variants) or every
    loaded: Result[Loaded] = pipeline.compose(root, None, pipeline.Stage.LOAD)
    facts: dict[str, AppFacts] = {}
    said: Result[None] = Result(None)
    for variant in chosen:
        inspected = pipeline.compose(root, variant, pipeline.Stage.INSPECT)
        said = said.plus(inspected.diagnostics)
        if not inspected.ok:
            return Result(None, said.diagnostics)
        facts |= inspected.value.facts
    return loaded.then(lambda sound: Result(tighten(sound, (*chosen, *(v for v in every if v not in chosen)), facts)))


def tighten(loaded: Loaded, variants: Iterable[Variant], facts: Facts) -> Tightened:
    """The manifests of the apps in `facts`, and their grants in all profiles, made as small as their binaries allow.

    `variants` are those that must stay without new errors; the workspace's manifests are known to be read without any.
    """
    state = _State(loaded, tuple(variants), facts)
    refused: dict[tuple[str, ...], str] = {}
    for _ in range(ROUNDS):
        wanted = [each for each in state.surplus() if _key(each) not in refused]
        if not wanted:
            break
        for each in wanted:
            if why := state.apply(each):
                refused[_key(each)] = why
    changes = (Change(path, _text_of(loaded, path), text) for path, text in sorted(state.changed.items()))
    return Tightened(tuple(changes), tuple(refused.values()))


def write(root: Path, changes: Iterable[Change]) -> None:
    """Write the manifests. Raises ToolFailure, and writes nothing, where one of them is no longer what was read."""
    changes = tuple(changes)
    for change in changes:
        if (root / change.path).read_bytes() != change.before.encode():
            raise ToolFailure("tighten", f"`{change.path}` was changed meanwhile: try again")
    for change in changes:
        path = (root / change.path).resolve()
        mode = path.stat().st_mode
        cache.write_output(path, change.after.encode())
        path.chmod(mode & 0o7777)


def _key(each: Surplus) -> tuple[str, ...]:
    return each.app.name, each.need.capability, each.need.name, each.field or ""


class _State:
    """The workspace as it would be with the changes made so far."""

    def __init__(self, loaded: Loaded, variants: tuple[Variant, ...], facts: Facts) -> None:
        self.loaded, self.variants, self.facts = loaded, variants, facts
        self.changed: dict[str, str] = {}
        self.models, self.systems, self.errors = self._compose(loaded)

    def surplus(self) -> list[Surplus]:
        apps = {app.name: app for system in self.systems for app in system.apps}
        return [each for name, app in sorted(apps.items()) if name in self.facts and self.facts[name].fault is None
                for each in surplus(app, self.facts[name])]

    def apply(self, each: Surplus) -> str | None:
        """Make one change with all that belongs to it; gives the reason where it cannot be made."""
        what = f"`{each.need.capability}.{each.need.name}` of `{each.app.name}`"
        try:
            texts = dict(self._edited(each))
        except edit.Uneditable as problem:
            return f"{what} could be less, but {problem}"
        loaded = _reloaded(self.loaded, texts)
        if loaded is None:
            return f"{what} could be less, but its manifest cannot be changed so"
        models, systems, errors = self._compose(loaded)
        if new := sorted(errors - self.errors):
            return f"{what} could be less, but then: {new[0]}"
        self.loaded, self.models, self.systems = loaded, models, systems
        self.changed |= texts
        return None

    def _compose(self, loaded: Loaded) -> tuple[Models, list[System], set[str]]:
        """The models, the system of each variant, and the errors of all."""
        models = model(loaded)
        results: list[Result[System]] = []
        for variant in self.variants:
            result = models.then(_resolved, variant)
            results.append(result.plus(check(result.value, self.facts)) if result.value else result)
        said = (d for result in (models, *results) for d in result.diagnostics)
        assert models.value is not None
        return models.value, [r.value for r in results if r.value], {_words(d) for d in said if d.severity is Severity.ERROR}

    def _edited(self, each: Surplus) -> Iterator[tuple[str, str]]:
        """The texts that change, by path."""
        path, need = each.app.path, ("needs", each.need.capability, each.need.name)
        text = _text_of(self.loaded, path)
        if each.field is not None:
            yield path, edit.set_value(text, (*need, each.field), each.enough)
            return
        yield path, edit.remove(text, need)
        for document in self.loaded.profiles:
            changed = self._without_grants(document, each.app, need[1:])
            if changed != document.source.text:
                yield document.source.path, changed

    def _without_grants(self, document: Document, app: App, need: KeyPath) -> str:
        """The profile's text without what grants, denies or removes this need for instances of the app."""
        text = document.source.text
        holders = self._instances(document, app)
        for path in _grants(document.tree, need):
            if path[-4] in holders:
                text = edit.remove(text, path)
        gone = {f"instance.{name}.grant.{'.'.join(need)}" for name in holders}
        for path, items in _removals(document.tree):
            kept = [item for item in items if item not in gone]
            if len(kept) < len(items):
                text = edit.set_value(text, path, kept) if kept else edit.remove(text, path)
        return text

    def _instances(self, document: Document, app: App) -> set[str]:
        """The names under which this profile's file speaks of instances of the app, in whatever profile that ends up."""
        users = [system for system in self.systems if document.stem in _chain(self.models, system.profile)]
        found = {instance.name for system in users for instance in system.instances if instance.app.name == app.name}
        others = {instance.name for system in users for instance in system.instances if instance.app.name != app.name}
        return found - others


def _resolved(models: Models, variant: Variant) -> Result[System]:
    profile = variant.profile or models.default_profile
    return resolve(models, profile, variant.target, dict(variant.settings)) if profile else Result(None)


def _words(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.code}: {diagnostic.message}"


def _chain(models: Models, profile: str) -> set[str]:
    """A profile and all that it extends."""
    found, waiting = set(), [profile]
    while waiting:
        name = waiting.pop()
        if name not in found and name in models.manifests:
            found.add(name)
            waiting += [parent for parent, _ in models.manifests[name].extends]
    return found


def _grants(tree: Node, need: KeyPath, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The path of each decision on a need: `instance.NAME.grant.CAPABILITY.NEED`, also below a target's table."""
    for key, node in tree.table.items():
        here = (*path, key)
        if here[-2:] == need and len(here) >= 5 and (here[-5], here[-3]) == ("instance", "grant"):
            yield here
        else:
            yield from _grants(node, need, here)


def _removals(tree: Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, list[str]]]:
    """Each list `remove` of dotted paths."""
    for key, node in tree.table.items():
        if key == "remove" and isinstance(node.value, list):
            yield (*path, key), [item.value for item in node.value if isinstance(item.value, str)]
        yield from _removals(node, (*path, key))


def _text_of(loaded: Loaded, path: str) -> str:
    return next(d.source.text for d in (*loaded.apps, *loaded.profiles) if d.source.path == path)


def _reloaded(loaded: Loaded, texts: Texts) -> Loaded | None:
    """The workspace with some manifests' texts replaced; None where one of them is no TOML any more."""

    def again(document: Document) -> Document | None:
        text = texts.get(document.source.path)
        if text is None:
            return document
        source = Source(document.source.path, text)
        tree = parse(source).value
        return replace(document, source=source, tree=tree) if tree else None

    apps, profiles = [again(d) for d in loaded.apps], [again(d) for d in loaded.profiles]
    if None in apps or None in profiles:
        return None
    return replace(loaded, apps=tuple(d for d in apps if d), profiles=tuple(d for d in profiles if d))
