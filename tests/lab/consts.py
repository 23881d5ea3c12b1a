"""Constants as json-from-wast writes them, made values and patterns of the lab's script."""

from __future__ import annotations

from typing import Any

from tests.lab.script import Nan, Pattern, Type, Value, either, exactly, lanes, nan

INTEGERS = {"i32": (Type.I32, 32), "i64": (Type.I64, 64)}
FLOATS = {"f32": Type.F32, "f64": Type.F64}
NANS = {("f32", "nan:canonical"): Nan.CANONICAL_F32, ("f32", "nan:arithmetic"): Nan.ARITHMETIC_F32,
        ("f64", "nan:canonical"): Nan.CANONICAL_F64, ("f64", "nan:arithmetic"): Nan.ARITHMETIC_F64}
NO_FUNCTION = ("refnull", "nullfuncref")


class Unsupported(Exception):
    """The constant is of a kind that no module of the kernel's can have; the message is a reason for a skip."""


def to_value(const: dict[str, Any]) -> Value:
    """An argument. Raises Unsupported for a reference to anything but no function."""
    kind, value = const["type"], const.get("value")
    if kind in INTEGERS:
        type_, bits = INTEGERS[kind]
        return [type_, int(value) % (1 << bits)]
    if kind in FLOATS:
        return [FLOATS[kind], int(value)]
    if kind == "v128":
        return [Type.V128, b"".join(_lane(const["lane_type"], each) for each in value)]
    if kind in NO_FUNCTION or (kind == "funcref" and value == "null"):
        return [Type.FUNCTION, False]
    raise Unsupported(f"a value of type {kind}: the composer refuses the modules that take one (M0322)")


def to_pattern(const: dict[str, Any]) -> Pattern:
    """What a result is held against. Raises Unsupported as `to_value` does."""
    kind, value = const["type"], const.get("value")
    if kind == "either":
        return either([to_pattern(each) for each in const["values"]])
    if kind in FLOATS:
        return _float(kind, value)
    if kind == "v128" and const["lane_type"] in FLOATS:
        return lanes([_float(const["lane_type"], each) for each in value])
    if kind == "funcref" and value != "null":
        return exactly([Type.FUNCTION, True])
    return exactly(to_value(const))


def _float(kind: str, value: str) -> Pattern:
    if (kind, value) in NANS:
        return nan(NANS[kind, value])
    return exactly([FLOATS[kind], int(value)])


def _lane(kind: str, value: str) -> bytes:
    """A lane's bytes; integers may be written with a sign, floats are bits."""
    size = int(kind[1:]) // 8
    return (int(value) % (1 << 8 * size)).to_bytes(size, "little")
