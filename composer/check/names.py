"""Rules about names that differ to a reader of TOML but not to the code that is generated from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from composer.diagnostics import Diagnostic, at, error, rule
from composer.system import Need, Provide, System


@rule("M0220", "two names differ in `-` and `_` alone")
def check_names_differ(system: System, facts: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """A guest's bindings write `-` as `_`: two needs of one capability, or two provides, must stay different."""
    for app in system.apps:
        for entries in (app.needs, app.provides):
            first: dict[tuple[str, str], Need | Provide] = {}
            for entry in entries:
                other = first.setdefault((entry.capability, entry.name.replace("-", "_")), entry)
                if other is not entry:
                    yield error("M0220", f"`{other.name}` and `{entry.name}` of `{app.name}` differ in `-` and `_` alone",
                                at(entry.span, "this is the second"), at(other.span, "the first is here"),
                                help="source code writes both with `_`: rename one")
