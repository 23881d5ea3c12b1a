"""The second stage: trees of nodes become checked values. Every app is finished here; profiles wait to be joined by resolve.

Gets what load read; gives the apps by name and the profiles' manifests, each found to have its right shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from composer.device import Model
from composer.device_model import read_model
from composer.diagnostics import Diagnostic, at, declare, did_you_mean, error, words
from composer.fit import M0115, describe, fit, fit_name, missing_key, unknown_key
from composer.interfaces import Capability, load_interfaces
from composer.load import Document, Loaded, model_path
from composer.references import has_marks, is_open
from composer.result import Result
from composer.shapes import (
    DEFAULT_MEMORY, MOST_NEEDS, AppFile, BuildTable, ProfileFile, WorkspaceFile, check_name, check_need_name, grant_shape, need_shape,
    provide_shape,
)
from composer.spans import Span
from composer.system import App, Build, Kind, Need, Provide
from composer.targets import Target, no_such_target, unknown_targets
from composer.toml_spans import Node
from composer.units import M0106, M0107
from composer.uses import misplaced_references, parts, unused_parameters

M0201 = declare("M0201", "two apps have the same name")
M0202 = declare("M0202", "two profiles have the same name")
M0204 = declare("M0204", "a profile extends one that does not exist")
M0205 = declare("M0205", "profiles extend each other in a circle")
M0216 = declare("M0216", "a capability that does not exist")
M0217 = declare("M0217", "a profile that does not exist")

T = TypeVar("T", Need, Provide)
FORMS = ("cargo", "c", "wat", "wasm", "command")


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile's manifest. `extends` has a place for each parent."""

    name: str
    tree: Node
    span: Span
    extends: tuple[tuple[str, Span], ...]


@dataclass(frozen=True, slots=True)
class Models:
    """A workspace whose manifests have their right shapes. `lost` are names of apps that faults kept out, and
    `broken` those of profiles that cannot be joined: what is said about them has been said."""

    root: Path
    name: str
    version: str
    apps: dict[str, App]
    manifests: dict[str, Profile]
    default_profile: str | None
    lost: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    targets: dict[str, Target] = field(default_factory=dict)
    default_target: str | None = None

    @property
    def profiles(self) -> tuple[str, ...]:
        """The names of all profiles, sorted."""
        return tuple(sorted({*self.manifests, *self.broken}))

    @property
    def restricted(self) -> bool:
        """Whether any profile says which targets it is made for."""
        return any(profile.tree.get("profile", "targets") for profile in self.manifests.values())


def model(loaded: Loaded) -> Result[Models]:
    """Check the shape of every manifest; a faulty one is left out, and all others go on."""
    said: list[Diagnostic] = []
    workspace = fit(loaded.workspace.tree, WorkspaceFile)
    apps, lost = _apps(loaded, said)
    profiles, broken = _profiles(loaded, said)
    broken |= _circles(profiles, said)
    if isinstance(workspace, list):
        return Result(None, (*workspace, *said))
    table = workspace.workspace
    default = table.default or (next(iter(profiles)) if len(profiles) == 1 else None)
    if table.default and table.default not in {*profiles, *broken}:
        said.append(_no_default(loaded.workspace.tree.get("workspace", "default"), list(profiles)))
        default = None
    manifests = {name: profile for name, profile in profiles.items() if name not in broken}
    targets = _targets(loaded.workspace, workspace)
    said.extend((*_no_default_target(loaded.workspace, targets), *unknown_targets(manifests, targets), *unused_parameters(manifests)))
    first = next(iter(targets), None)
    # Where the default is none of them, that has been said: what else there is to say, is said of the first.
    default_target = table.target if table.target in targets else first if table.target or len(targets) == 1 else None
    return Result(Models(loaded.root, table.name, table.version, apps, manifests, default, frozenset(lost), frozenset(broken),
                         targets, default_target), tuple(said))


def _targets(document: Document, workspace: WorkspaceFile) -> dict[str, Target]:
    tables = document.tree.get("target")
    return {name: Target(name, table.summary, table.machine, tables.table[name].place) for name, table in workspace.target.items()} if tables else {}


def _no_default_target(document: Document, targets: dict[str, Target]) -> Iterator[Diagnostic]:
    node = document.tree.get("workspace", "target")
    if node and node.value not in targets:
        yield no_such_target(node.value, targets, at(node.span, "it is the default"))


def _no_default(node: Node | None, profiles: list[str]) -> Diagnostic:
    assert node is not None
    return error(M0217, f"there is no profile `{node.value}`", at(node.span, "it is the default"), help=did_you_mean(node.value, profiles))


# Apps

def _apps(loaded: Loaded, said: list[Diagnostic]) -> tuple[dict[str, App], set[str]]:
    apps: dict[str, App] = {}
    lost = {path.split("/")[-2] for path in loaded.unread if path.count("/")}
    models = _device_models(loaded, said)
    for document in loaded.apps:
        app = _app(document, models, said)
        if app is None:
            lost |= _claimed_names(document)
        elif app.name in apps:
            said.append(_same_name(M0201, "app", app.name, apps[app.name].span, app.span))
        else:
            apps[app.name] = app
    return apps, lost


def _device_models(loaded: Loaded, said: list[Diagnostic]) -> dict[str, Model]:
    """The sound models of devices, by their paths."""
    read = {path: read_model(document) for path, document in loaded.models.items() if document}
    said.extend(each for result in read.values() for each in result.diagnostics)
    return {path: result.value for path, result in read.items() if result.value}


def _claimed_names(document: Document) -> set[str]:
    """What a faulty app is probably called: as it says, or like its folder."""
    name = document.tree.get("app", "name")
    return {document.folder.name} | ({name.value} if name and isinstance(name.value, str) else set())


def _same_name(code: str, what: str, name: str, first: Span, second: Span) -> Diagnostic:
    return error(code, f"two {what}s are called `{name}`", at(second, "this is the second"), at(first, "the first is here"),
                 help=f"rename one: a name stands for one {what} in the whole workspace")


def _app(document: Document, models: dict[str, Model], said: list[Diagnostic]) -> App | None:
    file, before = fit(document.tree, AppFile), len(said)
    needs = [_with_model(need, document, models) for need in _named(document.tree.get("needs"), "needs", said) if isinstance(need, Need)]
    provides = list(_named(document.tree.get("provides"), "provides", said))
    if isinstance(file, list):
        said.extend(file)
        return None
    build = _build(document, file.app.build, said)
    if build is None or len(said) > before or None in needs:
        return None
    name = document.tree.get("app", "name")
    return App(file.app.name, Kind(file.app.kind), file.app.summary, document.folder, document.source.path, build,
               tuple(n for n in needs if n), tuple(p for p in provides if isinstance(p, Provide)),
               file.limits.memory or DEFAULT_MEMORY, name.span if name else document.tree.span)


def _with_model(need: Need, document: Document, models: dict[str, Model]) -> Need | None:
    """The need with its device's model in place of the path; None where that is faulty, which has been said."""
    node = document.tree.get("needs", need.capability, need.name, "model")
    if "model" not in need.fields or node is None:
        return need
    found = models.get(model_path(node) or "")
    return replace(need, fields={**need.fields, "model": found}) if found else None


def _build(document: Document, table: BuildTable, said: list[Diagnostic]) -> Build | None:
    node = document.tree.get("app", "build")
    assert node is not None
    said_forms = [form for form in FORMS if getattr(table, form) is not None]
    if len(said_forms) != 1:
        found = f"{words(said_forms)} are" if said_forms else "none is"
        said.append(error(M0115, "an app is built in exactly one way", at(node.place, f"{found} given here"),
                          help=f"choose one of {words(FORMS)}"))
        return None
    form, value = said_forms[0], getattr(table, said_forms[0])
    if (form == "command") != (table.output is not None):
        said.append(_output_problem(form, node))
        return None
    return Build(form, (value,) if isinstance(value, str) else tuple(value), node.table[form].span, table.output)


def _output_problem(form: str, node: Node) -> Diagnostic:
    if form == "command":
        return error(M0115, "`command` needs `output`: the module that it leaves", at(node.table["command"].span),
                     help='add `build.output = "app.wasm"`')
    return error(M0115, f"`output` goes with `command`, not with `{form}`", at(node.table["output"].place), help="drop it")


def _named(tables: Node | None, section: str, said: list[Diagnostic]) -> Iterator[Need | Provide]:
    """All of `needs` or `provides`: a table for each capability, in it one for each name."""
    for word, named in (tables.table if tables else {}).items():
        capability = _capability(word, named, section, said)
        if capability is None:
            continue
        for name, node in named.table.items():
            yield from _entry(capability, name, node, section, said)
    count = sum(len(named.table) for named in tables.table.values()) if tables else 0
    if tables and count > MOST_NEEDS:
        said.append(error(M0107, f"an app has at most {MOST_NEEDS} {section}", at(tables.place, f"these are {count}")))


def _entry(capability: Capability, name: str, node: Node, section: str, said: list[Diagnostic]) -> Iterator[Need | Provide]:
    said.extend(fit_name(check_need_name, name, at(node.place)))
    if not isinstance(node.value, dict):
        said.append(error(M0106, f"expected a table for `{name}`, found {describe(node)}", at(node.span)))
        return
    shape = need_shape if section == "needs" else provide_shape
    fitted = fit(node, shape(capability.name), f"{section}.{capability.name}.{name}")
    if isinstance(fitted, list):
        said.extend(fitted)
        return
    fields, spans = dict(fitted), {key: child.span for key, child in node.table.items()}
    if section == "provides":
        yield Provide(capability.name, name, fields, node.place, spans)
    else:
        yield Need(capability.name, name, fields.pop("optional"), fields, node.place, spans)


def _capability(word: str, node: Node, section: str, said: list[Diagnostic]) -> Capability | None:
    """The capability that a key of `needs`, `provides` or `grant` names."""
    every = load_interfaces().capabilities
    capability = every.get(word)
    usable = [c.name for c in every.values() if (c.server if section == "provides" else c.takes_need)]
    if capability is None:
        said.append(error(M0216, f"there is no capability `{word}`", at(node.place),
                          help=did_you_mean(word, usable) or f"there are {words(usable)}"))
    elif word not in usable:
        why = f"`{word}` can be needed, not provided" if capability.takes_need else f"every app may use `{word}` without asking"
        said.append(error(M0216, why, at(node.place), help=f"what can stand here is {words(usable)}"))
        return None
    return capability


# Profiles

def _profiles(loaded: Loaded, said: list[Diagnostic]) -> tuple[dict[str, Profile], set[str]]:
    """The profiles, and the names of those that cannot be joined because a fault hides what they extend or say."""
    found: dict[str, tuple[Document, Node | None]] = {}
    broken = {path.rsplit("/", 1)[-1].removesuffix(".toml") for path in loaded.unread if not path.endswith("/app.toml")}
    for document in loaded.profiles:
        said.extend(_file_name_problems(document))
        said.extend(_faults(document))
        if document.stem in found:
            first = found[document.stem][0]
            said.append(_same_name(M0202, "profile", document.stem, Span(first.source, 0, 0), Span(document.source, 0, 0)))
            continue
        extends = document.tree.get("profile", "extends")
        if extends and not _is_list_of_strings(extends):
            broken.add(document.stem)
        found[document.stem] = (document, extends)
    names = [*found, *broken]
    profiles = {name: Profile(name, document.tree, _header(document), tuple(_parents(name, extends, names, said)))
                for name, (document, extends) in found.items()}
    while hurt := {p.name for p in profiles.values() if any(parent in broken or parent not in profiles for parent, _ in p.extends)} - broken:
        broken |= hurt
    return profiles, broken


def _is_list_of_strings(node: Node) -> bool:
    return isinstance(node.value, list) and all(isinstance(item.value, str) for item in node.value)


def _file_name_problems(document: Document) -> Iterator[Diagnostic]:
    """A profile is called like its file."""
    yield from fit_name(check_name, document.stem, at(Span(document.source, 0, 0), "a profile is called like its file"))


def _header(document: Document) -> Span:
    node = document.tree.get("profile")
    return node.span if node else document.tree.span


def _parents(name: str, extends: Node | None, names: list[str], said: list[Diagnostic]) -> Iterator[tuple[str, Span]]:
    for item in extends.value if extends and isinstance(extends.value, list) else []:
        if not isinstance(item.value, str):
            continue
        if item.value not in names:
            said.append(error(M0204, f"`{name}` extends `{item.value}`, which does not exist", at(item.span),
                              help=did_you_mean(item.value, names) or f"the profiles are {words(sorted({*names}))}"))
        yield item.value, item.span


def _faults(document: Document) -> list[Diagnostic]:
    """What is wrong with the shape of a profile's manifest, by itself."""
    said: list[Diagnostic] = []
    file = fit(document.tree, ProfileFile, references=True)
    if isinstance(file, list):
        said.extend(file)
    for instances in (part.get("instance") for part in parts(document.tree)):
        for name, instance in (instances.table if instances else {}).items():
            said.extend(fit_name(check_name, name, at(instance.place)))
            said.extend(grant_faults(instance, references=True))
    misplaced = tuple(misplaced_references(document.tree)) if has_marks(document.source.text) else ()
    places = [problem.labels[0].place for problem in misplaced]
    return [*misplaced, *(problem for problem in said if problem.labels[0].place not in places)]


def grant_faults(instance: Node, *, references: bool = False) -> list[Diagnostic]:
    """What is wrong with the shape of an instance's grants, whatever its app needs. With `references`, parameters have no
    values yet."""
    said: list[Diagnostic] = []
    grants = instance.get("grant")
    for word, named in (grants.table if grants else {}).items():
        capability = _capability(word, named, "grant", said)
        if capability is None:
            continue
        for name, node in named.table.items():
            said.extend((*fit_name(check_need_name, name, at(node.place)), *_grant_faults(capability, node, f"grant.{word}.{name}", references)))
    return said


def _grant_faults(capability: Capability, node: Node, name: str, references: bool) -> list[Diagnostic]:
    if node.value is False or (node.value is True and not capability.grant_fields) or (references and is_open(node)):
        return []
    if not isinstance(node.value, dict):
        keys = [field.name for field in capability.grant_fields]
        return [error(M0106, f"expected a table for `{name}`, found {describe(node)}", at(node.span),
                      help=f"write a table with {words(keys)}" if keys else "write {} to grant it, or false to deny it")]
    asked = {field.name for field in capability.need_fields}
    fitted = fit(node, grant_shape(capability.name), name, references=references)
    if not isinstance(fitted, list):
        return []
    moved = [unknown_key(key, child, [], f"`{key}` is what the app asks for: it stands in its app.toml")
             for key, child in node.table.items() if key in asked and key not in grant_shape(capability.name).model_fields]
    places = {diagnostic.labels[0].place for diagnostic in moved}
    return [*moved, *(d for d in fitted if d.labels[0].place not in places)]


def missing_grant_keys(capability: Capability, node: Node, notes: tuple[str, ...]) -> Iterator[Diagnostic]:
    """What a finished grant lacks: a key that it must have, or the one key of several. `notes` say how the grant came here."""
    for field in capability.grant_fields:
        if field.default is None and not field.optional and field.name not in capability.one_of and field.name not in node.table:
            yield missing_key(field.name, node, f"a grant of `{capability.name}`", notes)
    chosen = [key for key in capability.one_of if key in node.table]
    if capability.one_of and len(chosen) != 1:
        found = f"{words(chosen)} are" if chosen else "none is"
        yield error(M0115, f"a grant of `{capability.name}` takes exactly one of {words(capability.one_of)}", at(node.span, f"{found} given here"), notes=notes)


def _circles(profiles: dict[str, Profile], said: list[Diagnostic]) -> set[str]:
    """Say each circle of `extends` once; gives the names of the profiles that start in or lead into one."""
    from composer.graph import circles, reaching

    edges = {name: [parent for parent, _ in profile.extends if parent in profiles] for name, profile in profiles.items()}
    inside: set[str] = set()
    for circle in circles(edges):
        inside |= set(circle)
        said.append(_circle(circle, profiles))
    return reaching(edges, inside)


def _circle(circle: list[str], profiles: dict[str, Profile]) -> Diagnostic:
    steps = list(zip(circle, circle[1:] + circle[:1], strict=True))
    labels = [at(next(span for parent, span in profiles[child].extends if parent == wanted), f"`{child}` extends `{wanted}`")
              for child, wanted in steps]
    if len(circle) == 1:
        return error(M0205, f"the profile `{circle[0]}` extends itself", *labels, help="drop this parent")
    return error(M0205, f"the profiles {words(circle)} extend each other in a circle", *labels, help="take one of these steps out")


def no_such_profile(models: Models, name: str) -> Diagnostic:
    """For a profile that a command names."""
    known = list(models.profiles)
    return error(M0217, f"there is no profile `{name}`", help=did_you_mean(name, known) or (f"the profiles are {words(known)}" if known else
                 "the workspace has no profile"))


