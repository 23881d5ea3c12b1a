"""Constants of the testsuite's scripts become the values and patterns that they stand for."""

from __future__ import annotations

import pytest

from tests.lab.consts import Unsupported, to_pattern, to_value
from tests.lab.script import Nan, Type, either, exactly, lanes, nan


@pytest.mark.parametrize(("const", "value"), [
    ({"type": "i32", "value": "-1"}, [Type.I32, 0xFFFF_FFFF]),
    ({"type": "i64", "value": "-9223372036854775808"}, [Type.I64, 1 << 63]),
    ({"type": "f32", "value": "2139095040"}, [Type.F32, 0x7F80_0000]),
    ({"type": "v128", "lane_type": "i16", "value": ["-2", "1", "0", "0", "0", "0", "0", "32767"]}, [Type.V128, b"\xfe\xff\1" + bytes(11) + b"\xff\x7f"]),
    ({"type": "v128", "lane_type": "f64", "value": ["4607182418800017408", "0"]}, [Type.V128, (0x3FF0 << 48).to_bytes(16, "little")]),
    ({"type": "funcref", "value": "null"}, [Type.FUNCTION, False]),
])
def test_arguments_are_bits(const, value) -> None:
    assert to_value(const) == value
    if const.get("lane_type") != "f64":
        assert to_pattern(const) == exactly(value)


def test_results_may_be_any_of_several_bits() -> None:
    one = exactly([Type.F32, 0x3F80_0000])
    assert to_pattern({"type": "f32", "value": "nan:canonical"}) == nan(Nan.CANONICAL_F32)
    assert to_pattern({"type": "f64", "value": "nan:arithmetic"}) == nan(Nan.ARITHMETIC_F64)
    mixed = {"type": "v128", "lane_type": "f32", "value": ["nan:arithmetic", "1065353216", "nan:canonical", "1065353216"]}
    assert to_pattern(mixed) == lanes([nan(Nan.ARITHMETIC_F32), one, nan(Nan.CANONICAL_F32), one])
    both = {"type": "either", "values": [{"type": "i32", "value": "1"}, {"type": "i32", "value": "2"}]}
    assert to_pattern(both) == either([exactly([Type.I32, 1]), exactly([Type.I32, 2])])
    assert to_pattern({"type": "funcref"}) == exactly([Type.FUNCTION, True])


@pytest.mark.parametrize("const", [{"type": "externref", "value": "1"}, {"type": "anyref"}, {"type": "funcref", "value": {"index": 1}}])
def test_a_reference_that_no_module_can_take_is_told(const) -> None:
    with pytest.raises(Unsupported, match=f"type {const['type']}"):
        to_value(const)
