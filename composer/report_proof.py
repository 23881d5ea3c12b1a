"""What `munal proof` prints: each instance's operations with their verdicts, as text for a person or plain values for JSON.

Gets the proofs of a system; gives strings and values, and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from composer.device import which
from composer.proof import Operation, Proof, Use, Verdict
from composer.render import escape
from composer.spans import WasmPlace
from composer.system import Grant, Range

VERBS = (("r", "reads"), ("w", "writes"))
_COLOURS = {Verdict.PROVED: "\x1b[32m", Verdict.CHECKED: "\x1b[33m", Verdict.REFUSED: "\x1b[31m"}
_BOLD, _RESET = "\x1b[1m", "\x1b[0m"


def to_text(name: str, proofs: Sequence[Proof], *, sites: bool = False, color: bool = False) -> str:
    """A table an instance, under a line that counts; with `sites`, every place in the code and not only those without proof."""
    rows = [_row(operation) for proof in proofs for operation in proof.operations]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    parts = [f"{name}: {len(proofs)} instance{'' if len(proofs) == 1 else 's'}, {_counted([o for p in proofs for o in p.operations])}"]
    parts += ["\n".join(_instance(proof, widths, sites, color)) for proof in proofs]
    return "\n\n".join(parts)


def _instance(proof: Proof, widths: list[int], sites: bool, color: bool) -> Iterator[str]:
    title = f"{proof.instance.name}, an instance of {proof.instance.app.name}"
    yield f"{_BOLD}{title}{_RESET}: {_counted(proof.operations)}" if color else f"{title}: {_counted(proof.operations)}"
    reached = [f"{verb} {_ranges(ports)}" for access, verb in VERBS if (ports := proof.ports(access))]
    if reached:
        yield f"  ports: {'; '.join(reached)}"
    for operation in proof.operations:
        cells = [cell.ljust(width) for cell, width in zip(_row(operation), widths, strict=True)]
        if color:
            cells[2] = f"{_COLOURS[operation.verdict]}{cells[2]}{_RESET}"
        yield f"  {'  '.join(cells)}".rstrip()
        yield from (f"      {escape(_site(use))}" for use in operation.uses if sites or use.verdict is not Verdict.PROVED)


def _row(operation: Operation) -> tuple[str, str, str, str]:
    return operation.name, operation.function.raw or "", operation.verdict.value, operation.refusal or _known(operation)


def _known(operation: Operation) -> str:
    """What is known of all calls together."""
    if operation.function.glue == "held":
        return "a handle that it made or received: the kernel looks up whether it holds it, and its rights"
    if operation.function.glue not in ("offset", "connection"):
        return f"by construction: {_object(operation)}"
    known = {use.known for use in operation.uses}
    what = f"reaches {_ranges(operation.reach)}" if operation.reach else known.pop() if len(known) == 1 else ""
    calls = sum(not use.escapes for use in operation.uses)
    return ", ".join(filter(None, (what, f"{calls} call{'' if calls == 1 else 's'}")))


def _object(operation: Operation) -> str:
    """What the glue's constant, or the kernel's table of the instance's own handles, stands for."""
    value = operation.grant.value if operation.grant else None
    if operation.grant and operation.grant.need.capability == "device":
        return _device(operation.grant)
    if not value:
        return "one handle, the glue's" if operation.party else "nothing but the instance's own"
    return ", ".join(_words(key, each) for key, each in value.items())


def _device(grant: Grant) -> str:
    """Which device the handle stands for; what is written to it is no matter of its code alone."""
    fields, skip = grant.need.fields, (grant.value or {}).get("skip", 0)
    kinds = " or ".join(map(str, fields["matches"]))
    return f"{', '.join((kinds, *which(grant.slot, skip)))}; the kernel judges each write by {fields['model']}"


def _words(key: str, value: Any) -> str:
    if key == "from":
        return str(value)
    return f"{key} {', '.join(value) if isinstance(value, tuple) else value}"


def _site(use: Use) -> str:
    return f"{use.place}: {'; '.join(filter(None, (use.known, use.why)))}".removesuffix(": ")


def _ranges(ranges: Sequence[Range]) -> str:
    return ", ".join(map(str, ranges))


def _counted(operations: Sequence[Operation]) -> str:
    """`12 operations, all proved`, or how many of each verdict."""
    verdicts = [operation.verdict for operation in operations]
    counts = [(verdicts.count(verdict), verdict.value) for verdict in Verdict]
    total = f"{len(verdicts)} operation{'' if len(verdicts) == 1 else 's'}"
    if not verdicts or counts[0][0] == len(verdicts):
        return f"{total}, all proved" if verdicts else total
    return f"{total}: {', '.join(f'{count} {word}' for count, word in counts if count)}"


def to_data(name: str, proofs: Sequence[Proof]) -> dict[str, Any]:
    """Everything, with each place in the code."""
    return {"profile": name, "instances": [_instance_data(proof) for proof in proofs]}


def _instance_data(proof: Proof) -> dict[str, Any]:
    return {
        "instance": proof.instance.name, "app": proof.instance.app.name, "verdict": proof.verdict.value,
        "proof": "required" if proof.instance.proof else "optional",
        "ports": {verb: [_range_data(ports) for ports in proof.ports(access)] for access, verb in VERBS},
        "operations": [_operation_data(operation) for operation in proof.operations],
    }


def _operation_data(operation: Operation) -> dict[str, Any]:
    party = operation.party
    return {
        "capability": party.capability if party else operation.always, "name": party.name if party else None, "function": operation.function.name,
        "raw": operation.function.raw, "verdict": operation.verdict.value, "refusal": operation.refusal or None,
        "reach": [_range_data(reach) for reach in operation.reach],
        "uses": [{**_place_data(use.place), "verdict": use.verdict.value, "known": use.known or None, "why": use.why or None,
                  "escapes": use.escapes} for use in operation.uses],
    }


def _place_data(place: WasmPlace) -> dict[str, Any]:
    return {"path": place.path, "function": place.function, "offset": place.offset}


def _range_data(ports: Range) -> dict[str, int]:
    return {"base": ports.base, "length": ports.length}
