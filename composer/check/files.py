"""Rules about granted files: as much access as the app asks for, limits that mean something, and writers that know of each other.

The kernel does not look into paths. It tells a provider whose grant a request is made by (composer/badge.py), and the provider keeps to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from composer.badge import granted_access
from composer.diagnostics import Diagnostic, Label, at, error, rule, warning
from composer.system import Access, Grant, Instance, System


@dataclass(frozen=True, slots=True)
class Folder:
    """What one grant of files reaches: everything below `parts`, the names from the root of what `provider` keeps."""

    instance: Instance
    grant: Grant
    provider: str
    parts: tuple[str, ...]

    @property
    def value(self) -> dict[str, Any]:
        return self.grant.value or {}

    @property
    def path(self) -> str:
        return str(self.value["path"])

    @property
    def writes(self) -> bool:
        return granted_access(self.grant).allows(Access.WRITE)

    def holds(self, other: Folder) -> bool:
        """Whether the other's folder is this one or lies below it."""
        return self.provider == other.provider and other.parts[:len(self.parts)] == self.parts

    def at(self, key: str, text: str) -> Label:
        return at(self.grant.spans.get(key, self.grant.span), text)


def folders(system: System) -> list[Folder]:
    """Every grant of files, by provider and path: what lies below a folder comes right behind it."""
    found = [Folder(instance, grant, grant.value["from"], tuple(filter(None, grant.value["path"].split("/"))))
             for instance in system.instances for grant in instance.grants if grant.need.capability == "files" and grant.value]
    return sorted(found, key=lambda folder: (folder.provider, folder.parts))


def overlapping(system: System, conflict: Callable[[Folder, Folder], bool]) -> Iterator[tuple[Folder, Folder]]:
    """Each folder with the nearest at or above it that it is in conflict with: O(n log n) in the number of grants, and their depth."""
    above: list[Folder] = []
    for folder in folders(system):
        while above and not above[-1].holds(folder):
            above.pop()
        outer = next((other for other in reversed(above) if conflict(other, folder)), None)
        if outer:
            yield outer, folder
        above.append(folder)


@rule("M0240", "a grant of files allows more than its app asks for")
def check_files_access_is_asked(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for folder in folders(system):
        need, granted = folder.grant.need, granted_access(folder.grant)
        if not need.fields["access"].allows(granted):
            yield error(
                "M0240", f"`{folder.instance.name}` is granted `files.{need.name}` to write, and `{folder.instance.app.name}` asks to read alone",
                folder.at("access", "more than is asked for"), at(need.spans.get("access", need.span), "asked for here"),
                help='leave `access` out, or let the app ask for `access = "rw"`', notes=folder.grant.notes,
            )


@rule("M0241", "a grant of files allows less than its app needs")
def check_files_access_suffices(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for folder in folders(system):
        need, granted = folder.grant.need, granted_access(folder.grant)
        if not granted.allows(need.fields["access"]) and not need.fields["reads_suffice"]:
            yield error(
                "M0241", f"`{folder.instance.name}` is granted `files.{need.name}` to read alone, and `{folder.instance.app.name}` needs to write",
                folder.at("access", "less than is asked for"), at(need.spans.get("access", need.span), "asked for here"),
                help="leave `access` out, or let the app say that it can do without writing: `reads_suffice = true`", notes=folder.grant.notes,
            )


@rule("M0242", "a quota for one who writes nothing")
def check_quotas_are_for_writers(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for folder in folders(system):
        if "quota" in folder.value and not folder.writes:
            yield error(
                "M0242", f"`{folder.instance.name}` has a quota below `{folder.path}`, where it only reads",
                folder.at("quota", "this limits nothing"), _reading(folder),
                help="remove `quota`: it bounds what the instance itself writes", notes=folder.grant.notes,
            )


def _reading(folder: Folder) -> Label:
    """Where it is decided that an instance only reads."""
    need = folder.grant.need
    return folder.at("access", "it may read alone") if "access" in folder.value else at(need.spans.get("access", need.span), "it asks to read alone")


@rule("M0243", "two quotas over the same files")
def check_quotas_are_apart(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each quota that another one holds too: which of them a file counts towards nobody could say."""
    for outer, inner in overlapping(system, lambda one, other: "quota" in one.value and "quota" in other.value):
        yield error(
            "M0243", f"{_two(outer, inner)} quotas over {_same(outer, inner)}",
            outer.at("quota", f"`{outer.instance.name}` below `{outer.path}`"), inner.at("quota", f"`{inner.instance.name}` below `{inner.path}`"),
            help="keep one of the two quotas, or grant folders of which none lies in the other", notes=(*outer.grant.notes, *inner.grant.notes),
        )


@rule("M0244", "two instances write to the same files")
def check_writers_know_of_each_other(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one warning for each writer below a folder that another instance writes to, where neither grant says that this is meant."""
    for outer, inner in overlapping(system, _meet):
        yield warning(
            "M0244", f"`{outer.instance.name}` and `{inner.instance.name}` both write to {_same(outer, inner)}",
            outer.at("path", f"`{outer.instance.name}` writes below `{outer.path}`"), inner.at("path", f"`{inner.instance.name}` writes below `{inner.path}`"),
            help="grant one of them another folder or to read alone; where they are to share it, say so at one of them with `shared = true`",
            notes=(*outer.grant.notes, *inner.grant.notes),
        )


def _meet(one: Folder, other: Folder) -> bool:
    return one.writes and other.writes and one.instance.name != other.instance.name and not (one.value["shared"] or other.value["shared"])


def _two(outer: Folder, inner: Folder) -> str:
    if outer.instance.name == inner.instance.name:
        return f"`{outer.instance.name}` has two"
    return f"`{outer.instance.name}` and `{inner.instance.name}` have"


def _same(outer: Folder, inner: Folder) -> str:
    return f"`{inner.path}` of `{inner.provider}`" if outer.parts == inner.parts else f"`{inner.path}` of `{inner.provider}`, which lies in `{outer.path}`"
