"""A script of faults for `munal simulate --faults FILE`: TOML that says what goes wrong with which device, and what people do at others.

Gets the file and the system that is to run; gives what happens, or all that is wrong with the script, at the line that says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from composer.diagnostics import Diagnostic, at, declare, did_you_mean, error, words
from composer.fit import fit
from composer.load import Document, read_document
from composer.result import Result
from composer.shapes import Shape
from composer.simulate.faults import Fault, Plan, Typed
from composer.simulate.known import simulated
from composer.system import System
from composer.toml_spans import Node
from composer.units import M0106, M0107, Complaint, parse_duration

M0601 = declare("M0601", "a script of faults names who drives no simulated device")
M0602 = declare("M0602", "a fault that the simulated device cannot have")

MOST = 1000
"""Faults of a script, inputs of one, and events of an input, each."""
LAST = 1_000_000
ALWAYS = "always"


def _check_times(written: object) -> int:
    """How many times; 0 for always."""
    if written == ALWAYS:
        return 0
    if type(written) is not int:
        raise Complaint(M0106, f"expected a number of times or `{ALWAYS}`", 'write a number like 1, or "always"')
    if not 1 <= written <= LAST:
        raise Complaint(M0107, f"nothing happens {written} times", f"between 1 and {LAST:,} times are possible, or \"{ALWAYS}\"")
    return written


def _check_event(numbers: list[int]) -> list[int]:
    if not all(0 <= number <= 0xFFFF for number in numbers[:2]):
        raise Complaint(M0107, "type and code of an event are from 0 to 65535", "write `[type, code, value]`, as in `[1, 30, 1]`")
    return numbers


Occasions = Annotated[int, Field(ge=0, le=LAST)]
Times = Annotated[int, BeforeValidator(_check_times)]
Value = Annotated[int, Field(ge=-(1 << 31), le=(1 << 31) - 1)]
Event = Annotated[list[Value], Field(min_length=3, max_length=3), AfterValidator(_check_event)]


class FaultTable(Shape):
    instance: str = Field(description="who drives the device")
    kind: str = Field(description="what goes wrong")
    after: Occasions = Field(default=0, description="on how many occasions before that all goes right")
    times: Times = Field(default=1, description='on how many it goes wrong, or "always"')
    number: Annotated[int, Field(ge=0, le=0xFFFF_FFFF)] | None = Field(default=None, description="for kinds that have one")


class InputTable(Shape):
    instance: str = Field(description="who drives the keyboard, mouse or tablet")
    at: Annotated[int, BeforeValidator(parse_duration)] = Field(description="how long after power-on")
    events: Annotated[list[Event], Field(min_length=1, max_length=MOST)] = Field(description="type, code and value of each, as Linux numbers them")


class ScriptFile(Shape):
    """Its parts are fitted each by itself, so that what is wrong with all of them is said at once."""

    fault: Annotated[list[dict[str, Any]], Field(max_length=MOST)] = Field(default=[], description="what goes wrong")
    input: Annotated[list[dict[str, Any]], Field(max_length=MOST)] = Field(default=[], description="what is pressed and moved")


def read_script(path: Path, system: System) -> Result[Plan]:
    """What a script has happen in a simulation of the system. No value where anything in it is wrong."""
    document = read_document(path.parent, path.name)
    return document.then(_read, system)


def _read(document: Document, system: System) -> Result[Plan]:
    file = fit(document.tree, ScriptFile)
    if isinstance(file, list):
        return Result(None, tuple(file))
    said: list[Diagnostic] = []
    known = {instance.name: made for instance in system.instances if (made := simulated(instance))}
    faults = [found for node in _listed(document, "fault") if (found := _fault(node, known, said))]
    typed = [found for node in _listed(document, "input") if (found := _typed(node, known, said))]
    return Result(None if said else Plan(tuple(faults), tuple(typed)), tuple(said))


def _listed(document: Document, key: str) -> Iterator[Node]:
    node = document.tree.get(key)
    yield from node.value if node else ()


def _fault(node: Node, known: Mapping[str, type[Any]], said: list[Diagnostic]) -> Fault | None:
    shape = fit(node, FaultTable, "fault")
    if isinstance(shape, list):
        said.extend(shape)
        return None
    device = _device(node, shape.instance, known, said)
    kinds: Mapping[str, str] = device.FAULTS if device else {}
    if device and shape.kind not in kinds:
        said.append(error(M0602, f"the device of `{shape.instance}` has no fault `{shape.kind[:48]}`", at(node.table["kind"].span),
                          help=did_you_mean(shape.kind, list(kinds)) or f"it has {words(list(kinds))}"))
    elif device and shape.number is not None and "`number`" not in kinds[shape.kind]:
        said.append(error(M0602, f"`{shape.kind}` has no number", at(node.table["number"].span), at(node.table["kind"].span, kinds[shape.kind]), help="leave it out"))
    return Fault(shape.instance, shape.kind, shape.after, shape.times or None, shape.number)


def _typed(node: Node, known: Mapping[str, type[Any]], said: list[Diagnostic]) -> Typed | None:
    shape = fit(node, InputTable, "input")
    if isinstance(shape, list):
        said.extend(shape)
        return None
    device = _device(node, shape.instance, known, said)
    if device and not hasattr(device, "tell"):
        others = [name for name, made in known.items() if hasattr(made, "tell")]
        said.append(error(M0602, f"nothing is pressed or moved on the device of `{shape.instance}`", at(node.table["instance"].span),
                          help=f"it is on {words(others)}" if others else "no instance drives a simulated keyboard, mouse or tablet"))
    return Typed(shape.instance, shape.at, tuple((kind, code, value) for kind, code, value in shape.events))


def _device(node: Node, name: str, known: Mapping[str, type[Any]], said: list[Diagnostic]) -> type[Any] | None:
    """The simulated device that an instance drives; says so where there is none."""
    if name not in known:
        advice = did_you_mean(name, list(known)) or (f"those that do are {words(list(known))}" if known else "no instance of this system does")
        said.append(error(M0601, f"`{name[:48]}` drives no simulated device", at(node.table["instance"].span), help=advice))
    return known.get(name)
