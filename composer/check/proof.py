"""The rule about proofs that a profile demands: `proof = "required"` leaves nothing to be checked while the system runs.

Gets the resolved system and its apps' facts; gives an error for each use that proof.py cannot prove. What other rules
refuse is theirs to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from composer.check.binaries import SHOWN_CALLS, field_span
from composer.diagnostics import Diagnostic, Label, at, error, rule
from composer.proof import Operation, Proof, Use, Verdict, held, last_offset, prove
from composer.system import Demand, Need, System
from composer.wasm.facts import AppFacts


@rule("M0325", "an operation that must be proved is not")
def check_proofs(system: System, facts: Mapping[str, AppFacts]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each operation, of an instance whose proof is required, that is only checked at run time."""
    proofs = prove(system, facts) if any(instance.proof for instance in system.instances) else ()
    for proof in proofs:
        for operation in proof.operations:
            if proof.instance.proof and operation.verdict is Verdict.CHECKED:
                yield _unproved(proof, operation, proof.instance.proof)


def _unproved(proof: Proof, operation: Operation, demand: Demand) -> Diagnostic:
    open_uses = [use for use in operation.uses if use.verdict is Verdict.CHECKED]
    more = len(open_uses) - SHOWN_CALLS
    counted = (f"{more} more place{'s' if more > 1 else ''} where this is so",) if more > 0 else ()
    return error(
        "M0325", f"`{proof.instance.name}` must be proved, but its `{operation.name}` is only checked at run time",
        *(at(use.place, f"{use.known}: {use.why}") for use in open_uses[:SHOWN_CALLS]), *_bounds(proof, operation),
        at(demand.span, f"a proof is required of `{proof.instance.name}`"),
        help=_advice(operation, open_uses), notes=(*counted, *demand.notes, *(operation.grant.notes if operation.grant else ())),
    )


def _bounds(proof: Proof, operation: Operation) -> Iterator[Label]:
    """What the operand has to fit into: the grant and the need's length, or the provide."""
    party, grant = operation.party, operation.grant
    if isinstance(party, Need) and grant:
        yield at(field_span(party, "length"), f"offsets are less than {party.fields['length']}")
        yield at(grant.spans.get("base", grant.span), f"`{proof.instance.name}` holds {held(grant)}")
    elif party:
        yield at(party.span, "one connection for each client that is wired to this")


def _advice(operation: Operation, uses: list[Use]) -> str:
    name = operation.function.name
    if any(use.escapes for use in uses):
        return f"call {name} directly, and never through a pointer to it: do not export it, take its address or keep it in a table"
    if isinstance(operation.party, Need):
        last = last_offset(operation.party, operation.function)
        return (f"pass a constant, or compare right before the call: `if offset <= {last}` around it makes this a proof; "
                "or set `proof = \"optional\"`")
    return f"compare right before the call: `if connection < count()` around {name} makes this a proof; or set `proof = \"optional\"`"
