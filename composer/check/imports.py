"""Rules that hold a binary's imports against its manifest: nothing without a need, nothing that the need does not ask for.

Gets the resolved system and its apps' facts; gives errors that name the manifest and the place in the binary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composer.check.binaries import called, field_span, functions_of, known_functions, sound, use_labels, use_notes
from composer.check.binary import signature
from composer.contract import Contract, contract
from composer.diagnostics import Diagnostic, at, did_you_mean, error, rule, words
from composer.interfaces import Function, load_interfaces
from composer.shapes import is_need_name
from composer.system import App, Need, System
from composer.wasm.facts import AppFacts, Import
from composer.wasm.shown import shown

VERBS = {"r": "reads", "w": "writes"}
_PLURAL = {"r": "reads", "w": "writes"}
_ONLY = {"r": "only reads are asked for here", "w": "only writes are asked for here"}

_FOREIGN = {
    "munal:raw": "only glue may import the kernel's raw primitives: import the functions of a need",
    "env": "`env` is where linkers put symbols that nobody defines: define them, or link without `--allow-undefined`",
    "wasi_snapshot_preview1": "this is WASI, for which a SIP has no need: build for a target without it, in Rust wasm32-unknown-unknown",
    "wasi_unstable": "this is WASI, for which a SIP has no need: build for a target without it, in Rust wasm32-unknown-unknown",
    "wbg": "wasm-bindgen is for browsers: build without it",
    "__wbindgen_placeholder__": "wasm-bindgen is for browsers: build without it",
}


@rule("M0301", "a binary reads or writes what its manifest does not ask to")
def check_access(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each imported function that reads under `access = "w"` or writes under `access = "r"`."""
    for app, found, imported, looked_up in known_functions(system, facts):
        if looked_up.access_refused:
            need, function = looked_up.party, looked_up.function
            yield error(
                "M0301", _excess(app, need, function.access),
                at(field_span(need, "access"), _ONLY[need.fields["access"]]), *use_labels(found, imported),
                help=f'ask for {_PLURAL[function.access]} with `access = "rw"`, or stop calling {shown(imported.name)}',
                notes=use_notes(found, imported),
            )


def _excess(app: App, need: Need, access: str) -> str:
    if need.capability == "port":
        return f"`{app.name}` {VERBS[access]} a port that its manifest does not ask for"
    asked = _PLURAL[need.fields["access"]]
    return f"`{app.name}` {VERBS[access]} the {need.capability} `{need.name}`, but its manifest asks for {asked} only"


@rule("M0302", "a binary uses a width that its manifest does not list")
def check_widths(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each imported function whose width in bits is missing from the need's `widths`."""
    for app, found, imported, looked_up in known_functions(system, facts):
        if looked_up.width_refused:
            need, function = looked_up.party, looked_up.function
            listed = need.fields["widths"]
            yield error(
                "M0302", f"`{app.name}` {VERBS[function.access]} {function.width} bits at once, which its manifest does not list",
                at(field_span(need, "widths"), f"widths are {list(listed)} here"), *use_labels(found, imported),
                help=f"list it with `widths = {sorted({*listed, function.width})}`, or stop calling {shown(imported.name)}",
                notes=use_notes(found, imported),
            )


@rule("M0304", "a binary imports what no need covers")
def check_covered(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each module that neither a need nor a provide of the app stands for."""
    for app, found in sound(system, facts):
        modules: dict[str, list[Import]] = {}
        for imported in functions_of(found):
            if not contract(app, load_interfaces(), imported.module, imported.name).covered:
                modules.setdefault(imported.module, []).append(imported)
        for module, imports in modules.items():
            yield _uncovered(app, found, module, imports)


def _uncovered(app: App, facts: AppFacts, module: str, imports: list[Import]) -> Diagnostic:
    names = sorted({shown(imported.name) for imported in imports})
    notes = (f"it imports {words(names[:8])}" + (f" and {len(names) - 8} more" if len(names) > 8 else ""),)
    looked_up = contract(app, load_interfaces(), module, imports[0].name)
    kind = "provide" if looked_up.role == "server" else "need"
    return error(
        "M0304", f"`{app.name}` imports `{shown(module)}`, which no {kind} of its manifest covers",
        at(app.span, f"this app has no {kind} for it"), *use_labels(facts, imports[0]),
        help=_FOREIGN.get(module) or _near(app, module) or _declare_it(app, module, looked_up), notes=notes,
    )


def _near(app: App, module: str) -> str | None:
    """The module that was probably meant: of the same interface where it names one, else of all that the app declares."""
    if shown(module) != module:
        return None
    mine = [*_unasked(app), *(party.module for party in (*app.needs, *app.provides))]
    from difflib import get_close_matches

    head, slash, name = module.partition("/")
    same = {other.removeprefix(head + slash): other for other in mine if slash and other.startswith(head + slash)}
    near = get_close_matches(name, same, n=1) if same else []
    return f"did you mean `{same[near[0]]}`?" if near else None if same else did_you_mean(module, mine)


def _unasked(app: App) -> list[str]:
    """The modules that this app may import without asking."""
    return [f"munal:{name}" for name in load_interfaces().unasked(*app.fields)]


def _declare_it(app: App, module: str, looked_up: Contract) -> str:
    if looked_up.capability is None:
        known = sorted(c.name for c in load_interfaces().capabilities.values() if c.takes_need)
        return f"modules are {words(_unasked(app))} and `munal:CAPABILITY/NAME`; capabilities are {words(known)}"
    if not looked_up.capability.takes_need:
        fields = " or ".join(f"`{name}`" for name in looked_up.capability.only_with)
        return f"set {fields} in a need or in something provided, without which no handle comes here, or stop importing it"
    name = module.partition("/")[2]
    if not is_need_name(name):
        return f"no table of a manifest can be called `{shown(name)}`: import a module whose name ends in lower-case letters, digits, `-` and `_`"
    table = f"{'provides' if looked_up.role == 'server' else 'needs'}.{looked_up.capability.name}.{name}"
    return f"ask for it in the app's manifest with a table `[{table}]`, or stop importing it"


@rule("M0305", "a binary imports a function that its interface does not have")
def check_functions(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each function of a covered module that is unknown, or declared with another type."""
    for app, found in sound(system, facts):
        for imported in _once_a_type(found):
            looked_up = contract(app, load_interfaces(), imported.module, imported.name)
            if looked_up.covered and looked_up.function is None:
                yield _unknown_function(app, found, imported, looked_up)
            elif looked_up.covered and not _agrees(imported, looked_up.function):
                yield _other_type(app, found, imported, looked_up)


def _once_a_type(facts: AppFacts) -> Iterator[Import]:
    """Imported functions; one that is imported with two types comes twice."""
    kinds = {(i.module, i.name, i.params, i.results): i for i in facts.imports if i.kind == "func"}
    return iter(kinds.values())


def _agrees(imported: Import, function: Function) -> bool:
    results = (function.wasm_result,) if function.wasm_result else ()
    return (imported.params, imported.results) == (function.wasm_params, results)


def _unknown_function(app: App, facts: AppFacts, imported: Import, looked_up: Contract) -> Diagnostic:
    capability = looked_up.capability
    functions = sorted(capability.server if looked_up.role == "server" else capability.client)
    near = did_you_mean(imported.name, functions) if shown(imported.name) == imported.name else None
    other = capability.client if looked_up.role == "server" else capability.server
    notes = (f"`{shown(imported.name)}` is for the other end of a {capability.name}",) if imported.name in other else ()
    return error(
        "M0305", f"`{shown(imported.module)}` has no function `{shown(imported.name)}`",
        _party_label(app, looked_up), *use_labels(facts, imported), help=near or f"it has {words(functions)}", notes=notes,
    )


def _other_type(app: App, facts: AppFacts, imported: Import, looked_up: Contract) -> Diagnostic:
    function = looked_up.function
    results = (function.wasm_result,) if function.wasm_result else ()
    return error(
        "M0305", f"`{app.name}` declares {called(imported)} with another type than it has",
        _party_label(app, looked_up),
        at(facts.at(imported.offset), f"declared as {signature(imported.params, imported.results)}"),
        help=f"declare it as {signature(function.wasm_params, results)}", notes=(f"the interface says {described(function)}",),
    )


def _party_label(app: App, looked_up: Contract):
    party = looked_up.party
    return at(party.span, f"`{looked_up.capability.name}` is asked for here") if party else at(app.span, "imported by this app")


def described(function: Function) -> str:
    """`write8(offset: u16, value: u8)`."""
    params = ", ".join(f"{param.name}: {param.type}" for param in function.params)
    return f"`{function.name}({params}){f' -> {function.result}' if function.result else ''}`"


@rule("M0308", "a binary imports something other than a function")
def check_kinds(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each imported memory, table or global: interfaces hold functions only."""
    for app, found in sound(system, facts):
        for imported in found.imports:
            if imported.kind != "func":
                yield error(
                    "M0308", f"`{app.name}` imports a {imported.kind}, `{called(imported)}`: only functions can be imported",
                    at(app.build.span, "built from here"), at(found.at(imported.offset), f"this {imported.kind} is imported"),
                    help=_own_kind(imported.kind),
                )


def _own_kind(kind: str) -> str:
    option = {"memory": "--import-memory", "table": "--import-table"}.get(kind)
    return f"define the {kind} in the binary" + (f": link without `{option}`" if option else "")
