"""Without any one of its rules the composer fails its tests; and it fails them with most smaller slips in the rules, too.

`python -m tests.mutation` runs every small mutant and prints a table; here is a fixed sample of those.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from composer.check import every_rule
from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.mutants import Mutant
from tests.mutation.run import deleted, is_equivalent, small_mutants, unchanged
from tests.mutation.suite import Suite

pytestmark = [pytest.mark.mutation, pytest.mark.slow]

SAMPLE, SEED = 60, 1


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    made = Suite(tmp_path_factory.mktemp("mutation") / "copy")
    yield made
    made.close()


def test_the_copy_passes_unchanged(suite: Suite) -> None:
    """Else everything would count as found."""
    assert suite.judge(unchanged("composer/check/ports.py")).verdict == "passed"


@pytest.mark.parametrize("code", [rule.code for rule in every_rule()])
def test_the_suite_fails_without_each_rule(suite: Suite, code: str) -> None:
    mutants = deleted(code)
    assert mutants, f"nothing says {code}"
    for mutant in mutants:
        verdict = suite.judge(mutant)
        assert not verdict.survived, f"{mutant} was not noticed"


@pytest.mark.parametrize("mutant", Random(SEED).sample(small_mutants("composer/check"), SAMPLE), ids=lambda mutant: f"{mutant.module}:{mutant.line}")
def test_the_suite_fails_with_a_slip_in_a_rule(suite: Suite, mutant: Mutant) -> None:
    verdict = suite.judge(mutant)
    assert not verdict.survived, f"{mutant} was not noticed"


def test_what_is_called_equivalent_is_still_there() -> None:
    """An entry that fits no mutant is about code that has gone."""
    fitting = {(mutant.module, mutant.key) for module in {module for module, _ in EQUIVALENT} for mutant in small_mutants(module, all=True) if is_equivalent(mutant)}
    assert fitting == set(EQUIVALENT)
