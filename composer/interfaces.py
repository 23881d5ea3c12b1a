"""The one description of every interface, kernel/interfaces/*.toml, as models; and the ABI that follows from it.

Gets the TOML tables; gives capabilities with their functions, the raw primitives behind them and the ABI's bytes and
digest, which the kernel's ELF carries in its section `.munal.abi` and the composer compares.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar

NO_CAPABILITIES = ("abi", "kept")
"""The files that describe what all interfaces share, and what no grant may reach."""

FOLDER = Path(__file__).resolve().parent.parent / "kernel" / "interfaces"

WASM_TYPES = {
    "u8": ("i32",), "u16": ("i32",), "u32": ("i32",), "i32": ("i32",), "result": ("i32",),
    "u64": ("i64",), "i64": ("i64",), "bytes": ("i32", "i32"), "buffer": ("i32", "i32"), "inout": ("i32", "i32"),
    "handles": ("i32", "i32"), "slots": ("i32", "i32"),
}
"""What each interface type is in wasm."""

POINTERS = tuple(kind for kind, types in WASM_TYPES.items() if len(types) == 2)
"""Types that are a pointer and a length in bytes in the SIP's memory: bytes and handles that the kernel reads, a buffer and slots
for handles that it writes, and records that it does both with."""

DYNAMIC = 1 << 30
"""Set in the number of each handle that is made or received at run time (kernel/logic/src/handles.rs)."""

GLUE_FORMS = ("plain", "handle", "held", "offset", "connection", "granted", "base", "count", "handle-constant", "connection-constant")
FIELD_TYPES = ("integer", "size", "access", "widths", "string", "wire", "instances", "boolean", "kinds", "matches", "model", "slot", "path")


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    type: str

    @property
    def wasm(self) -> tuple[str, ...]:
        return WASM_TYPES[self.type]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of an interface. `raw` is None where the glue answers with a constant; `absolute` is what its primitive
    takes in place of an offset; `moves` says whether what a wire's function passes is part of what its ends tell each other."""

    name: str
    doc: str
    params: tuple[Param, ...]
    result: str | None
    raw: str | None
    glue: str
    access: str | None = None
    width: int | None = None
    absolute: Param | None = None
    moves: bool = True

    @property
    def wasm_params(self) -> tuple[str, ...]:
        return tuple(t for p in self.params for t in p.wasm)

    @property
    def wasm_result(self) -> str | None:
        return WASM_TYPES[self.result][0] if self.result else None

    @property
    def raw_params(self) -> tuple[Param, ...]:
        """What the primitive takes: a port or an address for an offset, the SIP's handle for `handle` and `connection`."""
        if self.glue == "offset" and self.absolute:
            return (self.absolute, *self.params[1:])
        if self.glue == "handle":
            return (Param("handle", "u32"), *self.params)
        if self.glue == "connection":
            return (Param("handle", "u32"), *self.params[1:])
        return self.params


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a need, a provide or a grant. `among` lists what it, or the elements of an array, can be; one that is `optional`
    and is left out says nothing."""

    name: str
    type: str
    doc: str
    default: Any = None
    min: int | None = None
    max: int | None = None
    among: tuple[Any, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Capability:
    name: str
    summary: str
    grant: str
    wire: bool
    need_fields: tuple[Field, ...]
    provide_fields: tuple[Field, ...]
    grant_fields: tuple[Field, ...]
    one_of: tuple[str, ...]
    client: dict[str, Function]
    server: dict[str, Function]
    only_with: tuple[str, ...] = ()
    """Fields of needs and provides, one of which an app must have set to call this without asking; empty for every app."""

    @property
    def takes_need(self) -> bool:
        """False for what every SIP may do without asking."""
        return self.grant != "always"


@dataclass(frozen=True, slots=True)
class Raw:
    """One raw primitive of the kernel, imported from `munal:raw` by glue alone."""

    name: str
    params: tuple[Param, ...]
    result: str | None

    @property
    def wasm_params(self) -> tuple[str, ...]:
        return tuple(t for p in self.params for t in p.wasm)

    @property
    def wasm_result(self) -> str | None:
        return WASM_TYPES[self.result][0] if self.result else None


WASM_PAGE = 64 << 10


@dataclass(frozen=True, slots=True)
class Quota:
    """What every instance's memory limit covers besides its wasm's memory and tables, in bytes."""

    wasm_stack: int
    kernel_stack: int
    runtime: int

    PAGE: ClassVar[int] = 4096
    TABLE_SPAN: ClassVar[int] = 2 << 20
    DIRECTORY_SPAN: ClassVar[int] = 1 << 30

    @property
    def fixed(self) -> int:
        """The stack, the page table that finds it, and what the kernel keeps for a life."""
        return self.wasm_stack + self.kernel_stack + self.PAGE + self.runtime

    def page_tables(self, size: int) -> int:
        """Bytes of page tables for a linear memory of `size` bytes, as kernel/logic/src/quota.rs counts them."""
        return (-(-size // self.TABLE_SPAN) + -(-size // self.DIRECTORY_SPAN)) * self.PAGE

    def used(self, memory: int) -> int:
        """Bytes that an instance with a linear memory of `memory` bytes uses."""
        return memory + self.page_tables(memory) + self.fixed

    def largest_memory(self, limit: int) -> int:
        """Bytes of the largest linear memory, in whole pages of wasm, that `limit` has room for; 0 where it has none."""
        size = max(0, limit - self.fixed) // WASM_PAGE * WASM_PAGE
        while size and self.used(size) > limit:
            size -= WASM_PAGE
        return size


@dataclass(frozen=True, eq=False)
class Interfaces:
    """All of them. One reading equals no other: what `module` found in it is kept by its identity."""

    version: int
    table_element: int
    errors: dict[str, int]
    error_docs: dict[str, str]
    events: dict[str, int]
    event_docs: dict[str, str]
    capabilities: dict[str, Capability]
    kept_ports: tuple[tuple[int, int, str], ...]
    kept_lines: dict[int, str]
    kept_pages: tuple[tuple[int, int, str], ...]
    physical_end: int
    quota: Quota

    @cached_property
    def raw(self) -> dict[str, Raw]:
        """All raw primitives by name, in the order of their names."""
        found: dict[str, Raw] = {}
        for capability in self.capabilities.values():
            for function in (*capability.client.values(), *capability.server.values()):
                if function.raw is None:
                    continue
                raw = Raw(function.raw, function.raw_params, function.result)
                other = found.setdefault(raw.name, raw)
                if (other.wasm_params, other.result) != (raw.wasm_params, raw.result):
                    raise ValueError(f"raw primitive `{raw.name}` is described in two ways")
        return dict(sorted(found.items()))

    def unasked(self, *fields: Mapping[str, Any]) -> dict[str, Capability]:
        """What an app may call without asking, by name, whose needs and provides say `fields`."""
        set_here = {name for each in fields for name, value in each.items() if value}
        return {name: c for name, c in self.capabilities.items() if not c.takes_need and (not c.only_with or set_here & {*c.only_with})}

    @cached_property
    def abi(self) -> bytes:
        """The canonical text of everything that glue and kernel must agree on: no prose, keys sorted."""
        raw = {r.name: {"params": [p.type for p in r.params], "result": r.result} for r in self.raw.values()}
        kept = {"ports": [[base, length] for base, length, _ in self.kept_ports], "lines": sorted(self.kept_lines),
                "pages": [[base, length] for base, length, _ in self.kept_pages], "physical_end": self.physical_end}
        text = {"version": self.version, "errors": self.errors, "events": self.events, "kept": kept, "raw": raw,
                "quota": asdict(self.quota)}
        return json.dumps(text, sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of `abi`."""
        return hashlib.sha256(self.abi).digest()

    @lru_cache(maxsize=1024)
    def module(self, module: str) -> tuple[Capability, str, str | None] | None:
        """What an import module names: capability, role (client or server) and need; None where it is no name of ours."""
        always = self.capabilities.get(module.removeprefix("munal:"))
        if always is not None and not always.takes_need and module.startswith("munal:"):
            return always, "client", None
        head, slash, name = module.removeprefix("munal:").partition("/")
        role = "server" if head.endswith("-server") else "client"
        capability = self.capabilities.get(head.removesuffix("-server"))
        if not module.startswith("munal:") or not slash or capability is None or not capability.takes_need:
            return None
        return (capability, role, name) if getattr(capability, role) else None


def _fields(table: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(Field(name=name, **{**value, "among": tuple(value.get("among", ()))}) for name, value in table.items())


def _functions(table: dict[str, Any], absolute: Param | None = None) -> dict[str, Function]:
    made = {}
    for name, value in table.items():
        params = tuple(Param(**p) for p in value.get("params", ()))
        made[name] = Function(name, value["doc"], params, value.get("result"), value.get("raw"), value["glue"],
                              value.get("access"), value.get("width"), absolute, value.get("moves", True))
        if made[name].glue not in GLUE_FORMS:
            raise ValueError(f"{name}: `{made[name].glue}` is no glue form")
        if made[name].glue == "offset" and absolute is None:
            raise ValueError(f"{name}: `offset` needs `absolute`, what the primitive takes in its place")
    return made


def _capability(name: str, table: dict[str, Any], every: dict[str, Function]) -> Capability:
    absolute = Param(**table["absolute"]) if "absolute" in table else None
    client, server = _functions(table.get("client", {}), absolute), _functions(table.get("server", {}))
    if table["grant"] != "always":
        client = {**client, **every}
    return Capability(name, table["summary"], table["grant"], table.get("wire", False), _fields(table.get("need", {})),
                      _fields(table.get("provide", {})), _fields(table.get("grant_fields", {})),
                      tuple(table.get("grant_rules", {}).get("one_of", ())), client, server, tuple(table.get("with", ())))


@lru_cache(maxsize=4)
def load_interfaces(folder: Path = FOLDER) -> Interfaces:
    """Read every interface below `folder`. Raises ValueError where two of them contradict each other."""
    abi = tomllib.loads((folder / "abi.toml").read_text())
    every = _functions(abi["every"])
    kept = tomllib.loads((folder / "kept.toml").read_text())
    capabilities = {}
    for path in sorted(folder.glob("*.toml")):
        if path.stem not in NO_CAPABILITIES:
            capabilities[path.stem] = _capability(path.stem, tomllib.loads(path.read_text()), every)
    return Interfaces(abi["version"], abi["table_element"], {k: v["value"] for k, v in abi["errors"].items()},
                      {k: v["doc"] for k, v in abi["errors"].items()}, {k: v["value"] for k, v in abi["events"].items()},
                      {k: v["doc"] for k, v in abi["events"].items()}, capabilities,
                      tuple((p["base"], p["length"], p["reason"]) for p in kept["ports"]),
                      {line["number"]: line["reason"] for line in kept["lines"]},
                      tuple((p["base"], p["length"], p["reason"]) for p in kept["pages"]), abi["physical_end"], Quota(**abi["quota"]))
