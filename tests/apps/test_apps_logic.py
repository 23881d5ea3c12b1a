"""What apps do beside calling the kernel, tested by cargo on this machine: dates, line editing, tables of the firmware."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer import fat
from tests.rust import passed_tests

APPS = Path(__file__).resolve().parents[2] / "apps"


@pytest.mark.slow
def test_logic_of_apps(tmp_path: Path) -> None:
    fat.require_mtools()
    fat.require_checker()
    counts = passed_tests(APPS / "Cargo.toml", tmp_path, "--workspace")
    tested = list(APPS.glob("*/*/src/lib.rs"))
    assert len(counts) == len(tested) and all(counts)
