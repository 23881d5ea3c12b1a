"""The third stage: a profile, joined with its parents and with the apps' needs, becomes one flat system.

Gets models and a profile's name; gives instances with a decision on each need, and the wires between them. An instance
with a fault is left out and its name remembered, so that one fault is said once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from composer.chain import chain_of
from composer.demand import demanded, profile_word
from composer.diagnostics import Diagnostic, at, declare, did_you_mean, error, words
from composer.fit import fit, fit_name, missing_key
from composer.interfaces import Capability, load_interfaces
from composer.leftover import idle_settings, missed, removed_instances
from composer.merge import Merged, merge
from composer.model import Models, grant_faults, missing_grant_keys, no_such_profile
from composer.result import Result
from composer.shapes import MOST_INSTANCES, WHOLE_CPU, InstanceTable, KernelTable, check_name, grant_shape
from composer.system import DEFAULT_MACHINE, App, Bounds, Grant, Instance, Need, OnPanic, Priority, Restart, System, Wire
from composer.targets import Target, choose_target, variant_name
from composer.toml_spans import Node

M0203 = declare("M0203", "an instance of an app that does not exist")
M0207 = declare("M0207", "a grant that the app does not ask for")
M0209 = declare("M0209", "a grant under another capability than the need")
M0218 = declare("M0218", "a profile with too many instances")

KERNEL_LOG = ("stream", "kernel.log")
"""What the kernel itself provides: its messages, to be read like a stream."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A profile joined with what it extends, and the target that this is for, None where the workspace knows no targets."""

    merged: Merged
    target: Target | None


def resolve(models: Models, profile: str, target: str | None = None, settings: Mapping[str, str] | None = None) -> Result[System]:
    """The system that a profile decides for a target, with settings of its parameters as -D gives them. No value where the
    profile or the target does not exist, or a fault hides what it extends."""
    return join(models, profile, target, settings).then(flatten, models)


def join(models: Models, profile: str, target: str | None = None, settings: Mapping[str, str] | None = None) -> Result[Joined]:
    """The profile joined with what it extends, for its target. No value where the profile or the target does not exist."""
    if profile not in models.manifests:
        return Result(None, () if profile in models.broken else (no_such_profile(models, profile),))
    chosen = choose_target(models, profile, target)
    if chosen.diagnostics:
        return Result(None, chosen.diagnostics)
    merged, said = merge(models, profile, chosen.value and chosen.value.name, settings)
    return Result(Joined(merged, chosen.value), tuple(said))


def flatten(joined: Joined, models: Models) -> Result[System]:
    """The system that a joined profile comes to."""
    merged, target, said = joined.merged, joined.target, list[Diagnostic]()
    profile, substitution = merged.profile.name, merged.substitution
    listed = merged.tree.get("instance")
    nodes = listed.table if listed else {}
    if len(nodes) > MOST_INSTANCES:
        return Result(None, (error(M0218, f"`{profile}` has {len(nodes)} instances; at most {MOST_INSTANCES} are possible", at(merged.profile.span),
                                   notes=_counted(nodes)),))
    word = profile_word(models.manifests, profile)
    made = {name: _instance(models, merged, name, node, word, said) for name, node in sorted(nodes.items())}
    instances = tuple(instance for instance in made.values() if instance)
    said.extend((*missed(merged, instances), *idle_settings(merged)))
    lost = frozenset(name for name, instance in made.items() if instance is None) | removed_instances(merged).keys()
    port, written, panic = _kernel(merged, said)
    system = System(models.name, models.version, profile, models.root, instances, tuple(_wires(instances)), port,
                    merged.profile.span, written.span if written else None, lost, target.name if target else None,
                    tuple(sorted((name, setting.text) for name, setting in substitution.settings.items())),
                    target.machine if target else DEFAULT_MACHINE, _counts_instructions(models, profile), variant_name(models, profile, target),
                    merged.notes(written, "kernel.emergency.port") if written else (), panic)
    return Result(system, tuple(substitution.explained(said)))


def _counted(nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """How many instances each profile brings, where several do."""
    paths = [node.place.source.path for node in nodes.values()]
    return tuple(f"{paths.count(path)} of them from {path}" for path in dict.fromkeys(paths)) if len({*paths}) > 1 else ()


def _counts_instructions(models: Models, profile: str) -> bool:
    """What the profile's `clock` says, or else that of the last profile before it in its chain which says anything."""
    words = (models.manifests[name].tree.get("profile", "clock") for name in reversed(chain_of(models.manifests, profile)))
    return next((word.value for word in words if word), None) == "instructions"


def _kernel(merged: Merged, said: list[Diagnostic]) -> tuple[int | None, Node | None, OnPanic]:
    """The port of the emergency writer, where it is written, and what follows a panic."""
    kernel = merged.tree.get("kernel")
    fitted = fit(kernel, KernelTable, "kernel") if kernel else None
    if isinstance(fitted, list):
        said.extend(fitted)
    if not kernel or isinstance(fitted, list) or not fitted:
        return None, None, OnPanic.HALT
    if not fitted.emergency:
        return None, None, OnPanic(fitted.panic)
    return fitted.emergency.port, kernel.get("emergency", "port"), OnPanic(fitted.panic)


def _instance(models: Models, merged: Merged, name: str, node: Node, word: Node | None, said: list[Diagnostic]) -> Instance | None:
    before = len(said)
    if not isinstance(node.value, dict):
        return None
    said.extend((*fit_name(check_name, name, at(node.place)), *grant_faults(node)))
    table = fit(node, InstanceTable)
    if isinstance(table, list):
        said.extend(table)
        return None
    app = _app(models, merged, name, node, said)
    if app is None or len(said) > before:
        return None
    grants = tuple(_grants(merged, name, app, node, said))
    if len(said) > before:
        return None
    memory = table.limits.memory or app.memory
    cpu = WHOLE_CPU if table.limits.cpu is None else table.limits.cpu
    restart = Restart(table.restart.policy, table.restart.backoff, table.restart.limit)
    bounds = Bounds(Priority(table.priority), table.limits.period, table.limits.cpu_time, table.limits.handles)
    decided = [(path, node.get(*path)) for path in (("app",), ("limits", "memory"))]
    notes = tuple(note for path, part in decided if part for note in merged.notes(part, ".".join(path)))
    limit = node.get("limits", "memory")
    return Instance(name, app, grants, memory, cpu, restart, node.place, notes, demanded(node, word, merged),
                    memory_span=limit.span if limit else None, bounds=bounds)


def _app(models: Models, merged: Merged, name: str, node: Node, said: list[Diagnostic]) -> App | None:
    wanted = node.get("app")
    if wanted is None and merged.is_disputed("instance", name, "app"):
        return None
    if wanted is None:
        said.append(missing_key("app", node, f"the instance `{name}`",
                                (*merged.opened(node, f"instance.{name}"), *merged.removals("instance", name, "app"))))
        return None
    app = models.apps.get(wanted.value)
    if app is None and wanted.value not in models.lost:
        said.append(error(M0203, f"`{name}` is an instance of `{wanted.value}`, but there is no such app", at(wanted.span),
                          help=did_you_mean(wanted.value, list(models.apps)) or "an app is a folder with an `app.toml` that the workspace's patterns find",
                          notes=merged.notes(wanted, "app")))
    return app


def _grants(merged: Merged, instance: str, app: App, node: Node, said: list[Diagnostic]) -> Iterator[Grant]:
    """The decision on each need, in the order of the app's manifest; what is granted without a need is said."""
    given = node.get("grant") or Node({}, node.span)
    for word, named in given.table.items():
        for name, grant in named.table.items():
            if app.need(word, name) is None:
                said.append(_without_need(instance, app, word, name, grant, merged))
    for need in app.needs:
        capability, decision = load_interfaces().capabilities[need.capability], given.get(need.capability, need.name)
        if decision is None:
            implied = capability.grant == "implicit"
            notes = (*merged.opened(node, f"instance.{instance}"), *merged.removals("instance", instance, "grant", need.capability, need.name))
            yield Grant(need, {} if implied else None, need.span if implied or need.optional else node.place, notes=() if implied else notes)
        else:
            yield from _decision(merged, instance, need, capability, decision, said)


def _decision(merged: Merged, instance: str, need: Need, capability: Capability, node: Node, said: list[Diagnostic]) -> Iterator[Grant]:
    """What a profile says about a need."""
    notes = merged.notes(node, f"grant.{need.capability}.{need.name}")
    if node.value is False:
        yield Grant(need, None, node.place, notes=notes)
        return
    path = ("grant", need.capability, need.name)
    lacking = list(missing_grant_keys(capability, node, (*merged.opened(node, ".".join(path)), *merged.removals("instance", instance, *path))))
    said.extend(lacking)
    fitted = fit(node, grant_shape(need.capability))
    if lacking or isinstance(fitted, list):
        return
    value = {key: chosen for key, chosen in fitted if chosen is not None}
    yield Grant(need, value, node.place, {key: child.span for key, child in node.table.items()}, notes)


def _without_need(instance: str, app: App, word: str, name: str, grant: Node, merged: Merged) -> Diagnostic:
    notes = merged.notes(grant, f"grant.{word}.{name}")
    same_name = next((need for need in app.needs if need.name == name), None)
    if same_name:
        return error(M0209, f"`{instance}` is granted `{word}.{name}`, but `{app.name}` needs `{same_name.capability}.{name}`",
                     at(grant.place, f"granted under `{word}` here"), at(same_name.span, f"asked for under `{same_name.capability}` here"),
                     help=f"write `grant.{same_name.capability}.{name}`", notes=notes)
    needs = [f"{need.capability}.{need.name}" for need in app.needs]
    advice = did_you_mean(f"{word}.{name}", needs) or (f"what it needs is {words(needs)}" if needs else f"`{app.name}` needs nothing: drop the grant")
    return error(M0207, f"`{instance}` is granted `{word}.{name}`, which `{app.name}` does not ask for",
                 at(grant.place, "granted here"), at(app.span, f"the needs of `{app.name}` are in this manifest"), help=advice, notes=notes)


def _wires(instances: tuple[Instance, ...]) -> Iterator[Wire]:
    """What can be joined, by the clients' names and the order of their needs; what cannot, check says."""
    by_name = {instance.name: instance for instance in instances}
    capabilities = load_interfaces().capabilities
    for client in instances:
        for grant in client.grants:
            if not capabilities[grant.need.capability].wire or grant.value is None:
                continue
            wanted, need = grant.value["from"], grant.need
            server, _, name = wanted.partition(".")
            provide = by_name[server].app.provide(need.capability, name) if server in by_name else None
            is_log = (need.capability, wanted) == KERNEL_LOG
            if provide or is_log:
                yield Wire(need.capability, client.name, need, None if is_log else server, provide, grant.spans["from"])
