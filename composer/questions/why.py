"""Why an instance may do something, and why not: every layer that allows or denies it, and the edit that would allow it.

Gets a profile that can be asked, an app's or an instance's name and a resource; gives an answer for each instance that is
meant. An edit is tried in memory, layer after layer, before anybody is told of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from composer.diagnostics import Diagnostic, did_you_mean, words
from composer.edit import Uneditable, add_table, set_value
from composer.questions.asked import Asked, asked_with
from composer.questions.layers import KEPT, Layer, granting, layers
from composer.questions.resources import LIMITS, Resource, Unclear
from composer.questions.takeover import Edit

MOST_STEPS = 6
"""Layers that one after the other can need an edit: an instance, its provider, a need, its access, its width, a grant."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is so for one instance. `layers` are all that decide; where it is allowed, also those that carry it out."""

    instance: str
    app: str
    resource: Resource
    layers: tuple[Layer, ...]

    @property
    def allowed(self) -> bool:
        return all(layer.allows for layer in self.layers)

    @property
    def denials(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.layers if not layer.allows)


@dataclass(frozen=True, slots=True)
class Remedy:
    """Manifests before and after, by path; `works` tells whether the rules then allow the resource, `left` is what would still
    deny it, and `said` what the rules would say that they do not say now."""

    before: dict[str, str]
    after: dict[str, str]
    works: bool
    left: tuple[Layer, ...]
    said: tuple[Diagnostic, ...]


def instances_meant(asked: Asked, name: str) -> tuple[str, ...]:
    """The instance of this name, else the instances of the app of this name: of this profile, else of any, else one to be.

    Raises Unclear where there is neither.
    """
    if asked.system.instance(name):
        return (name,)
    here = tuple(each.name for each in asked.system.instances if each.app.name == name)
    if here or next(asked.written(name), None):
        return here or (name,)
    if name in asked.models.apps:
        return asked.instances_of(name) or (name,)
    known = [*asked.models.apps, *(each.name for each in asked.system.instances)]
    raise Unclear(f"there is no app or instance `{name}`; {did_you_mean(name, known) or f'there are {words(sorted({*known}))}'}")


def answer(asked: Asked, name: str, resource: Resource) -> Answer:
    """For the first meaning of the resource that is allowed, or else for the first of all. Raises Unclear where it has none."""
    app = asked.app_of(name)
    meanings = list(_meanings(asked, name, resource))
    if not meanings:
        raise Unclear(f"`{resource.server}` is no {resource.kind}")
    answers = [Answer(name, app.name if app else name, each, tuple(layers(asked, name, each))) for each in meanings]
    allowed = next((each for each in answers if each.allowed), None)
    return _with_evidence(asked, allowed) if allowed else answers[0]


def _with_evidence(asked: Asked, found: Answer) -> Answer:
    """An answer that says yes goes on to what carries it out."""
    instance = asked.system.instance(found.instance)
    grant = granting(instance, found.resource) if instance and found.resource.kind not in LIMITS else None
    if instance is None or grant is None:
        return found
    from composer.questions.evidence import evidence

    return replace(found, layers=(*found.layers, *evidence(asked, instance, grant, found.resource)))


def _meanings(asked: Asked, name: str, resource: Resource) -> Iterator[Resource]:
    """A resource that was named loosely, in each way that it can be meant; what the instance has comes first."""
    if resource.kind == "irq" and resource.numbers and not resource.line:
        lines = ("isa", "gsi") if resource.numbers.base < 16 else ("gsi",)
        yield from (replace(resource, line=line) for line in lines)
    elif resource.server and resource.kind != "control" and resource.server != "kernel.log":
        yield from _of_server(asked, resource)
    elif not (resource.numbers or resource.server or resource.need or resource.path or resource.kind in LIMITS):
        app = asked.app_of(name)
        needs = [need for need in (app.needs if app else ()) if need.capability == resource.kind]
        yield from (replace(resource, need=need.name) for need in needs)
        if not needs:
            yield resource
    else:
        yield resource


def _of_server(asked: Asked, resource: Resource) -> Iterator[Resource]:
    """What an instance provides, of the kind and name that were said; an instance alone also stands for its control."""
    server, dot, name = resource.server.partition(".")
    app = asked.app_of(server)
    for provide in app.provides if app else ():
        if resource.kind in ("", provide.capability) and (not dot or provide.name == name):
            yield replace(resource, kind=provide.capability, server=f"{server}.{provide.name}")
    if not dot and not resource.kind:
        yield replace(resource, kind="control")


def remedy(asked: Asked, found: Answer) -> Remedy | None:
    """The edits that allow what is denied, each layer's in its turn, and what the rules would say then; None where no
    edit helps, as where the kernel keeps it."""
    if any(layer.name == KEPT for layer in found.denials):
        return None
    now, texts = asked, dict[str, str]()
    for _ in range(MOST_STEPS):
        denial = next((layer for layer in layers(now, found.instance, found.resource) if not layer.allows and layer.edits), None)
        if denial is None:
            break
        changed = _applied(now, texts, denial.edits)
        after = asked_with(now, changed) if changed else None
        if changed is None or after is None:
            break
        now, texts = after, changed
    if not texts:
        return None
    known = {(each.code, each.message) for each in asked.said}
    said = tuple(each for each in now.said if (each.code, each.message) not in known)
    left = tuple(layer for layer in layers(now, found.instance, found.resource) if not layer.allows)
    return Remedy({path: asked.text(path) for path in texts}, texts, not left and not now.errors, left, said)


def _applied(asked: Asked, texts: dict[str, str], edits: Sequence[Edit]) -> dict[str, str] | None:
    """The texts with all edits; None where one of them is written in a way that cannot be changed."""
    made = dict(texts)
    for edit in edits:
        before = made.get(edit.path) or asked.text(edit.path)
        try:
            made[edit.path] = add_table(before, edit.keys, edit.value) if edit.table else set_value(before, edit.keys, edit.value)
        except Uneditable:
            return None
    return made


def unified(found: Remedy) -> str:
    """The edits as a unified diff, to be applied in the workspace's folder."""
    from difflib import unified_diff

    parts = (unified_diff(_lines(found.before[path]), _lines(found.after[path]), f"a/{path}", f"b/{path}") for path in sorted(found.after))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for part in parts for line in part)


def _lines(text: str) -> list[str]:
    """Lines as TOML has them, with their ends."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
