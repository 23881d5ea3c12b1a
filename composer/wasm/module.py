"""What a module's sections say, as values: made by sections.py, read by everything that judges a binary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from composer.wasm.types import FuncType, GlobalType, Limits


@dataclass(slots=True)
class Import:
    """`type` is a FuncType, Limits or GlobalType by `kind` (func, memory, table, global); `offset` is in the file."""

    module: str
    name: str
    kind: str
    type: FuncType | Limits | GlobalType
    offset: int


@dataclass(slots=True)
class Export:
    name: str
    kind: str
    index: int
    offset: int


@dataclass(slots=True)
class Global:
    """`value` is the constant that an immutable global holds, unsigned; None where it may be anything."""

    type: GlobalType
    value: int | None


@dataclass(slots=True)
class Escape:
    """A function that something other than a direct call can reach: `how` says what, `offset` where."""

    function: int
    how: str
    offset: int


@dataclass(slots=True)
class Segment:
    """Active data or elements: `at` is where they are copied to, None where only running tells."""

    kind: str
    target: int
    at: int | None
    length: int
    offset: int


@dataclass(slots=True)
class Module:
    """All indexes count imports first, as in the binary. `bodies` are (start, end) of each function's locals and code."""

    data: bytes = field(repr=False)
    types: list[FuncType] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    function_imports: list[Import] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    tables: list[Limits] = field(default_factory=list)
    memories: list[Limits] = field(default_factory=list)
    globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: int | None = None
    escapes: list[Escape] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    element_segments: int = 0
    data_count: int | None = None
    data_segments: int = 0
    bodies: list[tuple[int, int]] = field(default_factory=list)
    names_at: tuple[int, int] | None = None

    def type_of(self, function: int) -> FuncType:
        return self.types[self.functions[function]]

    @property
    def imported_functions(self) -> int:
        return len(self.function_imports)

    def defined(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """The index and the body of each function that is not imported."""
        return enumerate(self.bodies, self.imported_functions)
