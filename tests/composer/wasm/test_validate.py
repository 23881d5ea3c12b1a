"""What wasmtime refuses is worded for a person, with the same features that modules are compiled with."""

from __future__ import annotations

import pytest

from composer.compile import SETTINGS
from composer.wasm.cursor import WasmError
from composer.wasm.validate import ABSENT, validate
from tests.composer.wasm.encode import wat


def test_no_feature_is_valid_here_that_compiling_has_off() -> None:
    off = {name for name, value in SETTINGS.items() if value is False and name.startswith(("wasm_", "shared_"))}
    assert off - {"wasm_component_model"} <= set(ABSENT)


def test_what_the_kernel_runs_is_valid() -> None:
    validate(wat("""(module (memory 1) (table 1 funcref) (func $f (param i32) (result i32 i64) (local.get 0) (i64.const 1))
      (func (export "_start") (drop (drop (call $f (i32.extend8_s (i32.trunc_sat_f32_s (f32.const 1))))))
        (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)) (drop (i32x4.splat (i32.const 1))) (return_call $e))
      (func $e))"""))


@pytest.mark.parametrize(("text", "feature"), [
    ("(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))", "threads"),
    ("(module (func (try_table)))", "exception handling"),
    ("(module (func $f (drop (ref.as_non_null (ref.func $f)))) (elem declare func $f))", "typed function references"),
    ("(module (func (param externref)))", "garbage collection"),
    ("(module (type (struct)))", "garbage collection"),
    ("(module (global $a i32 (i32.const 1)) (global i32 (global.get $a)))", "garbage collection"),
    ("(module (memory i64 1))", "memory64"),
    ("(module (memory 1) (memory 1))", "multi-memory"),
    ("(module (func (drop (drop (i64.mul_wide_s (i64.const 1) (i64.const 1))))))", "wide arithmetic"),
])
def test_a_missing_feature_is_named(text: str, feature: str) -> None:
    with pytest.raises(WasmError) as caught:
        validate(wat(text))
    assert caught.value.feature == feature


def test_wrong_types_are_damage_at_an_offset() -> None:
    data = wat("(module (func (drop (i32.add (i32.const 1) (i32.const 2)))))").replace(b"\x41\x02\x6a", b"\x01\x01\x6a")
    with pytest.raises(WasmError, match="type mismatch") as caught:
        validate(data)
    assert caught.value.feature is None
    assert data[caught.value.offset] == 0x6A
    assert "\n" not in caught.value.message
