"""All variants of a workspace: each profile for each target that it is made for; and those that only stand with more settings.

Gets a workspace's models; gives variants, as a command would name them.
"""

from __future__ import annotations

from composer.chain import chain_of
from composer.merge import choices
from composer.model import Models
from composer.targets import made_for
from composer.variant import Variant


def every_variant(models: Models) -> tuple[Variant, ...]:
    """Each profile with each target that it is made for; with none where there is nothing to choose, or no way to."""
    made: list[Variant] = []
    for profile in models.profiles:
        possible = made_for(models, profile) if profile in models.manifests else ()
        made += [Variant(profile, target) for target in possible] or [Variant(profile)]
    return tuple(made)


def unset_parameters(models: Models, variant: Variant) -> tuple[str, ...]:
    """The parameters without which a variant of `every_variant` does not stand: declared without a default, and set nowhere."""
    if variant.profile not in models.manifests:
        return ()
    chain = [models.manifests[name] for name in chain_of(models.manifests, variant.profile)]
    declared = {name for profile in chain if (params := profile.tree.get("param")) for name in params.table}
    return tuple(sorted(declared - {name for profile in chain for name in choices(profile, variant.target)}))


def composable(models: Models) -> tuple[Variant, ...]:
    """Those of all variants that need no more settings."""
    return tuple(variant for variant in every_variant(models) if not unset_parameters(models, variant))
