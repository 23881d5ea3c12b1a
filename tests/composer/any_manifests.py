"""Manifests by chance: sound ones, made from the shapes and the interfaces, and the ways in which people and files spoil them.

Gets nothing but hypothesis' choices; gives workspaces as plain tables by path, or as texts.
"""

from __future__ import annotations

import datetime
from typing import Any

import tomli_w
from hypothesis import strategies as st

from composer.interfaces import Capability, Field, load_interfaces
from composer.shapes import LONGEST_NAME, MEMORY
from composer.units import GIB, SIZES, format_size

Tables = dict[str, dict[str, Any]]
"""A workspace: the plain table of each manifest, by its path."""

CAPABILITIES = load_interfaces().capabilities
NEEDED = [c for c in CAPABILITIES.values() if c.takes_need]
PROVIDED = [c for c in NEEDED if c.server]

NAMES = st.sampled_from(["a", "z9", "com1", "hello", "a-b", "a--", "kernel-1", "x" * LONGEST_NAME, "true", "inf"]) | st.text("abz019-", max_size=6).map("n{}".format)
NEED_NAMES = NAMES | st.sampled_from(["a_b", "a_", "kernel", "app"])
LINES = (st.sampled_from(["", "A line", 'Größe "3" = [x] # no comment', "x" * 200, "漢字", chr(92) * 2, "\x27" * 3])
         | st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), max_size=12))
MOST_WRITTEN = 10**12 - 1
"""The greatest number of a size's text."""
MEMORIES = st.integers(MEMORY[0] // 1024, MEMORY[1] // 1024).map(lambda kib: format_size(kib * 1024))
SHARES = st.integers(10, 1000).map(lambda permille: f"{permille // 10}.{permille % 10} %")
PERIODS = st.integers(1, 1000).map(lambda ms: f"{ms} ms")
CPU_TIMES = st.integers(1, 86_400).map(lambda s: f"{s} s")
BACKOFFS = st.integers(1, 60_000).map(lambda ms: f"{ms} ms") | st.integers(1, 60).map(lambda s: f"{s} s")


CARD: dict[str, Any] = {
    "model": {"summary": "A card"},
    "region": {"common": {"bar": 0, "length": 64, "free": [[0, 4]], "limit": {"size": {"offset": 8, "width": 16, "most": 256}},
                          "pointer": {"ring": {"offset": 16, "reach": 256, "to": ["ring"]}}}},
    "table": {"ring": {"entry": 16, "count": 16, "copies": 2, "free": [[12, 16]],
                       "pointer": {"buffer": {"offset": 0, "length": {"offset": 8, "width": 32}, "to": ["memory"]}}}},
    "reset": [{"region": "common", "offset": 4, "width": 8, "write": 0}, {"region": "common", "offset": 4, "width": 8, "wait": {"mask": 255, "is": 0}}],
}
"""The model that every need of a device names."""


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """What a manifest may say for a field of an interface."""
    if field.type == "integer":
        return st.integers(field.min, field.max)
    if field.type == "size":
        return st.integers(field.min or 0, min(field.max or 4 * GIB, MOST_WRITTEN)).map(lambda size: f"{size} {next(iter(SIZES))}")
    return {
        "access": st.sampled_from(field.among or ("r", "w", "rw")),
        "path": st.lists(st.sampled_from(["home", "notes", "é", "a b"]), max_size=3).map(lambda parts: f"/{'/'.join(parts)}"),
        "widths": st.lists(st.sampled_from([8, 16, 32]), min_size=1, unique=True),
        "string": LINES.filter(lambda text: 1 <= len(text) <= LONGEST_NAME),
        "wire": st.builds("{}.{}".format, NAMES, NEED_NAMES),
        "instances": st.lists(NAMES, min_size=1, max_size=3, unique=True) | st.just(["*"]),
        "boolean": st.booleans(),
        "matches": st.lists(st.sampled_from(["1af4:1044", "1AF4:1005", "01:06", "01:06:01"]), min_size=1, max_size=3),
        "model": st.just("../../devices/card.toml"),
        "slot": st.just("any") | st.sampled_from(["00:03.0", "ff:1f.7"]),
        "kinds": st.lists(st.sampled_from(["stream", "channel", "service"]), unique=True),
    }[field.type]


def table_of(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """A table of these fields: those without a default are there, unless they are optional; others may be."""
    needed, others = ([f for f in fields if (f.default is None and not f.optional) is wanted] for wanted in (True, False))
    return st.fixed_dictionaries({f.name: value_of(f) for f in needed}, optional={f.name: value_of(f) for f in others})


def grant_of(capability: Capability) -> st.SearchStrategy[Any]:
    """A whole grant: one of several keys where it has a choice."""
    whole = [field for field in capability.grant_fields if field.name not in capability.one_of]
    if not capability.one_of:
        return table_of(tuple(whole)) if whole else st.sampled_from([True, {}])
    choices = [field for field in capability.grant_fields if field.name in capability.one_of]
    return st.one_of([table_of((*whole, choice)) for choice in choices])


def _some(each: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """At most three of these keys."""
    return st.lists(st.sampled_from(sorted(each)), max_size=3, unique=True).flatmap(lambda names: st.fixed_dictionaries({name: each[name] for name in names}))


def _needs() -> st.SearchStrategy[dict[str, dict[str, Any]]]:
    def need(capability: Capability) -> st.SearchStrategy[dict[str, Any]]:
        table = st.tuples(table_of(capability.need_fields), st.booleans()).map(lambda made: {**made[0], **({"optional": True} if made[1] else {})})
        return st.dictionaries(NEED_NAMES, table, min_size=1, max_size=2)

    return _some({c.name: need(c) for c in NEEDED})


def _provides() -> st.SearchStrategy[dict[str, dict[str, Any]]]:
    return _some({c.name: st.dictionaries(NEED_NAMES, table_of(c.provide_fields), min_size=1, max_size=2) for c in PROVIDED})


@st.composite
def apps(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """An app's manifest; it is built from a prebuilt module beside it."""
    made: dict[str, Any] = {"app": {"name": name, "kind": draw(st.sampled_from(["driver", "service", "program"])), "summary": draw(LINES),
                                    "build": {"wasm": "app.wasm"}}}
    for key, tables in (("needs", draw(_needs())), ("provides", draw(_provides()))):
        if tables or draw(st.booleans()):
            made[key] = tables
    if draw(st.booleans()):
        made["limits"] = {"memory": draw(MEMORIES)}
    return made


@st.composite
def instances(draw: st.DrawFn, app: dict[str, Any]) -> dict[str, Any]:
    """An instance of an app, with a decision on each need that takes one."""
    made: dict[str, Any] = {"app": app["app"]["name"]}
    grants: dict[str, dict[str, Any]] = {}
    for word, needs in app.get("needs", {}).items():
        for name in needs:
            if draw(st.integers(0, 4)):
                grants.setdefault(word, {})[name] = draw(grant_of(CAPABILITIES[word]) | st.just(False))
    if grants:
        made["grant"] = grants
    limits = draw(st.fixed_dictionaries({}, optional={"memory": MEMORIES, "cpu": SHARES, "period": PERIODS, "cpu_time": CPU_TIMES, "handles": st.integers(0, 4096)}))
    if limits:
        made["limits"] = limits
    if draw(st.booleans()):
        made["priority"] = draw(st.sampled_from(["low", "normal", "high", "urgent"]))
    policy = st.sampled_from(["never", "on-failure", "always"])
    restart = draw(st.none() | policy | st.fixed_dictionaries({}, optional={"policy": policy, "backoff": BACKOFFS, "limit": st.integers(0, 1000)}))
    return made if restart is None else {**made, "restart": restart}


@st.composite
def workspaces(draw: st.DrawFn) -> Tables:
    """A workspace whose manifests have nothing wrong with them, each by itself; rules may refuse the system."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    made: Tables = {f"apps/{name}/app.toml": draw(apps(name)) for name in names}
    chosen = draw(st.dictionaries(NAMES, st.sampled_from(names), max_size=4))
    profile: dict[str, Any] = {"profile": {"summary": draw(LINES)}} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        profile["kernel"] = {"emergency": draw(st.just(False) | st.fixed_dictionaries({"port": st.integers(1, 0xFFF8)}))}
        if draw(st.booleans()):
            profile["kernel"]["panic"] = draw(st.sampled_from(["halt", "reset"]))
    if chosen:
        profile["instance"] = {name: draw(instances(made[f"apps/{app}/app.toml"])) for name, app in chosen.items()}
    made["profiles/main.toml"] = profile
    if any("device" in app.get("needs", {}) for app in made.values()):
        made["devices/card.toml"] = CARD
    made["munal.toml"] = {"workspace": {"name": draw(NAMES), "version": "0.1.0", "apps": ["apps/*"], "profiles": ["profiles/*.toml"], "default": "main"}}
    return made


def texts(tables: Tables) -> dict[str, str]:
    return {path: tomli_w.dumps(table) for path, table in tables.items()}


# Faults

ODD_VALUES: list[Any] = [
    True, False, "", "3", "x" * 300, "a\nb", "\x7f\u202e", "1 MiB", "com1.serial", "kernel", 0, -1, 3, 65535, 65536, 2**63 - 1, -(2**63), 3.0,
    float("inf"), float("nan"), [], [[]], [1, "a"], ["*"], {}, {"a": 1}, {"": {}}, datetime.date(2026, 1, 2), datetime.time(1, 2),
]
ODD_KEYS = ["", "x", "app", "instance", "grant", "port", "base", "kernel", "needs", "é", "a.b", '"', "\n", "profile", "extends", "remove", "x" * 60]


@st.composite
def spoiled_tables(draw: st.DrawFn, tables: Tables) -> Tables:
    """The same with one to three keys deleted, renamed, doubled, given another value or put one table deeper."""
    made = {path: _copy(table) for path, table in tables.items()}
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(made)))
        spots = list(_spots(made[path]))
        if spots:
            table, key = draw(st.sampled_from(spots))
            draw(st.sampled_from([_delete, _rename, _double, _retype, _nest]))(draw, table, key)
    return made


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _spots(table: dict[str, Any]) -> Any:
    """Every key of every table, with the table that it stands in."""
    for key, value in table.items():
        yield table, key
        if isinstance(value, dict):
            yield from _spots(value)


def _delete(draw: st.DrawFn, table: dict[str, Any], key: str) -> None:
    del table[key]


def _rename(draw: st.DrawFn, table: dict[str, Any], key: str) -> None:
    table[draw(st.sampled_from([*ODD_KEYS, key[:-1], key + "s", key.upper()]))] = table.pop(key)


def _double(draw: st.DrawFn, table: dict[str, Any], key: str) -> None:
    table[draw(st.sampled_from(ODD_KEYS))] = _copy(table[key])


def _retype(draw: st.DrawFn, table: dict[str, Any], key: str) -> None:
    table[key] = draw(st.sampled_from(ODD_VALUES))


def _nest(draw: st.DrawFn, table: dict[str, Any], key: str) -> None:
    inner = table[key]
    for _ in range(draw(st.sampled_from([1, 2, 40]))):
        inner = {draw(st.sampled_from(["a", key])): inner}
    table[key] = inner


SPLICES = st.binary(max_size=6) | st.sampled_from([
    b"\n", b"=", b"[", b"]", b"[[", b"{", b"}", b'"', b"'''", b"#", b".", b",", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xc3", b"1e400", b"[instance.x]\n",
    b"\nx = 1\n", b"true", b"0x", b"\\u0000", b"\x1b[2J", "\u202e".encode(), b"[" * 200, b"9" * 5000,
])


@st.composite
def spoiled_texts(draw: st.DrawFn, files: dict[str, str]) -> dict[str, bytes]:
    """The same with bytes cut out of one manifest and others put in, or one of its lines doubled or moved."""
    made = {path: text.encode() for path, text in files.items()}
    path = draw(st.sampled_from(sorted(made)))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(made[path])))
        made[path] = made[path][:at] + draw(SPLICES) + made[path][at + draw(st.integers(0, 8)):]
    else:
        lines = made[path].splitlines(keepends=True)
        line = draw(st.sampled_from(lines)) if lines else b"x = 1\n"
        lines.insert(draw(st.integers(0, len(lines))), line)
        made[path] = b"".join(lines)
    return made


# Profiles that extend each other

@st.composite
def profile_graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Which profile extends which: anything, circles and unknown names included."""
    names = [f"p{number}" for number in range(draw(st.integers(1, 6)))]
    return {name: draw(st.lists(st.sampled_from([*names, *names, "gone"]), max_size=3)) for name in names}
