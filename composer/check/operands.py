"""The rule about constants in code: an offset that is known at composition must lie inside of what was granted.

Which numbers lie outside is decided in proof.py. What is not known is left to the glue, which checks every access.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composer.check.binaries import field_span, known_functions
from composer.contract import Contract
from composer.diagnostics import Diagnostic, Label, at, error, rule
from composer.interfaces import Function, load_interfaces
from composer.proof import all_beyond, beyond, last_offset, width_in_ports
from composer.system import App, Grant, Instance, Need, Range, System
from composer.wasm.facts import AppFacts, Call, Known

MASKS = {"port": 0xFFFF}
"""I/O addresses have 16 bits (Intel SDM volume 1, chapter 19): sums are cut to them. Those of memory are never: offsets have
32 bits, and are extended."""
UNITS = {"port": ("port", "ports", "port"), "mmio": ("byte", "bytes", "address")}
"""What a length counts, one and several, and what one place of it is called."""


@rule("M0303", "a constant offset lies outside of the range that was asked for")
def check_offsets(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each call and each number outside of [0, length - width/8] that its offset can be."""
    for app, found, need, function, call in _offset_calls(system, facts):
        last, operand = last_offset(need, function), call.operands[0]
        for known in beyond(operand, last):
            yield _outside(system, app, found, need, function, call, known)
        if operand.range and all_beyond(operand, last):
            yield _all_outside(app, found, need, function, call, operand.range)


def _offset_calls(system: System, facts: Mapping[str, AppFacts]) -> Iterator[tuple[App, AppFacts, Need, Function, Call]]:
    for app, found, imported, looked_up in known_functions(system, facts):
        if _is_checked(looked_up) and imported.params == looked_up.function.wasm_params:
            for call in found.calls_of(imported.module, imported.name):
                yield app, found, looked_up.party, looked_up.function, call


def _is_checked(looked_up: Contract) -> bool:
    return looked_up.has_offset and isinstance(looked_up.party, Need)


def _outside(system: System, app: App, facts: AppFacts, need: Need, function: Function, call: Call, known: Known) -> Diagnostic:
    does, granted = "reads" if function.access == "r" else "writes", _granted(system, app, need)
    places = sorted({_cut(need, window.base + known.value) for _, _, window in granted})
    which = f"{UNITS[need.capability][2]} {' or '.join(f'{place:#x}' for place in places[:4])}, " if places else ""
    return error(
        "M0303", f"`{app.name}` {does} {_bits(function)}{which}offset {known.value:#x}, {_outside_of(need)}",
        at(field_span(need, "length"), f"{_units(need)} from offset 0"),
        *_use(facts, call, known), *(_grant(need, *each, known.value) for each in granted),
        help=_advice(need, function, known.value, places),
        notes=(*_negative(need, known.value), *(note for _, grant, _ in granted for note in grant.notes)),
    )


def _all_outside(app: App, facts: AppFacts, need: Need, function: Function, call: Call, reach: tuple[int, int]) -> Diagnostic:
    does = "reads" if function.access == "r" else "writes"
    span = f"{reach[0]:#x} to {reach[1]:#x}"
    return error(
        "M0303", f"`{app.name}` {does} {_bits(function)}offsets {span}, {_outside_of(need)}",
        at(field_span(need, "length"), f"{_units(need)} from offset 0"),
        at(facts.place(call.site), f"calls {need.module} {function.name} with an offset from {span}"),
        help="correct the offset: whatever it is, it lies outside",
    )


def _bits(function: Function) -> str:
    return f"{function.width} bits at " if function.width and function.width > 8 else ""


def _outside_of(need: Need) -> str:
    return f"outside of the {_units(need)} of `{need.capability}.{need.name}`"


def _units(need: Need) -> str:
    length, (one, several, _) = need.fields["length"], UNITS[need.capability]
    return f"{length} {several}" if length != 1 else f"one {one}"


def _cut(need: Need, place: int) -> int:
    return place & MASKS.get(need.capability, -1)


def _use(facts: AppFacts, call: Call, known: Known) -> list[Label]:
    """The call, and before it the place that passes the offset, where that is another function."""
    which = f"{call.module} {call.name}"
    if known.site is None:
        return [at(facts.place(call.site), f"calls {which} with offset {known.value:#x}")]
    return [at(facts.place(known.site), "passes this offset on"), at(facts.place(call.site), f"calls {which} with it")]


def _granted(system: System, app: App, need: Need) -> list[tuple[Instance, Grant, Range]]:
    """What instances of an app are granted for a need."""
    grants = [(instance, instance.grant(need.capability, need.name)) for instance in system.instances if instance.app.name == app.name]
    return [(instance, grant, grant.window) for instance, grant in grants if grant and grant.window]


def _grant(need: Need, instance: Instance, grant: Grant, window: Range, offset: int) -> Label:
    total = window.base + offset
    cut = f", in 16 bits {_cut(need, total):#x}" if total != _cut(need, total) else ""
    return at(grant.spans.get("base", grant.span), f"`{instance.name}` holds {window}; {window.base:#x} + {offset:#x} is {total:#x}{cut}")


def _negative(need: Need, offset: int) -> tuple[str, ...]:
    """What a large offset is when it is read as a negative number of 16 or of 32 bits."""
    for bits in (16, 32):
        if 1 << (bits - 1) <= offset < 1 << bits:
            return (f"{offset:#x} is -{(1 << bits) - offset:#x} in {bits} bits; offsets count up from the first {UNITS[need.capability][0]} granted",)
    return ()


def _advice(need: Need, function: Function, offset: int, places: list[int]) -> str:
    end = offset + width_in_ports(function)
    (_, several, place), fields = UNITS[need.capability], load_interfaces().capabilities[need.capability].need_fields
    if end <= next(field.max or 0 for field in fields if field.name == "length"):
        return f"correct the offset, or ask for more {several} with `length = {end}`, if the device has them"
    if need.capability not in MASKS and _negative(need, offset):
        return f"correct the offset: no {UNITS[need.capability][0]} before the first is granted, and none is reached by going round"
    if len(places) == 1:
        grant = f"grant.{need.capability}.NAME = {{ base = {places[0]:#x} }}"
        return f"correct the offset; a driver of {place} {places[0]:#x} needs a grant for it: `{grant}`"
    return "correct the offset"
