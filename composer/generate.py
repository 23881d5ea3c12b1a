"""Renders the glue of one instance: the wasm module, as text, that stands between a SIP and the kernel's raw primitives.

Gets a system, the instance and its layout; gives WAT. What may be exported and which constants it holds is decided here,
how it reads is decided by templates/glue.wat.j2. Every string reaches the text through a filter that cannot be left.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer import cache
from composer.interfaces import DYNAMIC, Function, Interfaces, Raw
from composer.layout import Layout
from composer.spans import Span
from composer.system import Access, Grant, Instance, Need, Provide, System

if TYPE_CHECKING:
    from jinja2 import Template

HERE = Path(__file__).resolve().parent
TEMPLATE = "glue.wat.j2"
CACHE_KIND = "glue"

LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
STRING_SAFE = LETTERS | frozenset(" _./:#-")
NAME_SAFE = LETTERS | frozenset("_:/#-")
CALLING = frozenset(("plain", "handle", "held", "offset", "connection"))
ACCESS_WORDS = {Access.READ: "read", Access.WRITE: "written", Access.BOTH: "read and written"}


@dataclass(frozen=True, slots=True)
class Export:
    """One function of a module. `form` names the macro that writes its body; `trap` stands for a need without grant."""

    name: str
    function: Function
    form: str
    raw: Raw | None
    base: int = 0
    last: int = -1
    handle: int = 0
    count: int = 0
    answer: int = 0

    @property
    def calls(self) -> bool:
        """Whether the body reaches a raw primitive, which the glue then imports."""
        return self.form in CALLING


@dataclass(frozen=True, slots=True)
class Section:
    """The functions of one import module, under comments that say which manifest line each constant came from."""

    module: str
    comments: tuple[str, ...]
    exports: tuple[Export, ...]


def render_glue(system: System, instance: Instance, layout: Layout, interfaces: Interfaces) -> str:
    """The WAT of the glue of `instance` (docs/formats.md, "Glue"): the same text for the same system."""
    return _template().render(_values(system, instance, layout, interfaces))


def render_all(system: System, layout: Layout, interfaces: Interfaces) -> dict[str, str]:
    """The glue of every instance, by the instance's name; what was rendered from the same before comes from the cache."""
    made_by = _made_by()
    return {i.name: _rendered(_values(system, i, layout, interfaces), made_by) for i in system.instances}


def wat_string(text: str) -> str:
    """`text` as the inside of a WAT string: UTF-8, every byte escaped that is not plainly harmless."""
    return "".join(c if c in STRING_SAFE else "".join(f"\\{b:02x}" for b in c.encode("utf-8", "surrogatepass")) for c in text)


def wat_comment(text: object) -> str:
    """`text` for a line comment: what could end it, nest it or be taken for anything else becomes a question mark."""
    return "".join(c if c in STRING_SAFE else "?" for c in str(text))


def wat_name(text: str) -> str:
    """`text` as the inside of a WAT identifier; different texts give different identifiers."""
    return "".join(c if c in NAME_SAFE else f".{ord(c):x}." for c in text)


def _values(system: System, instance: Instance, layout: Layout, interfaces: Interfaces) -> dict[str, Any]:
    """All that the template is given: texts and numbers, and values made of these, whose `repr` is different where they are."""
    shown = tuple(sections(instance, layout, interfaces))
    used = {e.raw.name: e.raw for s in shown for e in s.exports if e.calls}
    return {"profile": system.profile, "instance": instance.name, "app": instance.app.name, "sections": shown,
            "raw": [used[name] for name in sorted(used)], "invalid": interfaces.errors["invalid"], "dynamic": DYNAMIC}


def _rendered(values: dict[str, Any], made_by: str) -> str:
    """The glue of these values. Starting jinja2 takes longer than all the rest: where nothing is new, it stays asleep."""
    key = cache.digest(made_by, repr(values))
    kept = cache.read(CACHE_KIND, key)
    if kept is not None:
        return kept.decode()
    text = _template().render(values)
    cache.store(CACHE_KIND, key, text.encode())
    return text


def _made_by() -> str:
    """What decides, beside the values, how glue reads: the template, its filters, what it asks of values, how it is read, and
    jinja2 by where it is installed."""
    files = (Path(__file__), HERE / "interfaces.py", HERE / "template.py", HERE / "templates" / TEMPLATE)
    return cache.digest(sys.version, sys.prefix, *(file.read_bytes() for file in files))


@lru_cache(maxsize=1)
def _template() -> Template:
    from composer.template import make_environment

    # Nothing here is HTML: each place in the template names the filter that fits it.
    environment = make_environment(__file__)
    environment.filters.update(string=wat_string, comment=wat_comment, name=wat_name, number=_number)
    return environment.get_template(TEMPLATE)


def _number(value: int) -> str:
    """A constant of i32 or i64; anything that is no integer is a fault of ours and not of the input."""
    if type(value) is not int:
        raise TypeError(f"a constant of glue must be an integer, not {value!r}")
    return str(value)


def sections(instance: Instance, layout: Layout, interfaces: Interfaces) -> Iterator[Section]:
    """All that an instance can link, in the order of the glue."""
    for name, capability in interfaces.unasked(*instance.app.fields).items():
        yield _section(f"munal:{name}", ("for every SIP whose app deals with handles" if capability.only_with else "for every SIP",),
                       capability.client, interfaces, {})
    for need in instance.app.needs:
        grant = instance.grant(need.capability, need.name)
        functions = {n: f for n, f in interfaces.capabilities[need.capability].client.items() if covers(need, f)}
        if grant is None or not grant.granted:
            yield _refused(need, functions)
        else:
            yield _section(need.module, _need_comments(need, grant), functions, interfaces,
                           _need_constants(instance, need, grant, layout))
    for provide in instance.app.provides:
        functions = interfaces.capabilities[provide.capability].server
        constants = _provide_constants(instance, provide, layout)
        yield _section(provide.module, _provide_comments(provide, constants), functions, interfaces, constants)


def covers(need: Need, function: Function) -> bool:
    """Whether the need's access and widths let its app call `function`."""
    if function.access is not None and not Access(need.fields["access"]).allows(Access(function.access)):
        return False
    return function.width is None or function.width in need.fields["widths"]


def _need_constants(instance: Instance, need: Need, grant: Grant, layout: Layout) -> dict[str, int]:
    window = grant.window
    constants = {"base": window.base, "length": window.length} if window else {}
    for handle in layout.of(instance.name, need.module):
        constants["handle"] = handle.number
    return {**constants, "granted": 1}


def _provide_constants(instance: Instance, provide: Provide, layout: Layout) -> dict[str, int]:
    handles = layout.of(instance.name, provide.module)
    return {"handle": handles[0].number if handles else 0, "count": len(handles)}


def _section(module: str, comments: tuple[str, ...], functions: Mapping[str, Function], interfaces: Interfaces,
             constants: dict[str, int]) -> Section:
    return Section(module, comments, tuple(_export(module, f, interfaces, constants) for f in functions.values()))


def _export(module: str, function: Function, interfaces: Interfaces, constants: dict[str, int]) -> Export:
    """Choose the constants that this function's form needs; a missing one is a KeyError here and never a guess."""
    raw = interfaces.raw[function.raw] if function.raw else None
    base = last = handle = count = answer = 0
    form = function.glue
    if form == "offset":
        base, last = constants["base"], constants["length"] - (function.width or 8) // 8
        form = "offset" if last >= 0 else "trap"
    elif form == "handle":
        handle = constants["handle"]
    elif form in ("connection", "connection-constant"):
        handle, count = constants["handle"], constants["count"]
        if count == 0:
            form, answer = "constant", interfaces.errors["invalid"]
    elif form not in ("plain", "held"):
        form, answer = "constant", constants[{"handle-constant": "handle"}.get(form, form)]
    return Export(f"{module}#{function.name}", function, form, raw, base, last, handle, count, answer)


def _refused(need: Need, functions: Mapping[str, Function]) -> Section:
    """An optional need that was not granted: the app may link it, and ask, and nothing else."""
    exports = (Export(f"{need.module}#{f.name}", f, "constant" if f.glue == "granted" else "trap", None)
               for f in functions.values())
    return Section(need.module, ("not granted", f"asked for at {need.span}"), tuple(exports))


def _need_comments(need: Need, grant: Grant) -> tuple[str, ...]:
    """Where each constant was written: the grant's values in the profile, the need's in the app's manifest."""
    values = (f"{key} {_shown(key, value)} at {_written(grant.spans, key, grant.span)}"
              for key, value in (grant.value or {}).items() if value is not None)
    fields = (f"{key} {_shown(key, value)} at {_written(need.spans, key, need.span)}"
              for key, value in need.fields.items())
    return (*values, *fields) or (f"granted at {grant.span}", f"asked for at {need.span}")


def _provide_comments(provide: Provide, constants: dict[str, int]) -> tuple[str, ...]:
    first, count = constants["handle"], constants["count"]
    handles = f"handles {' '.join(map(str, range(first, first + count)))}" if count else "nobody is wired to it"
    return (f"provided at {provide.span}", handles)


def _written(spans: Mapping[str, Span], key: str, otherwise: Span) -> Span:
    return spans.get(key, otherwise)


def _shown(key: str, value: object) -> str:
    if key == "base" and isinstance(value, int):
        return f"{value:#x}"
    if isinstance(value, Access):
        return ACCESS_WORDS[value]
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
