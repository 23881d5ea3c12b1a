"""The stage `inspect`: each app's wasm binary to the facts that rules judge, by content from the cache where it can.

Gets the resolved system and a file for each app; gives AppFacts by app name. Code is read only where the binary imports
a primitive whose operands matter, or something that its manifest refuses, to say who calls it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from composer import cache
from composer.contract import contract
from composer.interfaces import load_interfaces
from composer.result import Result
from composer.system import App, System
from composer.wasm.facts import AppFacts, Fault, from_json, to_json

_KIND = "facts"


def inspect(system: System, wasm: Mapping[str, Path]) -> Result[dict[str, AppFacts]]:
    """The facts of every app of `system` that has a file in `wasm`. What is wrong with a file is a fact too: its `fault`."""
    return Result({app.name: inspect_app(app, wasm[app.name]) for app in system.apps if app.name in wasm})


def inspect_app(app: App, file: Path) -> AppFacts:
    shown = f"{app.name}.wasm"
    try:
        data = file.read_bytes()
    except OSError as fault:
        return AppFacts(app.name, shown, "", 0, fault=Fault(f"the file cannot be read: {fault.strerror}", 0))
    facts = _facts(app.name, shown, data, traced=False)
    if not facts.traced and needs_code(app, facts):
        facts = _facts(app.name, shown, data, traced=True)
    return facts


def needs_code(app: App, facts: AppFacts) -> bool:
    """Whether it takes the code, and not only the sections, to judge this binary."""
    interfaces = load_interfaces()
    for imported in facts.imports:
        found = contract(app, interfaces, imported.module, imported.name)
        if found.has_authority or found.access_refused or found.function is None or not found.covered:
            return True
    return False


def _facts(app: str, shown: str, data: bytes, traced: bool) -> AppFacts:
    """Facts from the cache, else made now and kept. A traced entry serves where an untraced one is asked for."""
    sha256 = hashlib.sha256(data).hexdigest()
    for way in ("code",) if traced else ("code", "sections"):
        kept = cache.read(_KIND, _key(sha256, way))
        if kept is not None:
            return from_json(kept, app, shown)
    from composer.wasm.gather import gather

    facts = gather(app, shown, data, traced)
    cache.store(_KIND, _key(sha256, "code" if traced else "sections"), to_json(facts))
    return facts


def _key(sha256: str, way: str) -> str:
    return cache.digest(sha256, _reader(), way)


@lru_cache(maxsize=1)
def _reader() -> str:
    """The digest of the reader itself: facts are read again once it has changed."""
    folder = Path(__file__).parent / "wasm"
    return cache.digest(*(path.read_bytes() for path in sorted(folder.glob("*.py"))))
