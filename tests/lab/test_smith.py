"""Random modules do the same in the kernel as under wasmtime on this machine; all in one boot, beside a neighbour.

The suite runs a tenth; `python -m tests.lab smith` runs all of them.
"""

from __future__ import annotations

import pytest

from tests.lab import smith_run
from tests.lab.smith_run import ALL, Results

pytestmark = [pytest.mark.slow, pytest.mark.boot, pytest.mark.xdist_group("boot")]

COUNT = ALL // 10


@pytest.fixture(scope="module")
def results() -> Results:
    return smith_run.run(0, COUNT)


def test_random_modules_do_the_same_as_on_this_machine(results: Results) -> None:
    assert results.failures == []
    assert (results.modules, results.passed) == (COUNT, results.outcomes.total())
    assert results.rounds > 0, "nothing was preempted"


def test_what_they_do_is_of_many_kinds(results: Results) -> None:
    """Else their being equal would say little: most calls give values, and traps of most kinds and both limits occur."""
    assert results.outcomes["values"] > COUNT
    told = " ".join(results.outcomes)
    assert [words for words in ("unreachable", "out of bounds memory access", "out of bounds table access", "integer divide by zero",
                                "invalid conversion to integer", "uninitialized element", "exceeds memory limits", "exceeds table limits") if words not in told] == []
