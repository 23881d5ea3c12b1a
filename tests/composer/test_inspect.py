"""The stage inspect: facts by content, code read only where it matters, and no exception for any file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from composer import inspect as stage
from composer.inspect import inspect
from composer.system import Access
from composer.wasm import gather
from composer.wasm.facts import AppFacts, Fault, from_json, to_json
from tests.composer.systems import app, instance, need, system
from tests.composer.wasm.encode import driver, wat

UART = app("uart", need("port", "regs"))
TALKER = app("talker", need("stream", "console", access=Access.WRITE))
TALKS = """(module (import "munal:stream/console" "{0}" (func $f (param i32 i32) (result i32))) (memory (export "memory") 1)
  (func (export "_start") (drop (call $f (i32.const 0) (i32.const 1)))))"""


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))


def facts_of(of, data: bytes, folder: Path) -> AppFacts:
    file = folder / "some.wasm"
    file.write_bytes(data)
    result = inspect(system(instance("one", of)), {of.name: file})
    assert result.ok
    return result.value[of.name]


def count_gathering(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether code was read, for each time that a binary is read at all."""
    seen: list[bool] = []
    real = gather.gather

    def counting(name: str, path: str, data: bytes, traced: bool) -> AppFacts:
        seen.append(traced)
        return real(name, path, data, traced)

    monkeypatch.setattr(gather, "gather", counting)
    return seen


def test_a_driver_is_traced_and_then_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = count_gathering(monkeypatch)
    first = facts_of(UART, driver("(call $write8 (i32.const 3) (i32.const 1))"), tmp_path)
    assert (first.app, first.path, first.traced) == ("uart", "uart.wasm", True)
    assert [(c.name, c.operands[0].bounds) for c in first.calls] == [("write8", (3, 3))]
    assert seen == [False, True]
    assert facts_of(UART, driver("(call $write8 (i32.const 3) (i32.const 1))"), tmp_path) == first
    assert seen == [False, True]


def test_the_same_binary_of_another_app_is_known_under_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = driver("(call $write8 (i32.const 3) (i32.const 1))")
    facts_of(UART, data, tmp_path)
    seen = count_gathering(monkeypatch)
    other = facts_of(app("twin", need("port", "regs")), data, tmp_path)
    assert (other.app, other.path, seen) == ("twin", "twin.wasm", [])


def test_code_without_hardware_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = count_gathering(monkeypatch)
    assert not facts_of(TALKER, wat(TALKS.format("write")), tmp_path).traced
    assert seen == [False]


@pytest.mark.parametrize("function", ["read", "wriite"])
def test_code_is_read_to_say_who_calls_what_is_refused(function: str, tmp_path: Path) -> None:
    facts = facts_of(TALKER, wat(TALKS.format(function)), tmp_path)
    assert [(c.name, c.site.function) for c in facts.calls] == [(function, "_start")]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    one = facts_of(UART, driver("(call $write8 (i32.const 3) (i32.const 1))"), tmp_path)
    two = facts_of(UART, driver("(call $write8 (i32.const 4) (i32.const 1))"), tmp_path)
    assert (one.calls[0].operands[0].bounds, two.calls[0].operands[0].bounds) == ((3, 3), (4, 4))


def test_a_damaged_cache_entry_is_made_anew(tmp_path: Path) -> None:
    data = driver("(call $write8 (i32.const 3) (i32.const 1))")
    first = facts_of(UART, data, tmp_path)
    for file in (tmp_path / "cache" / "objects").iterdir():
        file.write_bytes(b"{}")
    assert facts_of(UART, data, tmp_path) == first


def test_what_is_wrong_with_a_file_is_a_fact_and_kept_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = count_gathering(monkeypatch)
    for _ in range(2):
        assert facts_of(UART, b"\x7fELF", tmp_path).fault == Fault(
            "it is an ELF file: machine code for one processor, or wasm compiled ahead of time", 0)
    assert seen == [False]


def test_types_are_proved_by_wasmtime(tmp_path: Path) -> None:
    data = wat('(module (func (export "_start") (drop (i32.const 1)) (nop)))').replace(b"\x41\x01\x1a\x01", b"\x01\x01\x1a\x01")
    fault = facts_of(TALKER, data, tmp_path).fault
    assert fault is not None
    assert "type mismatch" in fault.message
    assert data[fault.offset] == 0x1A


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    result = inspect(system(instance("one", UART)), {"uart": tmp_path / "none.wasm"})
    assert result.value["uart"].fault.message == "the file cannot be read: No such file or directory"


def test_an_app_without_a_file_has_no_facts(tmp_path: Path) -> None:
    assert inspect(system(instance("one", UART)), {}).value == {}


def test_facts_come_back_from_json(tmp_path: Path) -> None:
    more = """(func $set (param i32) (call $write8 (local.get 0) (i32.const 1))) (table 1 funcref) (elem (i32.const 1) $read8)
      (memory (export "memory") 2 4)"""
    body = "(call $set (i32.const 3)) (drop (call $read8 (i32.and (i32.load (i32.const 0)) (i32.const 7))))"
    facts = facts_of(UART, driver(body, more), tmp_path)
    assert facts.memory == (2, 4)
    assert [len(part) for part in (facts.imports, facts.exports, facts.calls, facts.escapes, facts.strays)] == [2, 2, 2, 1, 1]
    assert len(facts.listing) == 4
    assert from_json(to_json(facts), facts.app, facts.path) == facts


def test_known_facts_load_neither_wasmtime_nor_the_reader(tmp_path: Path) -> None:
    """`munal check` of unchanged input has 0.2 s: what takes long to import must not be imported."""
    file = tmp_path / "uart.wasm"
    file.write_bytes(driver("(call $write8 (i32.const 3) (i32.const 1))"))
    facts_of(UART, file.read_bytes(), tmp_path)
    script = f"""
import sys
from pathlib import Path
from composer.inspect import inspect
from tests.composer.systems import app, instance, need, system
found = inspect(system(instance("one", app("uart", need("port", "regs")))), {{"uart": Path({str(file)!r})}})
assert found.value["uart"].traced
print([name for name in sys.modules if name == "wasmtime" or name.startswith("composer.wasm.")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(stage.__file__).parents[1])
    assert done.stdout.strip() == "['composer.wasm.facts']"

