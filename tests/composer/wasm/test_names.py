"""Names of functions: from the name section, demangled, and harmless when shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.wasm.names import function_name, function_names, readable
from composer.wasm.rust_names import rust_path
from composer.wasm.sections import read_module
from composer.wasm.shown import shown
from tests.composer.wasm.encode import module, name, section, uleb, vector, wat

FUNCTION = (section(1, vector(b"\x60\0\0")), section(3, vector(b"\0")))
CODE = section(10, vector(b"\x02\0\x0b"))


def named(content: bytes) -> dict[int, str]:
    return function_names(read_module(module(*FUNCTION, CODE, section(0, name("name"), content))))


def test_functions_have_their_names_or_those_of_exports_or_numbers() -> None:
    read = read_module(wat('(module (func $first) (func (export "second")) (func))'))
    names = function_names(read)
    assert [function_name(names, index) for index in range(3)] == ["first", "second", "func[2]"]


@pytest.mark.parametrize("content", [
    b"\x01", b"\x01\x7f", b"\x01\x02\x05\0", b"\x01\x05\x01\0\x09ab", b"\x01\x04\x01\0\x01\xff", b"\x01\xff\xff\xff\xff\x0f", b"\xff\xff",
])
def test_a_broken_name_section_names_nothing(content: bytes) -> None:
    assert named(content) == {}


def test_what_stands_before_a_fault_counts() -> None:
    assert named(b"\x01\x07\x02\0\x02ok\0\x09") == {0: "ok"}


def test_names_of_functions_that_are_not_there_are_ignored() -> None:
    assert named(b"\x01" + uleb(6) + vector(b"\x07" + name("abc"))) == {}


@pytest.mark.parametrize(("raw", "safe"), [
    ("plain", "plain"), ("naïve", "naïve"), ("a`b", r"a\u{60}b"), ('a"b', r"a\u{22}b"), ("a\nb", r"a\u{a}b"),
    ("a\x1b[31mb", r"a\u{1b}[31mb"),
    ("a\u202eb", r"a\u{202e}b"), ("a\\b", r"a\u{5c}b"), ("a\0b", r"a\u{0}b"), ("x" * 200, "x" * 96 + "..."),
])
def test_what_is_shown_cannot_disturb(raw: str, safe: str) -> None:
    assert shown(raw) == safe


@given(st.text())
def test_whatever_is_shown_is_printable(raw: str) -> None:
    safe = shown(raw)
    assert safe.isprintable()
    assert not set(safe) & set("`\"\n")


@pytest.mark.parametrize(("symbol", "path"), [
    ("_RNvNtCs4b5lIxGIvIX_9uart165504uart10loops_back", "uart16550::uart::loops_back"),
    ("_RNvMNtCsaulBDbM5BhP_9uart165504uartNtB2_4Uart11line_status", "uart16550::uart::Uart::line_status"),
    ("_RINvMNtCsaulBDbM5BhP_9uart165504uartNtB3_4Uart8transmitKj200_EB5_", "uart16550::uart::Uart::transmit"),
    ("_RNvMCsaulBDbM5BhP_9uart16550NtB2_6Driver7receive", "uart16550::Driver::receive"),
    ("_RNCNvC4main4work0B3_", "main::work::{closure}"),
    ("_RNvXC4mainNtB2_1TNtB2_5Trait3fmt", "<main::T as main::Trait>::fmt"),
    ("_RNvXC4mainRReNtB2_5Trait3fmt", "<&&str as main::Trait>::fmt"),
    ("_RNvXC4mainTjAhj4_EINtB2_5TraitlE3fmt", "<(usize, [u8]) as main::Trait>::fmt"),
    ("_ZN4uart4putc17h0123456789abcdefE", "uart::putc"),
    ("uart::putc::h0123456789abcdef", "uart::putc"),
    ("main", "main"),
])
def test_rust_names_are_paths(symbol: str, path: str) -> None:
    assert readable(symbol) == path


def test_signs_of_the_old_mangling_are_read() -> None:
    mangled = "_$LT$uart..Uart$u20$as$u20$core..fmt..Write$GT$"
    assert readable(f"_ZN{len(mangled)}{mangled}9write_str17h0123456789abcdefE") == "<uart::Uart as core::fmt::Write>::write_str"


@pytest.mark.parametrize("symbol", [
    "_R", "_RN", "_RNv", "_RNvC4main", "_RNvC9999main3foo", "_RB_", "_RBa_", "_RIC4mainB9_E", "_RNvYDNtC1a1bEL_NtC1c1d1e", "_RZ",
    "_ZN", "_ZN0E", "_ZN9E", "_R" + "B0_" * 400, "_R" + "I" * 5000, "_RM" + "s" * 500,
])
def test_what_is_no_symbol_stays_as_it_is(symbol: str) -> None:
    assert rust_path(symbol) is None
    assert readable(symbol) == symbol


@given(st.text(alphabet="RNCMXYIBEKLTSAPQsvu0123456789_abcdefgh", max_size=80))
def test_any_symbol_is_read_or_left(tail: str) -> None:
    assert readable("_R" + tail)
