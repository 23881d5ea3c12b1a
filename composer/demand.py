"""Which instances must be proved: `proof` of a profile, of the profiles that it extends, and of a single instance.

Gets profiles' manifests and an instance's own word; gives where a proof is demanded. What a parent requires, a child keeps
unless it says something itself, and with several parents the strictest counts: nothing is weakened in silence.
"""

from __future__ import annotations

from collections.abc import Mapping

from composer.merge import Merged
from composer.model import Profile
from composer.system import Demand
from composer.toml_spans import Node

REQUIRED = "required"


def profile_word(manifests: Mapping[str, Profile], name: str) -> Node | None:
    """The word that demands a proof of every instance of a profile which does not say otherwise itself; None where none does.

    Each profile of the chain, which has no circle, is judged once: O(n) in their number.
    """
    known: dict[str, Node | None] = {}
    waiting = [name]
    while waiting:
        own = manifests[waiting[-1]].tree.get("profile", "proof")
        parents = [] if own else [parent for parent, _ in manifests[waiting[-1]].extends]
        unknown = [parent for parent in parents if parent not in known]
        if unknown:
            waiting += unknown
        else:
            known[waiting.pop()] = _requiring(own) or next((known[parent] for parent in parents if known[parent]), None)
    return known[name]


def demanded(instance: Node, by_profile: Node | None, merged: Merged) -> Demand | None:
    """What holds for one instance: its own word, else its profile's."""
    word = _requiring(instance.get("proof")) if instance.get("proof") else by_profile
    return Demand(word.span, merged.notes(word, "proof")) if word else None


def _requiring(word: Node | None) -> Node | None:
    return word if word and word.value == REQUIRED else None
