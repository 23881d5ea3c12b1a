"""Random programs run in wasmtime: what they pass to an import must be among what was claimed of that call."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.wasm.gather import gather
from tests.composer.wasm.programs import Program, allows, claims, run


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32))
def test_nothing_is_claimed_that_running_contradicts(seed: int) -> None:
    program = Program(Random(seed))
    facts = gather("app", "app.wasm", program.binary, traced=True)
    assert facts.fault is None, facts.fault
    claimed = claims(facts)
    for call, value in run(program.binary, Random(seed)):
        assert call in claimed, f"call {call} ran, but was held to be unreachable\n{program.text}"
        assert allows(claimed[call], value), f"call {call} wrote {value:#x}, claimed was {claimed[call]}\n{program.text}"


def test_the_programs_do_show_something() -> None:
    """Programs that claim nothing or run nothing would prove nothing."""
    known = ran = below = 0
    for seed in range(80):
        program = Program(Random(seed))
        claimed = claims(gather("app", "app.wasm", program.binary, traced=True))
        known += sum(operand.bounds is not None for operand in claimed.values())
        below += sum(operand.below is not None for operand in claimed.values())
        ran += len({call for call, _ in run(program.binary, Random(seed))})
    assert known > 60
    assert ran > 60
    assert below > 0
