"""Which devices the simulated machine has for an instance: cards that it is granted whole, and those at ports that it is granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from composer.simulate.cards import all_cards
from composer.simulate.devices import all_devices

if TYPE_CHECKING:
    from composer.system import Instance


def simulated(instance: Instance) -> type[Any] | None:
    """The class of the device that an instance drives, where faults can be scripted for it: `FAULTS` has their kinds in words."""
    for grant in instance.grants:
        if grant.granted and grant.need.capability == "device":
            found = next((made for match in grant.need.fields["matches"] if (made := all_cards().get(str(match)))), None)
            if found:
                return found
        if grant.ports:
            found = next((made for base, _, made in all_devices() if base == grant.ports.base and made.FAULTS), None)
            if found:
                return found
    return None
