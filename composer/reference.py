"""The reference of all interfaces as Markdown, rendered from kernel/interfaces: capabilities, manifest keys, functions, errors."""

from __future__ import annotations

import re
from pathlib import Path

from composer.interfaces import Field, Function, Interfaces

TEMPLATES = Path(__file__).resolve().parent / "templates"

_GRANTS = {
    "explicit": "A profile grants it, or the need is optional.",
    "implicit": "Granted where it is needed, unless a profile denies it with `false`.",
    "always": "Every SIP has it without asking.",
}


def render_reference(interfaces: Interfaces) -> str:
    """One page: each capability with what a manifest may say of it and what a SIP may call."""
    import jinja2

    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)
    template = environment.get_template("reference.md.j2")
    page = template.render(interfaces=interfaces, grants=_GRANTS, signature=signature, bounds=bounds)
    return re.sub(r"\n{3,}", "\n\n", page)


def signature(function: Function) -> str:
    """How a function is called: `read8(offset: u16) -> u8`."""
    params = ", ".join(f"{param.name}: {param.type}" for param in function.params)
    return f"{function.name}({params})" + (f" -> {function.result}" if function.result else "")


def bounds(field: Field) -> str:
    """What a key takes, in words."""
    parts = [field.type]
    if field.type == "access" and field.among:
        parts.append(" or ".join(f'"{each}"' for each in field.among))
    if field.min is not None and field.max is not None:
        parts.append(f"{field.min} to {field.max}")
    if field.optional:
        parts.append("may be left out")
    if field.default is not None:
        shown = field.default if isinstance(field.default, (list, int)) else f'"{field.default}"'
        parts.append(f"{shown} where it is left out")
    return ", ".join(parts)
