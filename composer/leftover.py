"""What is left over when a profile is joined: instances that still need one that was removed, and settings that change nothing.

Gets a joined profile and its instances; gives diagnostics that name every party.
"""

from __future__ import annotations

from collections.abc import Iterator

from composer.diagnostics import Diagnostic, at, declare, error, warning, words
from composer.interfaces import load_interfaces
from composer.merge import Merged
from composer.spans import Span
from composer.system import Grant, Instance
from composer.toml_spans import Node, leaves
from composer.uses import M0225

M0230 = declare("M0230", "something is removed that others need")


def removed_instances(merged: Merged) -> dict[str, Node]:
    """The instances that the profile, or one that it extends, removes; with the item that says so."""
    listed = merged.tree.get("instance")
    left = listed.table if listed else {}
    return {path[1]: item for path, item in merged.gone.items() if len(path) == 2 and path[0] == "instance" and path[1] not in left}


def missed(merged: Merged, instances: tuple[Instance, ...]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each removed instance that others still name, with all of them."""
    for name, item in removed_instances(merged).items():
        needing = [(instance, grant, key) for instance in instances for grant in instance.grants for key in _naming(grant, name)]
        if not needing:
            continue
        who = list(dict.fromkeys(instance.name for instance, _, _ in needing))
        labels = [at(_place(grant, key), f"`{instance.name}` needs it for `{grant.need.capability}.{grant.need.name}`") for instance, grant, key in needing]
        yield error(
            M0230, f"`{name}` is removed, but {words(who)} still {'need' if len(who) > 1 else 'needs'} it", at(item.span, "removed here"), *labels,
            help=f"remove {words([f'instance.{each}' for each in who])} too, or name something else there",
            notes=tuple(note for _, grant, _ in needing for note in grant.notes),
        )


def _naming(grant: Grant, instance: str) -> Iterator[str]:
    """The keys of a grant that name an instance."""
    for field in load_interfaces().capabilities[grant.need.capability].grant_fields:
        value = (grant.value or {}).get(field.name)
        if (field.type == "wire" and str(value).partition(".")[0] == instance) or (field.type == "instances" and instance in (value or ())):
            yield field.name


def _place(grant: Grant, key: str) -> Span:
    return grant.spans.get(key, grant.span)


def idle_settings(merged: Merged) -> Iterator[Diagnostic]:
    """Yield one warning for each setting of -D that is in no value of the system."""
    given = [setting for setting in merged.substitution.settings.values() if setting.given is not None]
    if not given:
        return
    used = {setting.name for _, leaf in leaves(merged.tree) for setting in merged.substitution.settings_of(leaf)}
    for setting in given:
        if setting.name not in used:
            yield warning(M0225, f"`-D {setting.name}={setting.given}` changes nothing: no value of `{merged.profile.name}` comes from it",
                          at(setting.parameter.node.place, "declared here"), help="leave it out, or refer to it where it should count")
