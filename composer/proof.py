"""What each instance's code can make the kernel do, and how sure that is: proved, checked at run time, or refused.

Gets a resolved system and the facts of its apps' binaries; gives each raw operation that an instance can reach, with what is
known of the operand that decides over hardware or over whose connection it is. What rules refuse and what is proved are
judged here alone. docs/proof.md says what a proof covers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from composer.contract import Contract, contract
from composer.interfaces import Function, load_interfaces
from composer.spans import WasmPlace
from composer.system import Grant, Instance, Need, Provide, Range, System
from composer.wasm.facts import AppFacts, Import, Known, Operand

COUNT = "count"
"""The function of a provide whose answer, a constant of the glue, bounds its connections."""


class Verdict(StrEnum):
    """In the order of what is worst."""

    PROVED = "proved"
    CHECKED = "checked at run time"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Use:
    """A call, or an escape that hides calls. `known` says what its operand is, `why` what keeps that from being a proof.
    `reach` is what this use can get at of a grant that has a base, at worst all of it."""

    place: WasmPlace
    verdict: Verdict
    known: str = ""
    why: str = ""
    reach: tuple[Range, ...] = ()
    escapes: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One function of a need or a provide, and the raw primitive behind it. `uses` is empty where nothing called for reading
    the code: then the glue's constants alone decide what it reaches."""

    party: Need | Provide | None
    grant: Grant | None
    function: Function
    uses: tuple[Use, ...] = ()
    refusal: str = ""
    always: str = "sip"
    """The capability that it is of where every SIP may use it, and `party` is None."""

    @property
    def name(self) -> str:
        """`port.regs read8`, and for the end that serves `stream.serial try_write`."""
        return f"{self.party.capability}.{self.party.name} {self.function.name}" if self.party else f"{self.always} {self.function.name}"

    @property
    def verdict(self) -> Verdict:
        if self.refusal:
            return Verdict.REFUSED
        return worst(use.verdict for use in self.uses)

    @property
    def reach(self) -> tuple[Range, ...]:
        return joined(each for use in self.uses for each in use.reach)


@dataclass(frozen=True, slots=True)
class Proof:
    """All that one instance can do beyond itself, by the operations' names."""

    instance: Instance
    operations: tuple[Operation, ...]

    @property
    def verdict(self) -> Verdict:
        return worst(operation.verdict for operation in self.operations)

    def ports(self, access: str) -> tuple[Range, ...]:
        """The ports that its code can read ("r") or write ("w"), at most."""
        return joined(reach for each in self.operations if each.grant and each.grant.ports and each.function.access == access
                      for reach in each.reach)


def prove(system: System, facts: Mapping[str, AppFacts]) -> tuple[Proof, ...]:
    """The proof of each instance whose app's binary could be read, by the instances' names."""
    return tuple(Proof(instance, _sorted(_operations(system, instance, facts[instance.app.name]))) for instance in system.instances
                 if instance.app.name in facts and facts[instance.app.name].fault is None)


def _sorted(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    return tuple(sorted(operations, key=lambda operation: operation.name))


def beyond(operand: Operand, last: int) -> list[Known]:
    """The numbers of an operand that are surely too large: past `last`."""
    return [known for known in operand.values if known.value > last]


def all_beyond(operand: Operand, last: int) -> bool:
    """True where the operand is a range and all of it lies past `last`."""
    return operand.range is not None and operand.range[0] > last


def fits(operand: Operand, last: int) -> bool:
    """True where the operand is known to be at most `last`."""
    return operand.bounds is not None and operand.bounds[1] <= last


def last_offset(need: Need, function: Function) -> int:
    """The last offset at which an access of this width still fits; negative where it fits nowhere."""
    return need.fields["length"] - width_in_ports(function)


def width_in_ports(function: Function) -> int:
    return (function.width or 8) // 8


def held(grant: Grant) -> Range:
    """What a grant with a base gives: as many ports, or bytes, as its need asks for."""
    assert grant.value is not None
    return Range(grant.value["base"], grant.need.fields["length"])


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=list(Verdict).index, default=Verdict.PROVED)


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same ports in as few ranges as can be, in order."""
    found: list[Range] = []
    for each in sorted(ranges):
        if found and each.base <= found[-1].end:
            found[-1] = Range(found[-1].base, max(found[-1].end, each.end) - found[-1].base)
        else:
            found.append(each)
    return tuple(found)


def _operations(system: System, instance: Instance, facts: AppFacts) -> Iterator[Operation]:
    seen = set()
    for imported in facts.imports:
        if imported.kind != "func" or (imported.module, imported.name) in seen or not facts.uses(imported.module, imported.name):
            continue
        seen.add((imported.module, imported.name))
        looked_up = contract(instance.app, load_interfaces(), imported.module, imported.name)
        if looked_up.covered and looked_up.function and looked_up.function.raw:
            yield from _operation(system, instance, facts, imported, looked_up)


def _operation(system: System, instance: Instance, facts: AppFacts, imported: Import, looked_up: Contract) -> Iterator[Operation]:
    """What stands behind one imported function; nothing where the glue reaches no raw primitive for it."""
    party, function = looked_up.party, looked_up.function
    assert function is not None
    grant = instance.grant(party.capability, party.name) if isinstance(party, Need) else None
    if isinstance(party, Need) and (grant is None or not grant.granted):
        return
    if refusal := _refusal(imported, looked_up):
        yield Operation(party, grant, function, _plain_uses(facts, imported), refusal)
    elif function.glue == "offset" and grant:
        yield Operation(party, grant, function, tuple(_offset_uses(facts, imported, function, grant)))
    elif function.glue == "connection" and isinstance(party, Provide):
        count = len(system.connections(instance.name, party))
        if count:
            yield Operation(party, grant, function, tuple(_connection_uses(facts, imported, count)))
    elif function.glue == "held" and looked_up.capability:
        yield Operation(None, None, function, tuple(_held_uses(facts, imported)), always=looked_up.capability.name)
    else:
        always = looked_up.capability.name if looked_up.capability and party is None else "sip"
        yield Operation(party, grant, function, _plain_uses(facts, imported), always=always)


def _refusal(imported: Import, looked_up: Contract) -> str:
    assert looked_up.function is not None
    if looked_up.access_refused:
        return "the manifest does not ask for this access"
    if looked_up.width_refused:
        return "the manifest does not list this width"
    return "" if imported.params == looked_up.function.wasm_params else "it is declared with another type than it has"


def _plain_uses(facts: AppFacts, imported: Import) -> tuple[Use, ...]:
    """Calls whose operands decide nothing: the glue passes constants of its own."""
    return tuple(Use(facts.place(call.site), Verdict.PROVED) for call in facts.calls_of(imported.module, imported.name))


def _held_uses(facts: AppFacts, imported: Import) -> Iterator[Use]:
    """Calls with a handle that was received: which it is, no code tells; the kernel looks up that it is held, and its rights."""
    for call in facts.calls_of(imported.module, imported.name):
        yield Use(facts.place(call.site), Verdict.CHECKED, "handle", "it was made or received at run time")
    yield from _escape(facts, imported, "handle", ())


def _offset_uses(facts: AppFacts, imported: Import, function: Function, grant: Grant) -> Iterator[Use]:
    granted = held(grant)
    last, width = last_offset(grant.need, function), width_in_ports(function)
    for call in facts.calls_of(imported.module, imported.name):
        operand, place = call.operands[0], facts.place(call.site)
        known = _words("offset", operand)
        if beyond(operand, last) or all_beyond(operand, last):
            yield Use(place, Verdict.REFUSED, known, f"the last that fits is {last:#x}" if last >= 0 else "none fits")
        elif fits(operand, last):
            yield Use(place, Verdict.PROVED, known, reach=_reached(operand, granted.base, width))
        else:
            yield Use(place, Verdict.CHECKED, known, "which may lie outside" if operand.bounds else "it is computed", (granted,))
    yield from _escape(facts, imported, "offset", (granted,))


def _reached(operand: Operand, base: int, width: int) -> tuple[Range, ...]:
    if operand.values:
        return joined(Range(base + known.value, width) for known in operand.values)
    low, high = operand.bounds or (0, 0)
    return (Range(base + low, high - low + width),)


def _connection_uses(facts: AppFacts, imported: Import, count: int) -> Iterator[Use]:
    for call in facts.calls_of(imported.module, imported.name):
        operand, place = call.operands[0], facts.place(call.site)
        if operand.below == (imported.module, COUNT):
            yield Use(place, Verdict.PROVED, "connection less than count")
        elif fits(operand, count - 1):
            yield Use(place, Verdict.PROVED, _words("connection", operand))
        else:
            why = f"the last that is there is {count - 1:#x}" if operand.bounds else "it is computed"
            yield Use(place, Verdict.CHECKED, _words("connection", operand), why)
    yield from _escape(facts, imported, "connection", ())


def _escape(facts: AppFacts, imported: Import, what: str, reach: tuple[Range, ...]) -> Iterator[Use]:
    escape = facts.escape_of(imported.module, imported.name)
    if escape:
        yield Use(facts.place(escape.site), Verdict.CHECKED, f"{what} unknown", f"reached by {escape.how}, where no call can be followed",
                  reach, True)


def _words(what: str, operand: Operand) -> str:
    """`offsets 0x0, 0x5`, `offset 0x0 to 0x7`."""
    if operand.values:
        return f"{what}{'s' if len(operand.values) > 1 else ''} {', '.join(f'{known.value:#x}' for known in operand.values)}"
    return f"{what} {operand.range[0]:#x} to {operand.range[1]:#x}" if operand.range else f"{what} unknown"
