"""Rules about decisions: every need is met, or may be left open; who is controlled exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.diagnostics import Diagnostic, at, did_you_mean, error, rule, words
from composer.interfaces import Capability, load_interfaces
from composer.system import System


@rule("M0208", "a need that is not granted")
def check_needs_granted(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each need without a grant, unless it is optional or its capability is granted by being needed."""
    capabilities = load_interfaces().capabilities
    for instance in system.instances:
        for grant in instance.grants:
            need = grant.need
            if grant.granted or need.optional or capabilities[need.capability].grant == "implicit":
                continue
            denied = grant.span != instance.span
            path = f"grant.{need.capability}.{need.name}"
            yield error(
                "M0208", f"`{instance.name}` is {'denied' if denied else 'not granted'} `{need.capability}.{need.name}`, which `{instance.app.name}` needs",
                at(grant.span, "denied here" if denied else f"no `{path}` for this instance"),
                at(need.span, "asked for here"),
                help=f"grant it with `{path} = {_example(capabilities[need.capability])}`, or let the app do without: `optional = true`",
                notes=grant.notes,
            )


def _example(capability: Capability) -> str:
    """A grant's form, for advice."""
    keys = capability.one_of[:1] or tuple(field.name for field in capability.grant_fields if field.default is None and not field.optional)
    return f"{{ {', '.join(f'{key} = …' for key in keys)} }}" if keys else "{}"


@rule("M0215", "control of an instance that does not exist")
def check_controlled_exist(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    capabilities = load_interfaces().capabilities
    known = [instance.name for instance in system.instances]
    for instance in system.instances:
        for grant in instance.grants:
            lists = [field.name for field in capabilities[grant.need.capability].grant_fields if field.type == "instances"]
            wanted = [(key, name) for key in lists for name in (grant.value or {}).get(key, ())]
            for place, unknown in ((grant.spans[key], name) for key, name in wanted if name not in {"*", *known, *system.lost}):
                yield error("M0215", f"`{instance.name}` may control `{unknown}`, which does not exist", at(place),
                            help=did_you_mean(unknown, known) or f"the instances are {words(known)}", notes=grant.notes)
