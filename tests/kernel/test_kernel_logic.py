"""The kernel's decisions that need no machine: table, grants, scheduling, rings, addresses, tables of the firmware."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rust import passed_tests

KERNEL = Path(__file__).resolve().parents[2] / "kernel"


@pytest.mark.slow
def test_logic_of_the_kernel(tmp_path: Path) -> None:
    (count,) = passed_tests(KERNEL / "Cargo.toml", tmp_path, "-p", "munal-logic", "--features", "munal-logic/lab")
    modules = [path for path in (KERNEL / "logic" / "src").glob("*.rs") if "#[cfg(test)]" in path.read_text()]
    assert count >= len(modules) > 8
