"""What an app's manifest says of one import of its binary: which need or provide covers it, and what is wrong with it.

Gets an App and an import's names; gives the need and the function that it stands for. Used by inspect.py, to decide
which code is worth reading, and by the rules of check/imports.py and check/operands.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from composer.interfaces import Capability, Function, Interfaces
from composer.system import Access, App, Need, Provide


@dataclass(frozen=True, slots=True)
class Contract:
    """One import, looked up. `capability` is None for a module that is no interface; `party` None where the app declares
    neither need nor provide of that name (`munal:sip` wants none); `function` None where the interface has no such."""

    capability: Capability | None
    role: str
    party: Need | Provide | None
    function: Function | None
    unasked: bool = False
    """True where this app may call it without a need."""

    @property
    def covered(self) -> bool:
        return self.capability is not None and (self.party is not None or self.unasked)

    @property
    def access_refused(self) -> bool:
        """True where the function does what the need's `access` does not ask for."""
        asked = self._field("access")
        return asked is not None and self.function.access is not None and not Access(asked).allows(Access(self.function.access))

    @property
    def width_refused(self) -> bool:
        widths = self._field("widths")
        return widths is not None and self.function.width is not None and self.function.width not in widths

    @property
    def has_offset(self) -> bool:
        """True where the first operand is checked against the need's length."""
        return self.function is not None and self.function.glue == "offset"

    @property
    def has_authority(self) -> bool:
        """True where the first operand decides over what is reached: it is what a proof has to bound."""
        return self.function is not None and self.function.glue in ("offset", "connection", "held")

    def _field(self, name: str) -> object:
        if self.function is None or not isinstance(self.party, Need):
            return None
        return self.party.fields.get(name)


def contract(app: App, interfaces: Interfaces, module: str, name: str) -> Contract:
    """Look up the function `name` of the import module `module`."""
    found = interfaces.module(module)
    if found is None:
        return Contract(None, "client", None, None)
    capability, role, party_name = found
    functions = capability.server if role == "server" else capability.client
    unasked = not capability.takes_need and capability.name in interfaces.unasked(*app.fields)
    return Contract(capability, role, _party(app, capability.name, role, party_name), functions.get(name), unasked)


def _party(app: App, capability: str, role: str, name: str | None) -> Need | Provide | None:
    if name is None:
        return None
    parties = app.provides if role == "server" else app.needs
    return next((p for p in parties if p.capability == capability and p.name == name), None)
