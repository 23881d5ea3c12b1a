"""A profile with all that is known of it, to ask questions about: its manifests, its binaries, and what the rules say.

Gets a workspace and a variant, or the same with some manifests' texts changed in memory; gives one value. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from composer.check import check
from composer.diagnostics import Diagnostic, Severity
from composer.inspect import inspect_app
from composer.interfaces import load_interfaces
from composer.load import Document, Loaded, load
from composer.model import Models, model
from composer.pipeline import Stage, stages
from composer.questions.resources import Names
from composer.resolve import resolve
from composer.result import Result
from composer.source import build_apps
from composer.spans import Source
from composer.system import App, Provide, System
from composer.toml_spans import Node, parse
from composer.variant import Variant
from composer.wasm.facts import AppFacts


@dataclass(frozen=True, slots=True)
class Asked:
    """`texts` are manifests as they would be, by path; `facts` those of every app's binary as it is."""

    root: Path
    variant: Variant
    models: Models
    system: System
    facts: Mapping[str, AppFacts] = field(repr=False)
    said: tuple[Diagnostic, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(each for each in self.said if each.severity is Severity.ERROR)

    def written(self, name: str) -> Iterator[tuple[str, App]]:
        """The profiles whose own manifests run an instance of this name, with its app."""
        for profile, manifest in self.models.manifests.items():
            node = instances_in(manifest.tree).get(name)
            app = self.models.apps.get(str(named.value)) if node and (named := node.get("app")) else None
            if app:
                yield profile, app

    def app_of(self, name: str) -> App | None:
        """The app of an instance, of this profile or else of any."""
        instance = self.system.instance(name)
        return instance.app if instance else next((app for _, app in self.written(name)), None)

    def instances_of(self, app: str) -> tuple[str, ...]:
        """All instances of an app in any profile."""
        names = {name for manifest in self.models.manifests.values() for name in instances_in(manifest.tree)}
        return tuple(name for name in sorted(names) if any(other.name == app for _, other in self.written(name)))

    def text(self, path: str) -> str:
        """A manifest as it stands, or would stand."""
        return self.texts[path] if path in self.texts else (self.root / path).read_text(encoding="utf-8")


def ask(root: Path, variant: Variant) -> Result[Asked]:
    """Compose up to the rules. A value may come with errors of theirs; there is none where the profile, or an instance of it,
    cannot be resolved."""
    made = stages(root, variant, Stage.CHECK)
    models, system, checked = (made[stage] for stage in (Stage.MODEL, Stage.RESOLVE, Stage.CHECK))
    if models.value is None or system.value is None or checked.value is None or system.value.lost:
        return Result(None, checked.diagnostics)
    return Result(Asked(root, variant, models.value, system.value, checked.value.facts, checked.diagnostics))


def asked_with(asked: Asked, texts: Mapping[str, str]) -> Asked | None:
    """The same with other texts, in memory; None where they make a profile that cannot be resolved."""
    variant = asked.variant
    models = load(asked.root).then(_rewritten, texts).then(model)
    system = models.then(resolve, asked.system.profile, variant.target, dict(variant.settings))
    if models.value is None or system.value is None:
        return None
    facts = _with_facts(asked, system.value)
    said = system.plus(check(system.value, facts)).diagnostics
    return Asked(asked.root, variant, models.value, system.value, facts, said, texts)


def _rewritten(loaded: Loaded, texts: Mapping[str, str]) -> Result[Loaded]:
    said: list[Diagnostic] = []
    apps, profiles = (tuple(_document(each, texts, said) for each in documents) for documents in (loaded.apps, loaded.profiles))
    return Result(replace(loaded, apps=apps, profiles=profiles), tuple(said))


def _document(document: Document, texts: Mapping[str, str], said: list[Diagnostic]) -> Document:
    path = document.source.path
    if path not in texts:
        return document
    source = Source(path, texts[path])
    tree = parse(source)
    said.extend(tree.diagnostics)
    return replace(document, source=source, tree=tree.value) if tree.value else document


def _with_facts(asked: Asked, system: System) -> dict[str, AppFacts]:
    """What is known of each binary; an app that was not in the profile is built as its manifest says."""
    missing = [app for app in system.apps if app.name not in asked.facts]
    wasm = build_apps(missing, asked.root, load_interfaces()) if missing else {}
    return {**asked.facts, **{app.name: inspect_app(app, wasm[app.name]) for app in missing}}


def names_in(root: Path) -> Names:
    """All names that a question about this workspace can use; none where it cannot be read, which asking will say."""
    models = load(root).then(model)
    return names_of(models.value) if models.value else Names((), (), ())


def names_of(models: Models) -> Names:
    """All names that a question can use."""
    instances = sorted({name for manifest in models.manifests.values() for name in instances_in(manifest.tree)})
    provided = {f"{name}.{provide.name}" for manifest in models.manifests.values() for name, node in instances_in(manifest.tree).items()
                for provide in _provides(models, node)}
    return Names(tuple(instances), models.profiles, tuple(sorted(provided)))


def instances_in(tree: Node) -> dict[str, Node]:
    """The instances that a profile's manifest writes, of every target; one that is plainly written counts first."""
    overlays = tree.get("target")
    places = [tree, *(overlays.table.values() if overlays else ())]
    return {name: node for place in reversed(places) if (listed := place.get("instance")) for name, node in listed.table.items()}


def _provides(models: Models, node: Node) -> tuple[Provide, ...]:
    named = node.get("app")
    app = models.apps.get(named.value) if named and isinstance(named.value, str) else None
    return app.provides if app else ()
