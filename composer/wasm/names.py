"""Names of functions, as a person knows them: out of the `name` section, else from exports, else by number.

Gets a Module and its `name` section, which may be broken or lie; gives a name for every function, fit to be shown.
"""

from __future__ import annotations

import re
from contextlib import suppress

from composer.wasm.cursor import Cursor, WasmError
from composer.wasm.module import Module
from composer.wasm.rust_names import rust_path
from composer.wasm.shown import shown

_HASH = re.compile(r"::h[0-9a-f]{16}$")


def readable(name: str) -> str:
    """A function's name as its author wrote it: Rust's path without its hash."""
    return _HASH.sub("", rust_path(name) or name)


def function_names(module: Module) -> dict[int, str]:
    """Names by function index, raw, as the `name` section and else the exports give them; missing where none is known.

    A `name` section is advice (specification 2.0, appendix, custom sections): where it is broken, what came before
    the fault still counts and the rest is ignored.
    """
    names = {export.index: export.name for export in module.exports if export.kind == "func"}
    if module.names_at is not None:
        cursor = Cursor(module.data, *module.names_at, "the name section")
        with suppress(WasmError):
            _read_names(cursor, names, len(module.functions))
    return names


def _read_names(cursor: Cursor, names: dict[int, str], functions: int) -> None:
    while cursor.left:
        kind = cursor.byte()
        part = cursor.part(cursor.u32(), "a part of the name section")
        if kind != 1:
            continue
        for _ in range(part.count("names", least=2)):
            index, name = part.u32(), part.name("a function's name")
            if index < functions and name:
                names[index] = name


def function_name(names: dict[int, str], function: int) -> str:
    """The name to show for a function; `func[12]` where the binary gives none."""
    name = names.get(function)
    return shown(readable(name)) if name else f"func[{function}]"
