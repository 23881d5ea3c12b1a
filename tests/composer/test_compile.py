"""Compiled code: the pinned settings, the same bytes every time, for any processor, and a cache that cannot lie."""

import importlib.metadata
import re

import pytest
import wasmtime
from wasmtime import _bindings

from composer import cache, compile as compiler
from composer.compile import PRIVATE_SETTINGS, SETTINGS, compile_module, compile_modules, make_config
from composer.tools import ToolFailure

ADD = '(module $m (func $add_up (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))'
FLOATS = '(module (func (export "f") (param f64) (result f64) (f64.floor (local.get 0))))'


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def compiled(monkeypatch):
    """Every module that wasmtime was asked to compile in this process."""
    seen = []
    real = compiler.compile_module
    monkeypatch.setattr(compiler, "compile_module", lambda m: (seen.append(m), real(m))[1])
    return seen


def test_the_wheel_is_the_pinned_one():
    assert importlib.metadata.version("wasmtime") == compiler._installed() == compiler.WASMTIME == "48.0.0"
    compiler.require_version()


@pytest.mark.parametrize("name", PRIVATE_SETTINGS)
def test_the_private_setters_are_still_there(name):
    """The setting without a public setter: when this fails, the pin has moved and the kernel must follow."""
    assert callable(getattr(_bindings, name))
    assert not hasattr(wasmtime.Config, name.removeprefix("wasmtime_config_").removesuffix("_set"))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_public_setting_is_a_property_of_wasmtime(name):
    assert isinstance(getattr(wasmtime.Config, name), property)


def test_the_private_settings_reach_the_compiled_code():
    """The engine's settings are written into the code, where the kernel's runtime compares them."""
    config = make_config()
    _bindings.wasmtime_config_concurrency_support_set(config.ptr(), True)
    other = wasmtime.Module(wasmtime.Engine(config), wasmtime.wat2wasm(ADD)).serialize()
    assert bytes(other) != compile_module(ADD)


def test_no_feature_of_this_machines_processor_is_used():
    """In what is serialized each flag is its name, a 2 for a boolean, and its value."""
    flags = dict(re.findall(rb"(has_\w+)\x02([\x00\x01])", compile_module(FLOATS)))
    assert {b"has_sse41", b"has_avx", b"has_avx2", b"has_avx512f", b"has_popcnt", b"has_lzcnt", b"has_bmi2", b"has_fma"} <= set(flags)
    assert set(flags.values()) == {b"\0"}


def test_the_code_is_for_the_named_target():
    code = compile_module(ADD)
    assert SETTINGS["target"].encode() in code
    assert int.from_bytes(code[18:20], "little") == 62


def test_names_stay_for_backtraces():
    assert b"add_up" in compile_module(ADD)


def test_the_same_module_gives_the_same_bytes():
    many = "(module " + "".join(f'(func (export "f{k}") (result i32) (i32.const {k}))' for k in range(300)) + ")"
    config = make_config()
    config.parallel_compilation = False
    alone = wasmtime.Module(wasmtime.Engine(config), wasmtime.wat2wasm(many)).serialize()
    assert compile_module(many) == compile_module(many) == bytes(alone)


def test_text_and_binary_of_one_module_are_one_code():
    wasm = bytes(wasmtime.wat2wasm(ADD))
    made = compile_modules({"app/text": ADD, "app/binary": wasm})
    assert made["app/text"] == made["app/binary"] == compile_module(wasm)
    assert list(made) == ["app/binary", "app/text"]


def test_what_was_compiled_once_is_not_compiled_again(compiled):
    first = compile_modules({"app/a": ADD, "app/b": FLOATS, "glue/a": ADD})
    assert sorted(compiled) == sorted([ADD, FLOATS])
    assert compile_modules({"app/a": ADD, "app/b": FLOATS, "glue/a": ADD}) == first
    assert len(compiled) == 2


def test_other_settings_are_another_entry(compiled, monkeypatch):
    compile_modules({"app/a": ADD})
    monkeypatch.setitem(SETTINGS, "memory_guard_size", 64 << 20)
    compiler._engine.cache_clear()
    compile_modules({"app/a": ADD})
    compiler._engine.cache_clear()
    assert compiled == [ADD, ADD]


def test_damaged_code_in_the_cache_is_compiled_again(compiled):
    first = compile_modules({"app/a": ADD})
    for path in (cache.root() / "objects").iterdir():
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert compile_modules({"app/a": ADD}) == first
    assert compiled == [ADD, ADD]


def test_many_large_modules_are_compiled_in_processes(compiled, monkeypatch):
    monkeypatch.setattr(compiler, "POOL_BYTES", 1)
    made = compile_modules({"app/a": ADD, "app/b": FLOATS})
    assert compiled == [], "this process compiled nothing itself"
    assert made == {"app/a": compile_module(ADD), "app/b": compile_module(FLOATS)}


def test_one_module_needs_no_pool(compiled, monkeypatch):
    monkeypatch.setattr(compiler, "POOL_BYTES", 1)
    compile_modules({"app/a": ADD})
    assert compiled == [ADD]


INVALID = {"text": "(module (func (result i32)))", "not even wat": "(modul", "binary": b"\0asm\1\0\0\0\x0a\xff", "nothing": b""}


@pytest.mark.parametrize(("case", "pool_bytes"), [*((case, 1 << 30) for case in INVALID), ("binary", 1)])
def test_what_wasmtime_refuses_is_named(case, pool_bytes, monkeypatch):
    monkeypatch.setattr(compiler, "POOL_BYTES", pool_bytes)
    with pytest.raises(ToolFailure) as failure:
        compile_modules({"app/good": ADD, "app/bad": INVALID[case], "glue/worse": "(module (memory 1) (memory 70000))"})
    assert failure.value.tool == "wasmtime"
    assert failure.value.message == "cannot compile `app bad`, `glue of worse`"
    assert failure.value.output.startswith("app bad: ") and len(failure.value.output) > 20


def test_what_is_sound_is_kept_although_another_fails(compiled):
    with pytest.raises(ToolFailure):
        compile_modules({"app/good": ADD, "app/bad": b""})
    compile_modules({"app/good": ADD})
    assert compiled.count(ADD) == 1


def test_another_wasmtime_is_refused_before_it_compiles(monkeypatch):
    monkeypatch.setattr(compiler, "_installed", lambda: "49.0.0")
    with pytest.raises(ToolFailure, match="49.0.0"):
        compile_modules({"app/a": ADD})
