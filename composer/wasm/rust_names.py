"""Rust's mangled names as paths a person reads: `_RNvNtCs3x_4uart4uart4send` is `uart::uart::send`.

Gets a symbol; gives its path without generic arguments, lifetimes, hashes and crates' disambiguators, or None where it is
no such symbol. Sources: RFC 2603 for `_R` (version 0), and rustc's older scheme for `_ZN`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_STEPS = 200
"""Parts of one name that are read: backward references could otherwise repeat without end."""
_BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASIC = {
    "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8", "i": "isize", "j": "usize", "l": "i32",
    "m": "u32", "n": "i128", "o": "u128", "p": "_", "s": "i16", "t": "u16", "u": "()", "v": "...", "x": "i64", "y": "u64", "z": "!",
}
_LEGACY = re.compile(r"_ZN((?:\d+[A-Za-z0-9_$.]+)+)E")
_SIGNS = {"$LT$": "<", "$GT$": ">", "$LP$": "(", "$RP$": ")", "$C$": ",", "$RF$": "&", "$BP$": "*", "$u20$": " ",
          "$u7b$": "{", "$u7d$": "}", "$u5b$": "[", "$u5d$": "]", "$u27$": "'", "..": "::"}


def rust_path(symbol: str) -> str | None:
    """The path of a mangled symbol."""
    if symbol.startswith("_R"):
        try:
            return _Symbol(symbol[2:]).path()
        except _NoSymbol:
            return None
    match = _LEGACY.fullmatch(symbol)
    return _legacy_path(match.group(1)) if match else None


def _legacy_path(mangled: str) -> str | None:
    parts, pos = [], 0
    while pos < len(mangled):
        digits = re.match(r"[1-9]\d{0,3}", mangled[pos:])
        if digits is None:
            return None
        pos += digits.end()
        part = mangled[pos:pos + int(digits.group())]
        pos += int(digits.group())
        for sign, char in _SIGNS.items():
            part = part.replace(sign, char)
        parts.append(part[1:] if part.startswith("_<") else part)
    return "::".join(parts)


class _NoSymbol(Exception):
    """What is there does not follow the grammar, or is of a part of it that is not read."""


class _Symbol:
    """A position in a version 0 symbol, behind its `_R`; each method reads one production of the grammar."""

    def __init__(self, text: str) -> None:
        self.text, self.pos, self.steps = text, 0, 0

    def _next(self) -> str:
        self.steps += 1
        if self.pos >= len(self.text) or self.steps > _STEPS:
            raise _NoSymbol
        self.pos += 1
        return self.text[self.pos - 1]

    def _at(self, chars: str) -> bool:
        return self.pos < len(self.text) and self.text[self.pos] in chars

    def path(self) -> str:
        tag = self._next()
        if tag == "C":
            return self._identifier()
        if tag == "N":
            return self._nested()
        if tag == "M":
            self._impl_path()
            return self._type()
        if tag in "XY":
            if tag == "X":
                self._impl_path()
            return f"<{self._type()} as {self.path()}>"
        if tag == "I":
            return self._generic()
        if tag == "B":
            return self._back(self.path)
        raise _NoSymbol

    def _nested(self) -> str:
        space, inside, name = self._next(), self.path(), self._identifier()
        if space.isupper():
            name = "{closure}" if space == "C" else "{shim}"
        return f"{inside}::{name}" if name else inside

    def _generic(self) -> str:
        path = self.path()
        while not self._at("E"):
            self._argument()
        self._next()
        return path

    def _impl_path(self) -> None:
        """Where an `impl` stands: of no interest to a reader."""
        self._disambiguator()
        self.path()

    def _argument(self) -> None:
        if self._at("L"):
            self._lifetime()
        elif self._at("K"):
            self._next()
            self._constant()
        else:
            self._type()

    def _lifetime(self) -> None:
        self._next()
        self._base62()

    def _constant(self) -> None:
        if self._at("B"):
            self._next()
            self._back(self._constant)
        elif self._next() not in "p":
            while self._next() != "_":
                pass

    def _type(self) -> str:
        if self._at("".join(_BASIC)):
            return _BASIC[self._next()]
        if self._at("AS"):
            array = self._next() == "A"
            inner = self._type()
            if array:
                self._constant()
            return f"[{inner}]"
        if self._at("RQPO"):
            sign = {"R": "&", "Q": "&mut ", "P": "*const ", "O": "*mut "}[self._next()]
            if self._at("L"):
                self._lifetime()
            return sign + self._type()
        if self._at("T"):
            return self._tuple()
        if self._at("B"):
            self._next()
            return self._back(self._type)
        return self.path()

    def _tuple(self) -> str:
        self._next()
        parts = []
        while not self._at("E"):
            parts.append(self._type())
        self._next()
        return f"({', '.join(parts)})"

    def _back(self, read: Callable[[], str | None]) -> str:
        """What an earlier part of the symbol says."""
        target, here = self._base62(), self.pos
        if target >= here:
            raise _NoSymbol
        self.pos = target
        found = read()
        self.pos = here
        return found or ""

    def _disambiguator(self) -> None:
        if self._at("s"):
            self._next()
            self._base62()

    def _base62(self) -> int:
        number = 0
        while (char := self._next()) != "_":
            if char not in _BASE62:
                raise _NoSymbol
            number = number * 62 + _BASE62.index(char) + 1
        return number

    def _identifier(self) -> str:
        self._disambiguator()
        match = re.compile(r"(u?)(0|[1-9]\d{0,3})_?").match(self.text, self.pos)
        if match is None:
            raise _NoSymbol
        self.pos = match.end() + int(match.group(2))
        if self.pos > len(self.text):
            raise _NoSymbol
        return self.text[match.end():self.pos]
