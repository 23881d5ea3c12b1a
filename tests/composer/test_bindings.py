"""Bindings: exactly what needs allow, under the modules and types of the interfaces, whatever names are chosen."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.bindings import RUST_KEYWORDS, c_header, rust_bindings
from composer.interfaces import load_interfaces
from composer.system import Access, App
from tests.composer.systems import app, need, provide

INTERFACES = load_interfaces()

EVERYTHING = app(
    "everything",
    need("port", "regs", widths=(8, 16, 32)), need("irq", "line"), need("stream", "console"), need("service", "rtc"),
    need("mmio", "memory", widths=(8, 16, 32, 64)), need("log", "out"), need("clock", "time"), need("acpi", "tables"), need("pci", "functions"), need("framebuffer", "picture"), need("files", "home", access="rw"), need("device", "card"), need("audit", "all"), need("control", "some"),
    provide("stream", "serial"), provide("service", "time"), need("channel", "jobs"), need("random", "bytes"), need("wall", "date"), provide("channel", "work"), provide("files", "tree"))

IMPORT = re.compile(r'wasm_import_module = "([^"]+)"\)\]\s+unsafe extern "C" \{\s+#\[link_name = "([^"]+)"\]')
C_IMPORT = re.compile(r'import_module\("([^"]+)"\), import_name\("([^"]+)"\)')


def imports(made: App) -> dict[str, set[str]]:
    """What the Rust bindings of an app can import, by module; the C header can import the same."""
    rust, c = IMPORT.findall(rust_bindings(made, INTERFACES)), C_IMPORT.findall(c_header(made, INTERFACES))
    assert sorted(rust) == sorted(c)
    assert len(set(rust)) == len(rust)
    found: dict[str, set[str]] = {}
    for module, function in rust:
        found.setdefault(module, set()).add(function)
    return found


def test_every_interface_has_every_function() -> None:
    found = imports(EVERYTHING)
    for capability in INTERFACES.capabilities.values():
        modules = [m for m in found if re.fullmatch(f"munal:{capability.name}(/.+)?", m)]
        servers = [m for m in found if m.startswith(f"munal:{capability.name}-server/")]
        assert [found[m] for m in modules] == [set(capability.client)], capability.name
        assert [found[m] for m in servers] == ([set(capability.server)] if capability.server else []), capability.name


@pytest.mark.parametrize(("access", "widths", "functions"), [
    (Access.READ, (8,), {"read8"}),
    (Access.WRITE, (8,), {"write8"}),
    (Access.BOTH, (8,), {"read8", "write8"}),
    (Access.BOTH, (16, 32), {"read16", "write16", "read32", "write32"}),
])
def test_a_port_has_the_functions_of_its_access_and_widths(access: Access, widths: tuple[int, ...], functions: set[str]) -> None:
    made = app("a", need("port", "regs", access=access, widths=widths))
    assert imports(made)["munal:port/regs"] == functions | {"base", "granted"}


def test_a_stream_has_the_functions_of_its_access() -> None:
    made = app("a", need("stream", "in-only", access=Access.READ), need("stream", "out_only", access=Access.WRITE))
    assert imports(made)["munal:stream/in-only"] == {"read", "try_read", "peek", "skip", "handle", "granted"}
    assert imports(made)["munal:stream/out_only"] == {"write", "try_write", "flush", "handle", "granted"}


def test_an_app_that_asks_for_nothing_can_only_wait_yield_and_end() -> None:
    assert imports(app("a")) == {"munal:sip": {"wait", "yield", "exit"}}


def test_a_panic_goes_to_the_log_where_there_is_one() -> None:
    assert "Some(|text| log::out.write(text))" in rust_bindings(EVERYTHING, INTERFACES)
    assert "LAST_WORDS: Option<fn(&[u8])> = None;" in rust_bindings(app("a"), INTERFACES)


def test_rust_signatures_follow_the_interface() -> None:
    text = rust_bindings(EVERYTHING, INTERFACES)
    for signature in (
        "pub fn read8(self, offset: u16) -> u8 {",
        "pub fn write16(self, offset: u16, value: u16) {",
        "pub fn wait(self, timeout: i64) -> Result<u32, Error> {",
        "pub fn wait(polls: &mut [Poll], timeout: i64) -> Result<u32, Error> {",
        "pub fn call(self, request: &[u8], reply: &mut [u8]) -> Result<u32, Error> {",
        "pub fn now(self) -> u64 {",
        "pub fn r#yield() {",
    ):
        assert signature in text
    for name, value in INTERFACES.errors.items():
        assert f"{''.join(p.capitalize() for p in name.split('_'))} = {value}," in text


def test_only_calls_with_pointers_are_unsafe_and_each_says_why() -> None:
    lines = rust_bindings(EVERYTHING, INTERFACES).splitlines()
    calls = [k for k, line in enumerate(lines) if "unsafe {" in line]
    assert calls and all("SAFETY:" in lines[k - 1] and "_ptr()" in lines[k] for k in calls)


@pytest.mark.parametrize("text", [rust_bindings, c_header])
def test_the_same_app_gives_the_same_text(text: object) -> None:
    assert text(EVERYTHING, INTERFACES) == text(EVERYTHING, INTERFACES)  # type: ignore[operator]


NAMES = st.one_of(st.from_regex(r"\A[a-z][a-z0-9_-]{0,6}\Z"), st.sampled_from(sorted({*RUST_KEYWORDS, "self", "super", "crate"})),
                  st.sampled_from(["a", "a-b", "a_b", "a-b_", "a-try", "try", "x-y-z", "x_y-z"]))


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_names_never_meet(names: list[str]) -> None:
    """Whatever the needs are called, no two things have one identifier, and none is a keyword."""
    made = app("a", *(need("stream", name) for name in names))
    types = re.findall(r"^    pub struct (\S+);", rust_bindings(made, INTERFACES), re.MULTILINE)
    assert len(types) == len(names) == len(set(types))
    assert not {*types} & {*RUST_KEYWORDS, "self", "super", "crate"}
    functions = re.findall(r"^static inline \S+ (\w+)\(", c_header(made, INTERFACES), re.MULTILINE)
    assert len(functions) == len(set(functions))
    assert set(imports(made)) == {"munal:sip", *(f"munal:stream/{name}" for name in names)}


def test_the_c_header_compiles() -> None:
    compiler = shutil.which("cc")
    assert compiler, "a C compiler, as set-up installs it"
    source = c_header(EVERYTHING, INTERFACES) + "\nint main(void) { return munal_port_regs_read8(0) + munal_sip_wait(0, 0, -1); }\n"
    flags = ["-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-attributes", "-fsyntax-only", "-x", "c", "-"]
    done = subprocess.run([compiler, *flags], input=source, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
