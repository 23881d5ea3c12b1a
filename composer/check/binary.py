"""Rules about a binary as a whole: it must be valid, of the features that the kernel runs, and startable.

Every app's module exports its memory as `memory` and its entry as `_start` (docs/formats.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composer.check.binaries import called, functions_of, sound
from composer.contract import contract
from composer.diagnostics import Diagnostic, at, declare, did_you_mean, error, rule
from composer.interfaces import POINTERS, load_interfaces
from composer.shapes import MEMORY
from composer.system import App, System
from composer.units import format_size
from composer.wasm.facts import PAGE, AppFacts
from composer.wasm.shown import shown

KIB = 1024

_WITHOUT = {
    "threads": "build without `-C target-feature=+atomics` or `-pthread`: a SIP is one thread",
    "memory64": "build for wasm32: a SIP's addresses have 32 bits",
    "the component model": "build a core module: in Rust the target wasm32-unknown-unknown",
    "exception handling": "build with `panic = \"abort\"` in Rust, `-fno-exceptions` in C++",
    "multi-memory": "keep all data in the one memory that is exported as `memory`",
}

_SETTINGS = "choose settings of the compiler that do without"
_DAMAGED = "build it again: the file is damaged, or what made it does not keep to the specification"

M0322 = declare("M0322", "a binary uses a feature of wasm that the kernel is not built for")


@rule("M0306", "not a valid wasm binary")
def check_binary(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each app whose binary cannot be used: broken, or (M0322) of features that are missing."""
    for app in system.apps:
        fault = facts[app.name].fault if app.name in facts else None
        if fault is None:
            continue
        built, place = at(app.build.span, "built from here"), facts[app.name].at(fault.offset)
        if fault.feature:
            yield error(M0322, f"the binary of `{app.name}` uses {fault.feature}, which the kernel is not built for",
                        built, at(place, fault.message), help=_WITHOUT.get(fault.feature, _SETTINGS))
        else:
            yield error("M0306", f"the binary of `{app.name}` is not valid wasm: {fault.message}", built, at(place),
                        help=None if fault.message.startswith("it is ") else _DAMAGED)


@rule("M0307", "a binary cannot be started")
def check_entry(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each app without `_start`, `() -> ()`, and each that passes pointers without a memory."""
    for app, found in sound(system, facts):
        yield from _check_start(app, found)
        yield from _check_memory(app, found)


def _check_start(app: App, facts: AppFacts) -> Iterator[Diagnostic]:
    start = facts.export("_start")
    wanted = 'export a function `_start` that takes and returns nothing; in Rust `#[no_mangle] pub extern "C" fn _start()`'
    if start is None:
        functions = [export.name for export in facts.exports if export.kind == "func"]
        yield error("M0307", f"`{app.name}` has no entry: it does not export `_start`",
                    at(app.build.span, "built from here"), at(facts.at(0), _exported(functions)),
                    help=wanted, notes=tuple(filter(None, [_renamed(functions)])))
    elif start.kind != "func":
        yield error("M0307", f"the entry of `{app.name}` is no function: its export `_start` is a {start.kind}",
                    at(app.build.span, "built from here"), at(facts.at(start.offset)), help=wanted)
    elif start.params or start.results:
        yield error("M0307", f"the entry of `{app.name}` has another type than () -> ()",
                    at(app.build.span, "built from here"),
                    at(facts.at(start.offset), f"`_start` is {signature(start.params, start.results)}"), help=wanted)


def _exported(functions: list[str]) -> str:
    if not functions:
        return "it exports no function"
    names = ", ".join(f"`{shown(name)}`" for name in functions[:5])
    return f"it exports {names}" + (" and more" if len(functions) > 5 else "")


def _renamed(functions: list[str]) -> str | None:
    for other in ("main", "_main", "_initialize", "__main_void", "start"):
        if other in functions:
            return f"`{other}` may be what should be called `_start`"
    return did_you_mean("_start", [name for name in functions if shown(name) == name])


def _check_memory(app: App, facts: AppFacts) -> Iterator[Diagnostic]:
    memory = facts.export("memory")
    if memory is not None and memory.kind == "memory":
        return
    for imported in functions_of(facts):
        function = contract(app, load_interfaces(), imported.module, imported.name).function
        if function and any(param.type in POINTERS for param in function.params):
            yield error(
                "M0307", f"`{app.name}` passes pointers to `{function.name}`, but exports no memory that they could point into",
                at(app.build.span, "built from here"), at(facts.at(imported.offset), f"imports {called(imported)}"),
                help="export its memory under the name `memory`",
            )
            return


@rule("M0309", "a binary needs more memory than its instance may have")
def check_memory_limit(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each instance whose limit is less than a life of it takes, before it has asked for anything."""
    for app, found in sound(system, facts):
        pages = found.memory[0] if found.memory else 0
        for instance in system.instances:
            needed = at_least(found) + _served(system, instance.name)
            if instance.app.name == app.name and instance.memory < needed:
                yield error(
                    "M0309", f"`{instance.name}` may use {format_size(instance.memory)}, but starts with {format_size(needed)}",
                    at(instance.memory_span or instance.span, f"this instance is limited to {format_size(instance.memory)}"),
                    at(found.at(0), _parts(found, _served(system, instance.name))),
                    help=_more_memory(needed, pages),
                    notes=instance.notes,
                )


def at_least(facts: AppFacts) -> int:
    """Bytes that a SIP of this binary uses from its start on (docs/memory.md), rounded up to KiB."""
    interfaces = load_interfaces()
    memory = (facts.memory[0] if facts.memory else 0) * PAGE
    needed = interfaces.quota.used(memory) + facts.elements * interfaces.table_element
    return -(-needed // KIB) * KIB


def _served(system: System, instance: str) -> int:
    """Bytes that the streams and channels hold which the instance serves, both directions of each connection, in whole KiB."""
    fields = [wire.provide.fields for wire in system.wires if wire.server == instance and wire.provide]
    held = sum(2 * (found["capacity"] if "capacity" in found else found["depth"] * found["largest"])
               for found in fields if "capacity" in found or "depth" in found)
    return -(-held // KIB) * KIB


def _parts(facts: AppFacts, served: int) -> str:
    interfaces = load_interfaces()
    pages = facts.memory[0] if facts.memory else 0
    tables = f", {_count(facts.elements, 'table element')} of {interfaces.table_element} bytes" if facts.elements else ""
    fixed = format_size(interfaces.quota.fixed + interfaces.quota.page_tables(pages * PAGE))
    joints = f", {format_size(served)} of streams and channels that it serves" if served else ""
    return f"starts with {_count(pages, 'page')} of 64 KiB{tables}{joints}, and {fixed} of stack, page tables and what the kernel keeps"


def _more_memory(needed: int, pages: int) -> str:
    if needed > MEMORY[1]:
        return f"no instance may have more than {format_size(MEMORY[1])}: let the binary start with less"
    smaller = ", or link with a smaller stack: `-zstack-size=`" if pages > 1 else ""
    return f'allow it with `limits.memory = "{format_size(max(needed, MEMORY[0]))}"`{smaller}'


@rule("M0324", "a binary's data does not fit where it goes")
def check_segments(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each active segment past the end of its memory or table: the SIP would trap at each start."""
    for app, found in sound(system, facts):
        for stray in found.strays:
            unit, where = ("byte", "memory") if stray.kind == "data" else ("element", "table")
            lost = f"{_count(stray.length, unit)} at {stray.at:#x}"
            yield error(
                "M0324", f"`{app.name}` would trap at each start: its {where} has no room for {lost}",
                at(app.build.span, "built from here"),
                at(found.at(stray.offset), f"the {where} starts with {_count(stray.size, unit)}"),
                help=f"start with a larger {where}",
            )


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def signature(params: tuple[str, ...], results: tuple[str, ...]) -> str:
    return f"({', '.join(params)}) -> ({', '.join(results)})"
