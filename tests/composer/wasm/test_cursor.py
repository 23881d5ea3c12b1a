"""Numbers, names and lengths at their bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.wasm.cursor import Cursor, WasmError
from tests.composer.wasm.encode import uleb


def cursor(data: bytes, start: int = 0) -> Cursor:
    return Cursor(data, start, len(data), "the test")


def sleb(number: int) -> bytes:
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        if (number == 0 and not low & 0x40) or (number == -1 and low & 0x40):
            return bytes([*out, low])
        out.append(low | 0x80)


@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_unsigned_numbers_come_back_from_padded_forms_too(number: int, padding: int) -> None:
    data = uleb(number)
    padding = min(padding, 5 - len(data))
    if padding:
        data = data[:-1] + bytes([data[-1] | 0x80]) + b"\x80" * (padding - 1) + b"\0"
    read = cursor(data)
    assert read.u32() == number
    read.must_end()


@given(st.integers(-(2**31), 2**31 - 1))
def test_signed_32(number: int) -> None:
    assert cursor(sleb(number)).s32() == number


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_64(number: int) -> None:
    assert cursor(sleb(number)).s64() == number


@given(st.integers(0, 2**64 - 1))
def test_unsigned_64(number: int) -> None:
    assert cursor(uleb(number)).u64() == number


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff\x10", b"\x80\x80\x80\x80\x80\x00", b"\xff" * 5, b"\x80\x80\x80\x80\x70"])
def test_a_u32_has_no_unused_bits_and_five_bytes_at_most(data: bytes) -> None:
    with pytest.raises(WasmError) as caught:
        cursor(b"\0" + data, 1).u32()
    assert caught.value.offset == 1


@pytest.mark.parametrize(("data", "bits"), [(b"\xff\xff\xff\xff\x4f", 32), (b"\x80\x80\x80\x80\x08", 32), (b"\xff" * 9 + b"\x7e", 64),
                                            (b"\x80" * 10 + b"\0", 64), (b"\x80\x80\x80\x80\x10", 33)])
def test_a_signed_number_has_only_its_sign_in_unused_bits(data: bytes, bits: int) -> None:
    with pytest.raises(WasmError):
        getattr(cursor(data), f"s{bits}")()


@pytest.mark.parametrize("number", [-1, -(2**31), 2**31 - 1])
def test_a_signed_number_may_be_written_with_all_its_bytes(number: int) -> None:
    data = bytes((number >> 7 * place & 0x7F) | 0x80 for place in range(4)) + bytes([number >> 28 & 0x7F])
    assert cursor(data).s32() == number


@pytest.mark.parametrize("read", ["u32", "u64", "s32", "s33", "s64", "byte"])
def test_numbers_that_end_early_are_errors_at_the_end(read: str) -> None:
    for data in (b"",) if read == "byte" else (b"", b"\x80"):
        with pytest.raises(WasmError) as caught:
            getattr(Cursor(data + b"\0", 0, len(data), "the test"), read)()
        assert caught.value.offset == len(data)


def test_a_count_is_held_against_what_is_left() -> None:
    assert cursor(b"\x02ab").count("things") == 2
    with pytest.raises(WasmError, match="says it holds 3 things, but has only 2 bytes left"):
        cursor(b"\x03ab").count("things")
    with pytest.raises(WasmError):
        cursor(b"\x02abc").count("things", least=2)


def test_a_name_is_held_against_what_is_left_and_against_utf8() -> None:
    assert cursor(b"\x02\xc3\xa9").name("a name") == "é"
    with pytest.raises(WasmError, match="says it is 3 bytes long"):
        cursor(b"\x03ab").name("a name")
    with pytest.raises(WasmError, match="not UTF-8") as caught:
        cursor(b"\x04caf\xe9").name("a name")
    assert caught.value.offset == 4


def test_surrogates_are_no_utf8() -> None:
    with pytest.raises(WasmError, match="not UTF-8"):
        cursor(b"\x03\xed\xa0\x80").name("a name")


def test_a_part_stays_within_its_whole() -> None:
    whole = cursor(b"abcd")
    part = whole.part(2, "the part")
    assert (part.pos, part.end, whole.pos) == (0, 2, 2)
    with pytest.raises(WasmError, match="the rest says it is 3 bytes long, but 2 are left"):
        whole.part(3, "the rest")
    with pytest.raises(WasmError, match="2 bytes left over"):
        part.must_end()
