"""What an app's source calls: Rust and C bindings, derived from the interfaces and from the app's needs and provides alone.

Gets an app and the interfaces; gives the text of one Rust file or one C header. A function that a need's access or widths
do not cover is not in it, so that a misuse is already an error of the app's compiler.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from composer.interfaces import POINTERS, Capability, Function, Interfaces
from composer.system import Access, App, Need

if TYPE_CHECKING:
    from jinja2 import Environment

RUST_KEYWORDS = frozenset(
    "abstract as async await become box break const continue do dyn else enum extern false final fn for gen if impl in let "
    "loop macro match mod move mut override priv pub ref return static struct trait true try type typeof unsafe unsized use "
    "virtual where while yield".split())
RUST_PATH_WORDS = frozenset(("crate", "self", "super", "Self"))
"""Keywords that cannot be written as a raw identifier (Rust Reference, Identifiers)."""

RUST_TYPES = {"u8": "u8", "u16": "u16", "u32": "u32", "i32": "i32", "u64": "u64", "i64": "i64",
              "bytes": "&[u8]", "buffer": "&mut [u8]", "inout": "&mut [Poll]", "handles": "&[u32]", "slots": "&mut [u32]",
              "result": "Result<u32, Error>"}
RUST_WASM_TYPES = {"u8": "u32", "u16": "u32", "u32": "u32", "i32": "i32", "u64": "u64", "i64": "i64", "result": "i32",
                   "bytes": "*const u8, {0}_len: usize", "buffer": "*mut u8, {0}_len: usize",
                   "inout": "*mut Poll, {0}_len: usize", "handles": "*const u32, {0}_len: usize", "slots": "*mut u32, {0}_len: usize"}
RUST_PASSED = {"u8": "{0} as u32", "u16": "{0} as u32", "bytes": "{0}.as_ptr(), {0}.len()",
               "buffer": "{0}.as_mut_ptr(), {0}.len()", "inout": "{0}.as_mut_ptr(), core::mem::size_of_val({0})",
               "handles": "{0}.as_ptr(), core::mem::size_of_val({0})", "slots": "{0}.as_mut_ptr(), core::mem::size_of_val({0})"}
RUST_ANSWERED = {"u8": "{0} as u8", "u16": "{0} as u16", "result": "Error::check({0})"}

C_TYPES = {"u8": "uint8_t {0}", "u16": "uint16_t {0}", "u32": "uint32_t {0}", "i32": "int32_t {0}", "u64": "uint64_t {0}",
           "i64": "int64_t {0}", "bytes": "const void *{0}, uint32_t {0}_length",
           "buffer": "void *{0}, uint32_t {0}_length", "inout": "struct munal_poll *{0}, uint32_t {0}_count",
           "handles": "const uint32_t *{0}, uint32_t {0}_count", "slots": "uint32_t *{0}, uint32_t {0}_count"}
C_PASSED = {"bytes": "{0}, {0}_length", "buffer": "{0}, {0}_length",
            **dict.fromkeys(("inout", "handles", "slots"), "{0}, {0}_count * (uint32_t)sizeof *{0}")}
C_WASM_TYPES = {**C_TYPES, "u8": "uint32_t {0}", "u16": "uint32_t {0}", "inout": "void *{0}, uint32_t {0}_length",
                "handles": "const void *{0}, uint32_t {0}_length", "slots": "void *{0}, uint32_t {0}_length"}
C_RESULTS = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "i32": "int32_t", "u64": "uint64_t", "i64": "int64_t",
             "result": "int32_t"}
C_WASM_RESULTS = {**C_RESULTS, "u8": "uint32_t", "u16": "uint32_t"}


@dataclass(frozen=True, slots=True)
class Binding:
    """One need or provide: the wasm module that it imports and the functions that it may call there.

    `group` is the Rust module and `name` the type in it; both are identifiers.
    """

    group: str
    name: str
    module: str
    title: str
    functions: tuple[Function, ...]
    role: str = "client"


def rust_bindings(app: App, interfaces: Interfaces) -> str:
    """The Rust source that `munal::bindings!()` includes: errors, events, `sip`, `handle` where it deals with handles, and one type for each need and provide."""
    groups: dict[str, list[Binding]] = {}
    for binding in bindings(app, interfaces):
        groups.setdefault(binding.group, []).append(binding)
    logs = [n for n in groups.get("log", ()) if any(f.name == "write" for f in n.functions)]
    return _render("bindings.rs.j2", app=app, interfaces=interfaces, always=_unasked(app, interfaces), groups=groups,
                   log=logs[0] if logs else None)


def c_header(app: App, interfaces: Interfaces) -> str:
    """The C header `munal.h` of one app: the same functions, as `munal_<capability>_<name>_<function>`."""
    entries = [*((b, f"munal_{b.name}") for b in _unasked(app, interfaces)), *((b, f"munal_{b.group}_{b.name}") for b in bindings(app, interfaces))]
    taken: set[str] = set()
    named = [(binding, [(_unique(f"{prefix}_{f.name}", taken), f) for f in binding.functions]) for binding, prefix in entries]
    return _render("bindings.h.j2", app=app, interfaces=interfaces, named=named)


def bindings(app: App, interfaces: Interfaces) -> Iterator[Binding]:
    """What `app` may call beside `sip` and `handle`, needs first, each in the order of its manifest."""
    taken: set[tuple[str, str]] = set()
    for need in app.needs:
        capability = interfaces.capabilities[need.capability]
        yield Binding(capability.name, _member(capability.name, need.name, taken), need.module,
                      f"The need `{capability.name}.{need.name}`", allowed(need, capability))
    for provide in app.provides:
        capability = interfaces.capabilities[provide.capability]
        group = f"{capability.name}_server"
        yield Binding(group, _member(group, provide.name, taken), provide.module,
                      f"What this app provides as `{capability.name}.{provide.name}`", tuple(capability.server.values()), "server")


def allowed(need: Need, capability: Capability) -> tuple[Function, ...]:
    """The functions that the access and the widths of `need` cover."""
    access = Access(need.fields.get("access", Access.BOTH))
    widths = need.fields.get("widths")

    def covers(function: Function) -> bool:
        fits = function.width is None or widths is None or function.width in widths
        return fits and (function.access is None or access.allows(Access(function.access)))

    return tuple(f for f in capability.client.values() if covers(f))


def _unasked(app: App, interfaces: Interfaces) -> list[Binding]:
    """What `app` may call without asking."""
    return [Binding(name, name, f"munal:{name}", capability.summary, tuple(capability.client.values()))
            for name, capability in interfaces.unasked(*app.fields).items()]


def _member(group: str, name: str, taken: set[tuple[str, str]]) -> str:
    """The name as an identifier; `a-b` and `a_b` in one group stay two."""
    made = name.replace("-", "_")
    while (group, made) in taken:
        made += "_"
    taken.add((group, made))
    return made


def _unique(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _rust_name(name: str) -> str:
    if name in RUST_PATH_WORDS:
        return f"{name}_"
    return f"r#{name}" if name in RUST_KEYWORDS else name


def _rust_params(function: Function) -> str:
    return ", ".join(f"{_rust_name(p.name)}: {RUST_TYPES[p.type]}" for p in function.params)


def _rust_wasm_params(function: Function) -> str:
    return ", ".join(f"{_rust_name(p.name)}: {RUST_WASM_TYPES[p.type].format(p.name)}" for p in function.params)


def _rust_call(function: Function) -> str:
    """The expression that calls the import and turns its answer into the interface's type."""
    passed = ", ".join(RUST_PASSED.get(p.type, "{0}").format(_rust_name(p.name)) for p in function.params)
    call = f"import({passed})"
    if takes_pointer(function):
        call = f"unsafe {{ {call} }}"
    return RUST_ANSWERED.get(function.result or "", "{0}").format(call)


def _c_list(function: Function, types: dict[str, str]) -> str:
    return ", ".join(types[p.type].format(p.name) for p in function.params) or "void"


def _c_call(function: Function) -> str:
    return ", ".join(C_PASSED.get(p.type, "{0}").format(p.name) for p in function.params)


def takes_pointer(function: Function) -> bool:
    return any(p.type in POINTERS for p in function.params)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _sentence(doc: str) -> str:
    """One line of documentation, as a sentence."""
    text = " ".join(doc.split())
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from composer.template import make_environment

    made = make_environment(__file__)
    made.filters.update(
        camel=_camel, sentence=_sentence, rust_name=_rust_name, rust_params=_rust_params, rust_wasm_params=_rust_wasm_params,
        rust_call=_rust_call, rust_type=RUST_TYPES.__getitem__, rust_wasm_type=RUST_WASM_TYPES.__getitem__,
        c_params=lambda f: _c_list(f, C_TYPES), c_wasm_params=lambda f: _c_list(f, C_WASM_TYPES), c_call=_c_call,
        c_result=lambda f: C_RESULTS[f.result] if f.result else "void",
        c_wasm_result=lambda f: C_WASM_RESULTS[f.result] if f.result else "void")
    made.tests["pointer_taking"] = takes_pointer
    return made


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)
