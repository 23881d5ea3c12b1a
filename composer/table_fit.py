"""Whether bytes that call themselves a system table are one, decided before anything is believed of them.

Gets bytes from anywhere; gives the table as `table.decode` names it, or a sentence that says what is wrong. What the kernel
refuses at boot (kernel/logic/src/table/check.rs), and what the composer never writes, is refused here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from composer import badge as badges
from composer import device_fit
from composer import table as tables
from composer.device import Device
from composer.layout import HandleKind
from composer.system import MOST_QUEUED, SHARED

MOST = 4096
"""Instances, streams, services or modules, and handles of one instance."""

MOST_CAPACITY = 1 << 20
DEEPEST = 9
DIGEST_BYTES = 32
PORTS = 1 << 16
ADDRESSES = 1 << 52
LARGEST = 1 << 63
OBJECTS = {HandleKind.IRQ_ISA: 16, HandleKind.IRQ_GLOBAL: 240, HandleKind.CLOCK: 2}
"""How many interrupts there are of each kind, and clocks: monotonic alone, or with the time of day, too."""

MOST_HANDLES = 4096
"""Handles that an instance may hold beyond those that the table lists."""

DEPTHS = range(1, 257)
"""Messages that one direction of a channel may hold."""

LONGEST_NAME = 256

PERIODS_US = range(1000, 1_000_001)

INDEXED = {HandleKind.STREAM_CLIENT: "streams", HandleKind.STREAM_SERVER: "streams", HandleKind.SERVICE_CLIENT: "services",
           HandleKind.SERVICE_SERVER: "services", HandleKind.DEVICE: "devices", HandleKind.SERVICE_BADGED: "badges", HandleKind.CHANNEL_CLIENT: "channels", HandleKind.CHANNEL_SERVER: "channels"}
"""Handles whose object is a place in a list of the table."""

PLAIN_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{0,1280}")
"""A text that a terminal shows as it is: no control characters, none that turn the direction of writing."""

Form = Callable[[Any], bool]


class TableFault(ValueError):
    """Why bytes are no system table: a sentence without its full stop."""


def fitting(data: bytes, before: int) -> dict[str, Any]:
    """The table in `data`, as `table.decode` gives it; `before` is where it starts in its section: modules lie before it.

    Raises TableFault, and nothing else, for bytes that are not exactly one table of ours.
    """
    raw = _loaded(data)
    _require(isinstance(raw, dict), "it is no map")
    version = raw.get(0)
    _require(not _number(version) or version == tables.VERSION,
             f"it has version {version}, and this composer reads version {tables.VERSION}")
    _shape("the table", raw, tables.TABLE_KEYS, TABLE)
    _require(_written(raw) == data, "it is not in the one encoding that CBOR calls deterministic")
    made = tables.decode(data)
    _indexes(made, before)
    return made


def _loaded(data: bytes) -> Any:
    import cbor2

    try:
        return cbor2.loads(data, max_depth=DEEPEST, allow_indefinite=False, allow_duplicate_keys=False, semantic_decoders=_NO_TAGS)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as fault:
        raise TableFault(f"it is no CBOR that can be read: {_plainly(fault)}") from fault


def _written(raw: Any) -> bytes:
    import cbor2

    return cbor2.dumps(raw, canonical=True)


def _plainly(fault: Exception) -> str:
    return str(fault).partition("\n")[0] or type(fault).__name__


def _no_tag(*_: Any) -> Any:
    raise ValueError("a tag")


class _NoTags(dict[int, Callable[..., Any]]):
    """Tags make dates, patterns and circles of plain values; a table has none."""

    def __contains__(self, tag: object) -> bool:
        return True

    def get(self, tag: Any, default: Any = None) -> Callable[..., Any]:
        return _no_tag

    def __missing__(self, tag: int) -> Callable[..., Any]:
        return _no_tag


_NO_TAGS = _NoTags()


# The forms of values, in the order of the keys

def _number(value: Any) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def _text(value: Any) -> bool:
    return type(value) is str and PLAIN_TEXT.fullmatch(value) is not None


def _name(value: Any) -> bool:
    return _text(value) and len(value) <= LONGEST_NAME


def _badge(value: Any) -> bool:
    return type(value) is bytes and len(value) <= badges.LARGEST


def _digest(value: Any) -> bool:
    return type(value) is bytes and len(value) == DIGEST_BYTES


def _below(limit: int) -> Form:
    return lambda value: _number(value) and value < limit


def _port_or_none(value: Any) -> bool:
    return value is None or (_number(value) and 0 < value < PORTS)


def _handle_kind(value: Any) -> bool:
    return _number(value) and value in set(HandleKind)


def _numbers(value: Any) -> bool:
    return type(value) is list and len(value) <= MOST and all(map(_number, value))


def _list_of(what: str, keys: Sequence[str], forms: Sequence[Form]) -> Form:
    def fits(value: Any) -> bool:
        _require(type(value) is list and len(value) <= MOST, f"its {what}s are no list of at most {MOST}")
        for number, each in enumerate(value):
            _shape(f"{what} {number}", each, keys, forms)
        return True

    return fits


def _shape(what: str, value: Any, keys: Sequence[str], forms: Sequence[Form]) -> None:
    known = isinstance(value, dict) and all(type(key) is int for key in value) and set(value) == set(range(len(keys)))
    _require(known, f"{what} is no map with the keys 0 to {len(keys) - 1}")
    for number, (key, form) in enumerate(zip(keys, forms, strict=True)):
        _require(form(value[number]), f"`{key}` of {what} is none that can be")


def _devices(value: Any) -> bool:
    return type(value) is list and len(value) <= MOST and all(device_fit.is_form_of(Device, each, _name) for each in value)


MODULE = (_name, _number, _number, _digest)
PORT = (_name, _below(PORTS), _below(PORTS + 1), _below(4), _below(8))
MEMORY = (_name, _below(ADDRESSES), _below(ADDRESSES + 1), _below(4), _below(16))
HANDLE = (_name, _handle_kind, _number, _below(8), _numbers)
INSTANCE = (_name, _name, _below(len(tables.KINDS)), _number, _number, _number, _number, _below(len(tables.POLICIES)), _number, _number,
            _list_of("port grant", tables.WINDOW_KEYS, PORT), _list_of("handle", tables.HANDLE_KEYS, HANDLE),
            _list_of("grant of device memory", tables.WINDOW_KEYS, MEMORY),
            _below(len(tables.PRIORITIES)), _number, _number, _below(MOST_HANDLES + 1))
STREAM = (_name, _number, _number, _number)
SERVICE = (_name, _number)
BADGE = (_number, _badge, _name, _text)
CHANNEL = (_name, _number, _number, _number, _number, _below(1 << len(SHARED)))
TABLE = (_number, _name, _name, _name, _digest, _port_or_none, _list_of("module", tables.MODULE_KEYS, MODULE),
         _list_of("instance", tables.INSTANCE_KEYS, INSTANCE), _list_of("stream", tables.STREAM_KEYS, STREAM),
         _list_of("service", tables.SERVICE_KEYS, SERVICE), _list_of("channel", tables.CHANNEL_KEYS, CHANNEL), _below(len(tables.PANICS)), _devices,
         _list_of("badge", tables.BADGE_KEYS, BADGE))


# What numbers refer to

def _indexes(table: dict[str, Any], before: int) -> None:
    names = [module["name"] for module in table["modules"]]
    _require(names == sorted(set(names)), "its modules are not in the order of their names")
    end = 0
    for module in table["modules"]:
        _require(module["offset"] >= end, f"module `{module['name']}` shares its bytes with another")
        end = module["offset"] + module["length"]
        _require(end <= before, f"module `{module['name']}` lies outside of the image's code")
    owners = [instance["name"] for instance in table["instances"]]
    _require(owners == sorted(set(owners)), "its instances are not in the order of their names")
    for stream in table["streams"]:
        _require(max(stream["server"], stream["client"]) < len(owners), f"stream `{stream['name']}` joins an instance that is not there")
        _require(1 <= stream["capacity"] <= MOST_CAPACITY, f"stream `{stream['name']}` holds {stream['capacity']} bytes")
    for service in table["services"]:
        _require(service["server"] < len(owners), f"service `{service['name']}` is served by nobody")
    for number, badge in enumerate(table["badges"]):
        _require(badge["service"] < len(table["services"]), f"badge {number} is for no service")
    for channel in table["channels"]:
        _require(max(channel["server"], channel["client"]) < len(owners), f"channel `{channel['name']}` joins an instance that is not there")
        _require(channel["depth"] in DEPTHS, f"channel `{channel['name']}` holds {channel['depth']} messages")
        fits = 1 <= channel["largest"] <= MOST_CAPACITY and channel["largest"] * channel["depth"] <= MOST_QUEUED
        _require(fits, f"channel `{channel['name']}` holds {channel['depth']} messages of {channel['largest']} bytes")
    for device in table["devices"]:
        fault = device_fit.fault_of(device, len(owners))
        _require(fault is None, f"device `{device['need']}` {fault}")
    for instance in table["instances"]:
        _instance(table, instance, names)


def _instance(table: dict[str, Any], instance: dict[str, Any], modules: list[str]) -> None:
    name = instance["name"]
    _require(max(instance["module"], instance["glue"]) < len(modules), f"`{name}` has no module")
    expected = (tables.app_module(instance["app"]), tables.glue_module(name))
    _require((modules[instance["module"]], modules[instance["glue"]]) == expected, f"`{name}` runs the code of another")
    _require(1 <= instance["cpu_permille"] <= 1000, f"`{name}` has a CPU share of {instance['cpu_permille']} permille")
    _require(instance["period_us"] in PERIODS_US, f"`{name}` has a period of {instance['period_us']} microseconds")
    for port in instance["ports"]:
        inside = port["length"] > 0 and port["base"] + port["length"] <= PORTS
        _require(inside, f"port grant `{port['need']}` of `{name}` leaves the 65,536 ports")
    for memory in instance["mmio"]:
        inside = memory["length"] > 0 and memory["base"] + memory["length"] <= ADDRESSES
        _require(inside, f"device memory `{memory['need']}` of `{name}` leaves the addresses that there are")
    for handle in instance["handles"]:
        _handle(table, name, handle)


def _handle(table: dict[str, Any], owner: str, handle: dict[str, Any]) -> None:
    kind = HandleKind[handle["kind"].upper().replace(" ", "_")]
    objects = len(table[INDEXED[kind]]) if kind in INDEXED else OBJECTS.get(kind, 1)
    _require(handle["object"] < objects, f"handle `{handle['name']}` of `{owner}` names object {handle['object']}")
    _require(all(index < len(table["instances"]) for index in handle["instances"]),
             f"handle `{handle['name']}` of `{owner}` names an instance that is not there")
    if kind is HandleKind.SERVICE_BADGED:
        _badged(table["badges"][handle["object"]], owner, handle["name"])


def _badged(badge: dict[str, Any], owner: str, name: str) -> None:
    """That the badge is its holder's, and that its words say what its bytes do: people read the words, providers the bytes."""
    try:
        said = badges.decode(bytes.fromhex(badge["data"]))
    except badges.NoBadge as why:
        raise TableFault(f"the badge of `{name}` of `{owner}` cannot be read: {why}") from why
    _require(said.instance == owner, f"handle `{name}` of `{owner}` has the badge of `{said.instance}`")
    _require(said.words == badge["words"], f"the badge of `{name}` of `{owner}` is not what its words say")


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise TableFault(sentence)
