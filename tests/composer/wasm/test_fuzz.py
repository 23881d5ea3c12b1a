"""The fuzz driver, for a fixed number of executions; run it by hand for hours (tests/fuzz/fuzz_wasm_reader.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.wasm.cursor import WasmError
from tests.composer.wasm.encode import HEADER
from tests.fuzz.fuzz_wasm_reader import read_all, seeds

DRIVER = Path(__file__).resolve().parents[2] / "fuzz" / "fuzz_wasm_reader.py"


def test_damaged_binaries_are_refused_and_nothing_else_happens() -> None:
    done = subprocess.run([sys.executable, DRIVER, "--executions", "4000", "--seed", "4"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout)
    assert (tally["executions"], tally["crashes"], tally["disagreements"]) == (4000, 0, 0)
    assert tally["memory_growth_mib"] < 64


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(data: bytes, headed: bool) -> None:
    read_or_refuse(HEADER + data if headed else data)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2), st.data())
def test_a_binary_cut_anywhere_with_any_bytes_put_in_is_read_or_refused(which: int, data: st.DataObject) -> None:
    whole = seeds()[which]
    at = data.draw(st.integers(8, len(whole)))
    read_or_refuse(whole[:at] + data.draw(st.binary(max_size=12)) + whole[at + data.draw(st.integers(0, 12)):])


def test_the_seeds_are_read() -> None:
    for seed in seeds():
        read_all(seed)


def read_or_refuse(data: bytes) -> None:
    try:
        read_all(data)
    except WasmError as fault:
        assert 0 <= fault.offset <= len(data)
        assert fault.message
