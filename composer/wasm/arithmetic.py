"""Integer instructions on abstract values (WebAssembly specification 2.0, section 4.3.2).

Gets opcodes and values of values.py; gives the value of the result: exact where it stays a small set, a range where that
is cheap, and nothing known elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

from composer.wasm.values import Answer, Below, Value, bounds, ranged

Exact = Callable[[int, int], "int | None"]
Span = Callable[[tuple[int, int], tuple[int, int]], "tuple[int, int] | None"]


def signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) else number


def binary(code: int, left: Value, right: Value) -> Value:
    """The result of a two-operand instruction of BINARY. Sets of more than one number on both sides give a range, as
    nobody knows which of their pairs can happen."""
    exact, span, bits = BINARY[code]
    if isinstance(left, dict) and isinstance(right, dict) and (len(left) == 1 or len(right) == 1):
        results = {}
        for a, a_at in left.items():
            for b, b_at in right.items():
                result = exact(a, b)
                if result is None:
                    return None
                results[result & (1 << bits) - 1] = a_at or b_at
        return results
    if span is None:
        return None
    found = span(bounds(left, bits), bounds(right, bits))
    return ranged(*found, bits) if found and found[1] < 1 << bits else None


def unary(code: int, value: Value) -> Value:
    """The result of a one-operand instruction of UNARY."""
    exact, widest, bits, keeps = UNARY[code]
    if isinstance(value, dict) and exact:
        return {exact(number): at for number, at in value.items()}
    if keeps and isinstance(value, tuple) and value[1] <= keeps:
        return value
    return ranged(*widest, bits) if widest else None


def _widths(bits: int) -> dict[str, tuple[Exact, Span | None]]:
    mask, turn = (1 << bits) - 1, bits - 1

    def divided(a: int, b: int) -> int | None:
        a, b = signed(a, bits), signed(b, bits)
        return None if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)

    def remainder(a: int, b: int) -> int | None:
        a, b = signed(a, bits), signed(b, bits)
        return None if b == 0 else abs(a) % abs(b) * (-1 if a < 0 else 1)

    def rotated(a: int, by: int) -> int:
        by %= bits
        return (a << by | a >> (bits - by)) & mask

    return {
        "add": (lambda a, b: a + b, lambda a, b: (a[0] + b[0], a[1] + b[1])),
        "sub": (lambda a, b: a - b, lambda a, b: (a[0] - b[1], a[1] - b[0]) if a[0] >= b[1] else None),
        "mul": (lambda a, b: a * b, lambda a, b: (a[0] * b[0], a[1] * b[1])),
        "div_s": (divided, None),
        "div_u": (lambda a, b: a // b if b else None, lambda a, b: (a[0] // b[1], a[1] // b[0]) if b[0] else None),
        "rem_s": (remainder, None),
        "rem_u": (lambda a, b: a % b if b else None, lambda a, b: (0, min(a[1], b[1] - 1)) if b[0] else None),
        "and": (lambda a, b: a & b, lambda a, b: (0, min(a[1], b[1]))),
        "or": (lambda a, b: a | b, lambda a, b: (max(a[0], b[0]), min(a[1] + b[1], _ones(a[1] | b[1])))),
        "xor": (lambda a, b: a ^ b, lambda a, b: (0, min(a[1] + b[1], _ones(a[1] | b[1])))),
        "shl": (lambda a, b: a << (b & turn), lambda a, b: (a[0] << (b[0] & turn), a[1] << (b[0] & turn)) if b[0] == b[1] else None),
        "shr_s": (lambda a, b: signed(a, bits) >> (b & turn), None),
        "shr_u": (lambda a, b: a >> (b & turn), lambda a, b: (a[0] >> (b[0] & turn), a[1] >> (b[0] & turn)) if b[0] == b[1] else (0, a[1])),
        "rotl": (rotated, None),
        "rotr": (lambda a, b: rotated(a, -b), None),
    }


def _ones(number: int) -> int:
    """The smallest 2^n - 1 that is at least `number`."""
    return (1 << number.bit_length()) - 1


def _comparisons(bits: int) -> dict[str, Callable[[int, int], bool]]:
    return {
        "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
        "lt_s": lambda a, b: signed(a, bits) < signed(b, bits), "lt_u": lambda a, b: a < b,
        "gt_s": lambda a, b: signed(a, bits) > signed(b, bits), "gt_u": lambda a, b: a > b,
        "le_s": lambda a, b: signed(a, bits) <= signed(b, bits), "le_u": lambda a, b: a <= b,
        "ge_s": lambda a, b: signed(a, bits) >= signed(b, bits), "ge_u": lambda a, b: a >= b,
    }


COMPARISONS: dict[int, tuple[str, Callable[[int, int], bool], int]] = {
    first + place: (name, test, bits)
    for first, bits in ((0x46, 32), (0x51, 64)) for place, (name, test) in enumerate(_comparisons(bits).items())
}
"""Opcode to (name, test, bits), in the order of their opcodes."""

BINARY: dict[int, tuple[Exact, Span | None, int]] = {
    **{first + place: (*both, bits) for first, bits in ((0x6A, 32), (0x7C, 64)) for place, both in enumerate(_widths(bits).values())},
    **{code: (lambda a, b, test=test: int(test(a, b)), lambda a, b: (0, 1), 32) for code, (_, test, _) in COMPARISONS.items()},
}

_M32, _M64 = (1 << 32) - 1, (1 << 64) - 1


def _extend(start: int, bits: int) -> Callable[[int], int]:
    return lambda number: signed(number & (1 << start) - 1, start) & (1 << bits) - 1


UNARY: dict[int, tuple[Callable[[int], int] | None, tuple[int, int] | None, int, int]] = {
    # the result of a number; the range of any result; its bits; the largest number that the instruction leaves as it is
    0x45: (lambda a: int(a == 0), (0, 1), 32, 0), 0x50: (lambda a: int(a == 0), (0, 1), 32, 0),
    0x67: (None, (0, 32), 32, 0), 0x68: (None, (0, 32), 32, 0), 0x69: (None, (0, 32), 32, 0),
    0x79: (None, (0, 64), 64, 0), 0x7A: (None, (0, 64), 64, 0), 0x7B: (None, (0, 64), 64, 0),
    0x2D: (None, (0, 0xFF), 32, 0), 0x2F: (None, (0, 0xFFFF), 32, 0), 0x31: (None, (0, 0xFF), 64, 0),
    0x33: (None, (0, 0xFFFF), 64, 0), 0x35: (None, (0, _M32), 64, 0),
    0xA7: (lambda a: a & _M32, None, 32, _M32), 0xAC: (_extend(32, 64), None, 64, _M32 >> 1),
    0xAD: (lambda a: a, (0, _M32), 64, _M32), 0xC0: (_extend(8, 32), None, 32, 0x7F), 0xC1: (_extend(16, 32), None, 32, 0x7FFF),
    0xC2: (_extend(8, 64), None, 64, 0x7F), 0xC3: (_extend(16, 64), None, 64, 0x7FFF), 0xC4: (_extend(32, 64), None, 64, _M32 >> 1),
}
"""One-operand instructions, and loads of less than their type (their operand is an address, of which nothing is kept)."""


_OPPOSITE = {"eq": "ne", "ne": "eq", "lt_s": "ge_s", "ge_s": "lt_s", "gt_s": "le_s", "le_s": "gt_s",
             "lt_u": "ge_u", "ge_u": "lt_u", "gt_u": "le_u", "le_u": "gt_u"}
"""The comparison that holds where another does not."""

MIRRORED: dict[int, int] = {
    first + place: first + other for first in (0x46, 0x51) for place, other in enumerate((0, 1, 4, 5, 2, 3, 8, 9, 6, 7))
}
"""The comparison of b with a that says the same as one of a with b."""


def narrowed(value: Value, code: int, limit: Value, holds: bool) -> tuple[bool, Value]:
    """(whether any number is left, the value) after the comparison `value code limit` was found to hold or not."""
    name, test, bits = COMPARISONS[code]
    name = name if holds else _OPPOSITE[name]
    if isinstance(limit, Answer):
        return True, Below(limit.function) if name == "lt_u" and not isinstance(value, dict) else value
    low, high = bounds(limit, bits)
    if isinstance(value, dict):
        left = {number: at for number, at in value.items() if _can_hold(name, test, number, low, high, holds)}
        return bool(left), left
    if not isinstance(value, tuple) and low == 0 and high == (1 << bits) - 1:
        return True, value
    least, most = _kept(name, *bounds(value, bits), low, high, bits)
    if least > most:
        return False, None
    return True, value if isinstance(value, Below) else ranged(least, most, bits)


def _can_hold(name: str, test: Callable[[int, int], bool], number: int, low: int, high: int, holds: bool) -> bool:
    """Whether `number` compares so with some number from `low` to `high`; a signed comparison with several may always."""
    if low == high:
        return test(number, low) == holds
    return {"eq": low <= number <= high, "lt_u": number < high, "le_u": number <= high, "gt_u": number > low,
            "ge_u": number >= low}.get(name, True)


def _kept(name: str, least: int, most: int, low: int, high: int, bits: int) -> tuple[int, int]:
    """What is left of a range that compares so with some number from `low` to `high`; empty where the first is the greater."""
    sign = 1 << (bits - 1)
    if name.endswith("_s"):
        if high >= sign:
            return least, most
        if name in ("gt_s", "ge_s"):
            most = min(most, sign - 1)
        elif most >= sign:
            return least, most
        name = f"{name[:2]}_u"
    if name == "eq":
        return max(least, low), min(most, high)
    if name == "ne" and low == high:
        return least + (least == low), most - (most == low)
    if name in ("lt_u", "le_u"):
        return least, min(most, high - (name == "lt_u"))
    if name in ("gt_u", "ge_u"):
        return max(least, low + (name == "gt_u")), most
    return least, most
