"""Writes the hostile apps `boundary` and `fuzz`: every function of every interface, called with every boundary value of its
parameters, and with values drawn by lot.

Gets kernel/interfaces; gives `app.toml` and WAT of the app and of two peers: who serves what it asks, and who asks what it serves. Nothing names a function:
one that is added to an interface is called from then on. `python -m tests.tools.boundary` writes them anew.

A case is a row of eight bytes in a data segment: a function, and for each wasm parameter which value it gets. The warden hands
out the numbers of cases, since a case may end the app's life (apps/lib/rust/src/cases.rs). `fuzz` asks nobody: it draws
functions and values for ever, from a seed that each of its lives takes from the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from composer.interfaces import Capability, Field, Function, Interfaces, Param, load_interfaces
from composer.system import SHARED

APPS = Path(__file__).resolve().parents[2] / "apps" / "hostile"
NAME, FUZZ, SERVER, CLIENT, NEED, CASES = "boundary", "fuzz", "boundary-server", "boundary-client", "it", "cases"

MEMORY = 65536
"""Bytes of the app's one page."""
POINTERS = (0, 1, MEMORY - 1, MEMORY, MEMORY + 1, 1 << 31, (1 << 32) - 1)
LENGTHS = (0, 1, 8, 4096, MEMORY, 1 << 31, (1 << 32) - 1)
HARMLESS = {"pointer": 0, "length": 8}
"""A pair that lies in memory, and is one whole record where an interface takes records."""
I32 = (0, 1, -1, (1 << 31) - 1, -(1 << 31))
I64 = (0, 1, -1, (1 << 63) - 1, -(1 << 63))
VALUES = {
    "u8": (0, 1, 255, 256, 1 << 31, (1 << 32) - 1),
    "u16": (0, 1, 255, 256, 65535, 65536, 1 << 31, (1 << 32) - 1),
    "u32": (0, 1, 2, 7, 16, 255, 65536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1),
    "i32": I32, "u64": I64, "i64": I64,
}
"""What a parameter of each interface type is given, beside pairs of pointer and length."""
MOST_TOGETHER = 100
"""Parameters that are no pairs are combined with each other up to so many cases; beyond, each changes alone."""
ROW = 8
DEVICE = {"matches": '["fffe:fffe"]', "model": f'"../{NAME}/device.toml"'}
"""A device that no machine has, and a model of it that has one of everything."""
ASKS = ("", f"[needs.service.{CASES}]", 'protocol = "munal-cases/1"')
"""The need by which the warden hands out cases."""


@dataclass(frozen=True)
class Call:
    """One function that the app may call, by its import module."""

    module: str
    function: Function

    @property
    def symbol(self) -> str:
        return f"${self.module.removeprefix('munal:')}#{self.function.name}"


def calls(interfaces: Interfaces) -> Iterator[Call]:
    """Every function of every interface: those of every SIP, of a need's client, and of who provides."""
    for name, capability in interfaces.capabilities.items():
        if not capability.takes_need:
            yield from (Call(f"munal:{name}", function) for function in capability.client.values())
            continue
        yield from (Call(f"munal:{name}/{NEED}", function) for function in capability.client.values())
        yield from (Call(f"munal:{name}-server/{NEED}", function) for function in capability.server.values())


def cases(function: Function) -> list[tuple[int, ...]]:
    """The arguments of every case of a function, as wasm takes them: each pair in every combination of pointer and length, and
    all at once; all other parameters in every combination with each other."""
    params = function.params
    harmless = [_harmless(param) for param in params]
    found = [tuple(harmless)]
    pairs = [i for i, param in enumerate(params) if len(param.wasm) == 2]
    for pair in product(POINTERS, LENGTHS):
        found += [_changed(harmless, {i: pair}) for i in pairs]
        found += [_changed(harmless, dict.fromkeys(pairs, pair))] if len(pairs) > 1 else []
    scalars = [i for i, param in enumerate(params) if len(param.wasm) == 1]
    every = [VALUES[params[i].type] for i in scalars]
    together = 1
    for values in every:
        together *= len(values)
    if together <= MOST_TOGETHER:
        found += [_changed(harmless, {i: (v,) for i, v in zip(scalars, chosen, strict=True)}) for chosen in product(*every)]
    else:
        found += [_changed(harmless, {i: (v,)}) for i, values in zip(scalars, every, strict=True) for v in values]
    return [tuple(v for argument in arguments for v in argument) for arguments in dict.fromkeys(found)]


def leaves_memory(function: Function, arguments: tuple[int, ...]) -> bool:
    """Whether a pair of these arguments lies at least in part outside of the app's memory."""
    words = iter(arguments)
    values = [[next(words) for _ in param.wasm] for param in function.params]
    return any(sum(value) > MEMORY for value in values if len(value) == 2)


def _harmless(param: Param) -> tuple[int, ...]:
    return (HARMLESS["pointer"], HARMLESS["length"]) if len(param.wasm) == 2 else (VALUES[param.type][0],)


def _changed(arguments: list[tuple[int, ...]], changes: dict[int, tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    return tuple(changes.get(i, argument) for i, argument in enumerate(arguments))


def module(interfaces: Interfaces) -> str:
    """The app's WAT."""
    every = [(call, cases(call.function)) for call in calls(interfaces)]
    values = sorted({value % (1 << 64) for _, rows in every for row in rows for value in row})
    index = {value: i for i, value in enumerate(values)}
    rows = [[number, *(index[v % (1 << 64)] for v in row)] for number, (_, many) in enumerate(every) for row in many]
    assert len(values) <= 256 and len(every) <= 256 and all(len(row) <= ROW for row in rows)
    table = b"".join(bytes(row).ljust(ROW, b"\0") for row in rows)
    lines = [
        ";; Made from kernel/interfaces by tests/tools/boundary.py: every function, with every boundary value of its parameters.",
        ";; Case `n` is row n of the segment $rows: a function, and for each parameter the number of its value in $values.",
        "(module",
        f'  (import "munal:service/{CASES}" "call" (func $ask (param i32 i32 i32 i32) (result i32)))',
        *(_import(call) for call, _ in every),
        '  (memory (export "memory") 1 1)',
        f"  (data $values {_data(b''.join(value.to_bytes(8, 'little') for value in values))})",
        f"  (data $rows {_data(table)})",
        "  (global $scratch i32 (i32.const 1024))    ;; where a row and a value are looked at, and the warden is asked",
        *_HEAD.splitlines(),
        *(line for number, (call, _) in enumerate(every) for line in _caller(number, call)),
        *_run([f"$call-{number}" for number in range(len(every))]),
        *_MAIN.replace("TOTAL", str(len(rows))).splitlines(),
    ]
    return "\n".join(lines) + "\n"


def fuzz_module(interfaces: Interfaces) -> str:
    """The WAT of `fuzz`."""
    every = list(calls(interfaces))
    values = sorted({v % (1 << 64) for v in (*POINTERS, *LENGTHS, *(v for some in VALUES.values() for v in some))})
    lines = [
        ";; Made from kernel/interfaces by tests/tools/boundary.py: calls every function, with values drawn by lot, without end.",
        "(module",
        *(_import(call) for call in every),
        '  (memory (export "memory") 1 1)',
        f"  (data $values {_data(b''.join(value.to_bytes(8, 'little') for value in values))})",
        *_DRAWING.replace("COUNT", str(len(values))).splitlines(),
        *(line for number, call in enumerate(every) for line in _caller(number, call)),
        *_table([f"$call-{number}" for number in range(len(every))]),
        *_FUZZ_MAIN.replace("COUNT", str(len(every))).splitlines(),
    ]
    return "\n".join(lines) + "\n"


_DRAWING = """\
  (global $drawn (mut i64) (i64.const 0))
  (global $scratch i32 (i32.const 65528))       ;; where a value is looked at

  ;; The next number (xorshift64, Marsaglia 2003).
  (func $draw (result i64)
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shl (global.get $drawn) (i64.const 13))))
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shr_u (global.get $drawn) (i64.const 7))))
    (global.set $drawn (i64.xor (global.get $drawn) (i64.shl (global.get $drawn) (i64.const 17))))
    (global.get $drawn))

  ;; Mostly a small number, so that most calls come through; else a boundary value of any type.
  (func $value (param $row i32) (param $at i32) (result i64)
    (if (i64.ne (i64.and (call $draw) (i64.const 15)) (i64.const 0))
      (then (return (i64.and (call $draw) (i64.const 31)))))
    (memory.init $values (global.get $scratch)
      (i32.mul (i32.wrap_i64 (i64.rem_u (call $draw) (i64.const COUNT))) (i32.const 8)) (i32.const 8))
    (i64.load (global.get $scratch)))
"""

_FUZZ_MAIN = """\

  (func (export "_start")
    (global.set $drawn (i64.or (call $clock/it#now) (i64.const 1)))
    (loop $again
      (drop (call_indirect (type $case) (i32.const 0) (i32.wrap_i64 (i64.rem_u (call $draw) (i64.const COUNT)))))
      (br $again))))"""


_HEAD = """\

  ;; Parameter `at` of a row, from 1 on.
  (func $value (param $row i32) (param $at i32) (result i64)
    (memory.init $rows (global.get $scratch) (i32.add (i32.mul (local.get $row) (i32.const 8)) (local.get $at)) (i32.const 1))
    (memory.init $values (global.get $scratch) (i32.mul (i32.load8_u (global.get $scratch)) (i32.const 8)) (i32.const 8))
    (i64.load (global.get $scratch)))

  ;; Tells the warden something; gives the next case.
  (func $tell (param $kind i32) (param $value i32) (result i32)
    (i32.store (global.get $scratch) (local.get $kind))
    (i32.store offset=4 (global.get $scratch) (local.get $value))
    (if (i32.ne (call $ask (global.get $scratch) (i32.const 8) (global.get $scratch) (i32.const 4)) (i32.const 4))
      (then unreachable))
    (i32.load (global.get $scratch)))
"""

_MAIN = """\

  (func (export "_start")
    (local $case i32)
    (local.set $case (call $tell (i32.const 0) (i32.const TOTAL)))
    (loop $next
      (memory.fill (i32.const 0) (i32.const 0) (i32.const 64))
      (local.set $case (call $tell (i32.const 1) (call $run (local.get $case))))
      (br $next))))"""


def _import(call: Call) -> str:
    params = "".join(f" {word}" for word in call.function.wasm_params)
    result = f" (result {call.function.wasm_result})" if call.function.wasm_result else ""
    return f'  (import "{call.module}" "{call.function.name}" (func {call.symbol}{f" (param{params})" if params else ""}{result}))'


def _caller(number: int, call: Call) -> Iterator[str]:
    """A function of wasm that makes one call with a row's values; it answers what can be an error, else 0."""
    yield f"  (func $call-{number} (param $row i32) (result i32)"
    words = []
    for at, kind in enumerate(call.function.wasm_params, 1):
        value = f"(call $value (local.get $row) (i32.const {at}))"
        words.append(f" (i32.wrap_i64 {value})" if kind == "i32" else f" {value}")
    made = f"(call {call.symbol}{''.join(words)})"
    if call.function.result == "result":
        yield f"    {made})"
    elif call.function.wasm_result:
        yield f"    (drop {made}) (i32.const 0))"
    else:
        yield f"    {made} (i32.const 0))"


def _table(names: list[str]) -> Iterator[str]:
    yield ""
    yield "  (type $case (func (param i32) (result i32)))"
    yield f"  (table {len(names)} {len(names)} funcref)"
    yield f"  (elem (i32.const 0) {' '.join(names)})"


def _run(names: list[str]) -> Iterator[str]:
    yield from _table(names)
    yield "  (func $run (param $row i32) (result i32)"
    yield "    (memory.init $rows (global.get $scratch) (i32.mul (local.get $row) (i32.const 8)) (i32.const 1))"
    yield "    (call_indirect (type $case) (local.get $row) (i32.load8_u (global.get $scratch))))"


def _data(data: bytes) -> str:
    return "\n    ".join(f'"{"".join(f"{chr(92)}{byte:02x}" for byte in data[at:at + 32])}"' for at in range(0, max(1, len(data)), 32))


def manifest(interfaces: Interfaces, name: str, summary: str, more: tuple[str, ...]) -> str:
    """The app.toml of one that calls everything: a need of every capability, and everything that can be provided."""
    lines = [f"# Made from kernel/interfaces by tests/tools/boundary.py, as {name}.wat is: it needs and provides one of everything.", "",
             "[app]", f'name = "{name}"', 'kind = "program"', f'summary = "{summary}"', f'build.wat = "{name}.wat"', *more]
    for name, capability in interfaces.capabilities.items():
        if capability.takes_need:
            lines += ["", f"[needs.{name}.{NEED}]", *_fields(capability.need_fields)]
        if capability.server:
            lines += ["", f"[provides.{name}.{NEED}]", *_fields(capability.provide_fields)]
    return "\n".join([*lines, "", "[limits]", 'memory = "640 KiB"', ""])


def peer_manifest(interfaces: Interfaces, name: str, section: str) -> str:
    """The app.toml of a peer, with `needs` or `provides` of each capability that is wired."""
    lines = [f"# Made from kernel/interfaces by tests/tools/boundary.py: the other end of wires of `{NAME}`. It sleeps for ever.", "",
             "[app]", f'name = "{name}"', 'kind = "program"', 'summary = "Is wired to what calls everything, and says nothing"', f'build.wat = "{name}.wat"',
             "", "[needs.clock.time]"]
    for word, capability in _wires(interfaces):
        lines += ["", f"[{section}.{word}.{NEED}]", *_fields(capability.need_fields if section == "needs" else capability.provide_fields)]
    return "\n".join([*lines, "", "[limits]", 'memory = "640 KiB"', ""])


def peer_module(interfaces: Interfaces, section: str) -> str:
    """A peer's WAT: it would call every function of its wires, if it ever woke."""
    wired = [Call(f"munal:{word}{'' if section == 'needs' else '-server'}/{NEED}", function)
             for word, c in _wires(interfaces) for function in (c.client if section == "needs" else c.server).values()]
    lines = ["(module", '  (import "munal:clock/time" "sleep" (func $sleep_until (param $deadline i64)))', *(_import(call) for call in wired),
             '  (memory (export "memory") 1 1)', '  (func (export "_start")', "    (call $sleep_until (i64.const -1))"]
    for call in wired:
        made = f"(call {call.symbol}{''.join(f' ({word}.const 0)' for word in call.function.wasm_params)})"
        lines.append(f"    (drop {made})" if call.function.wasm_result else f"    {made}")
    lines[-1] += "))"
    return "\n".join([*lines, ""])


def _wires(interfaces: Interfaces) -> Iterator[tuple[str, Capability]]:
    return ((name, capability) for name, capability in interfaces.capabilities.items() if capability.wire)


def _fields(fields: tuple[Field, ...]) -> Iterator[str]:
    """What a need or a provide must say, and all that may be said to be allowed more: widths, kinds of handles, sharing."""
    for field in fields:
        if field.type in ("widths", "kinds"):
            allowed = list(field.among) if field.type == "widths" else sorted(SHARED)
            yield f"{field.name} = [{', '.join(str(each) if field.type == 'widths' else chr(34) + each + chr(34) for each in allowed)}]"
        elif field.type == "boolean":
            yield f"{field.name} = true"
        elif field.type in DEVICE:
            yield f"{field.name} = {DEVICE[field.type]}"
        elif field.default is None:
            yield f'{field.name} = "{NAME}"' if field.type == "string" else f"{field.name} = {max(field.min or 0, 8)}"


def files(interfaces: Interfaces) -> dict[Path, str]:
    """Everything that is written, by its path below apps/hostile."""
    return {
        Path(NAME, "app.toml"): manifest(interfaces, NAME, "Calls everything with every boundary value", ASKS),
        Path(NAME, f"{NAME}.wat"): module(interfaces),
        Path(FUZZ, "app.toml"): manifest(interfaces, FUZZ, "Calls everything with values drawn by lot", ()), Path(FUZZ, f"{FUZZ}.wat"): fuzz_module(interfaces),
        Path(SERVER, "app.toml"): peer_manifest(interfaces, SERVER, "provides"), Path(SERVER, f"{SERVER}.wat"): peer_module(interfaces, "provides"),
        Path(CLIENT, "app.toml"): peer_manifest(interfaces, CLIENT, "needs"), Path(CLIENT, f"{CLIENT}.wat"): peer_module(interfaces, "needs"),
    }


def main() -> None:
    for path, text in files(load_interfaces()).items():
        (APPS / path).parent.mkdir(parents=True, exist_ok=True)
        (APPS / path).write_text(text)


if __name__ == "__main__":
    main()
