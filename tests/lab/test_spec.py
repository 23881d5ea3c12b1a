"""WebAssembly's own testsuite inside the booted kernel: nothing fails, and no script shrinks without anyone's notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.spec import DEPENDENT, SHARED, SUPERSEDED, THROWS
from tests.lab.spec_run import Results, run, summary, table

pytestmark = [pytest.mark.slow, pytest.mark.boot, pytest.mark.xdist_group("boot")]

EXPECTED = Path(__file__).with_name("expected_spec.txt")
REASONS = ("the composer refuses ", "a value of type ", THROWS, SHARED, SUPERSEDED, DEPENDENT)


@pytest.fixture(scope="module")
def results() -> Results:
    return run()


def test_the_testsuite_passes_in_the_kernel(results: Results) -> None:
    assert results.failures == []
    assert results.rounds > 0, "nothing was preempted"


def test_every_skip_has_its_reason(results: Results) -> None:
    assert [reason for reason in results.skipped if not reason.startswith(REASONS)] == []


def test_no_script_shrinks(results: Results, bless: bool) -> None:
    found = table(results)
    if bless:
        EXPECTED.write_text(found)
    assert found == EXPECTED.read_text(), summary(results)
