"""The manifests' shapes as strict pydantic models: nothing is coerced, no key is unknown, every number has its bounds.

What a capability adds to needs, provides and grants is derived from kernel/interfaces/; models are built when first used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Annotated, Any, Literal

# What a manifest means does not depend on which plugins happen to be installed. Being told so, pydantic still imports what would
# look for them, which takes as long as all else that a check does: this stands in its place.
sys.modules.setdefault("pydantic.plugin._loader", SimpleNamespace(get_plugins=tuple))  # type: ignore[arg-type]

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, create_model  # noqa: E402

from composer import interfaces, units  # noqa: E402
from composer.device import MOST_MATCHES, Match, is_slot, parse_match  # noqa: E402
from composer.diagnostics import declare  # noqa: E402
from composer.load import LONGEST_PATH  # noqa: E402
from composer.system import DEFAULT_MACHINE, SHARED, Access, Bounds, OnPanic, Priority, Restart  # noqa: E402
from composer.units import GIB, KIB, M0106, M0107, MIB, Complaint  # noqa: E402

M0110 = declare("M0110", "a name that is not spelled as names are")
M0111 = declare("M0111", "a value that is none of the choices")
M0117 = declare("M0117", "a text that cannot stand where it is written")

LONGEST_NAME = 48
MEMORY = (64 * KIB, 8 * GIB)
DEFAULT_MEMORY = MIB
MOST_INSTANCES = 256
MOST_NEEDS = 64
WHOLE_CPU = 1000
LAST_EMERGENCY_PORT = 0xFFF8
"""A serial port's eight registers follow the emergency port."""

LONGEST_FOLDER, LONGEST_PART = 1024, 255
"""Bytes of a granted path, and of each name in it, as file systems commonly have them."""

_NAME = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_NEED_NAME = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}", re.ASCII)
_MACHINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}", re.ASCII)


class Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


def check_name(name: str) -> str:
    """A name of an app, an instance or a profile. Raises Complaint."""
    if name == "kernel":
        raise Complaint(M0110, "`kernel` is the kernel's own name", "choose another name")
    return _check_spelling(name, _NAME, "lower-case letters, digits and `-`")


def check_need_name(name: str) -> str:
    """A name of a need or of something provided. Raises Complaint."""
    return _check_spelling(name, _NEED_NAME, "lower-case letters, digits, `-` and `_`")


def is_need_name(name: str) -> bool:
    """Whether a need or something provided can be called so."""
    return len(name) <= LONGEST_NAME and _NEED_NAME.fullmatch(name) is not None


def _check_spelling(name: str, pattern: re.Pattern[str], letters: str) -> str:
    if len(name) > LONGEST_NAME:
        raise Complaint(M0110, f"`{name[:LONGEST_NAME]}…` is longer than {LONGEST_NAME} characters", "choose a shorter name")
    if not pattern.fullmatch(name):
        raise Complaint(M0110, f"`{name}` is not spelled as names are", f"a name has {letters}, and starts with a letter")
    return name


def _check_line(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise Complaint(M0117, "this text is no single printable line of at most 200 characters", "say it shorter, on one line")
    return text


def _check_word(text: str) -> str:
    if not 1 <= len(text) <= LONGEST_NAME or not text.isprintable():
        raise Complaint(M0117, f"this text has not 1 to {LONGEST_NAME} printable characters", "both ends compare it, letter for letter")
    return text


def _check_version(text: str) -> str:
    if not _VERSION.fullmatch(text):
        raise Complaint(M0117, f"`{text[:64]}` is no version", 'write one like "0.1.0": letters, digits, `.`, `+` and `-`, at most 64')
    return text


def _check_path(path: str) -> str:
    bad = not path or path.startswith("/") or "\\" in path or not path.isprintable() or len(path) > LONGEST_PATH
    if bad:
        raise Complaint(M0117, f"`{path[:64]}` is no relative path", "write it from the app's folder on, with forward slashes")
    return path


def check_folder(path: str) -> str:
    """A path that a grant of files names: one spelling for each folder, so that what lies below which can be told."""
    parts = path.split("/")
    if not path.startswith("/"):
        raise Complaint(M0117, f"`{path[:64]}` is no path from the root on", "begin it with `/`, the root of what the provider keeps")
    if len(path.encode()) > LONGEST_FOLDER or any(len(part.encode()) > LONGEST_PART for part in parts):
        raise Complaint(M0117, f"`{path[:64]}…` is too long for a path", f"{LONGEST_FOLDER} bytes in UTF-8 are possible, {LONGEST_PART} for each name in it")
    if not path.isprintable():
        raise Complaint(M0117, "this path has characters that cannot be shown", "use letters, digits, marks and spaces")
    if path != "/" and not {"", ".", ".."}.isdisjoint(parts[1:]):
        raise Complaint(M0117, f"`{path[:64]}` is not the shortest way to say this path", f"write `{_shortest(parts)}`")
    return path


def _shortest(parts: list[str]) -> str:
    """The same folder, without empty names, `.` and `..`."""
    kept: list[str] = []
    for part in parts:
        if part == "..":
            kept = kept[:-1]
        elif part not in ("", "."):
            kept.append(part)
    return f"/{'/'.join(kept)}"


def _check_machine(text: str) -> str:
    if not _MACHINE.fullmatch(text):
        raise Complaint(M0117, f"`{text[:64]}` is no machine of QEMU's", 'write one like "q35" or "pc"; `qemu-system-x86_64 -machine help` lists them')
    return text


def _within(parse: Callable[[object], int], show: Callable[[int], str], least: int, most: int) -> BeforeValidator:
    """Takes a text with its unit, gives the number that `parse` reads in it, which lies within the bounds."""

    def check(written: object) -> int:
        number = parse(written)
        if not least <= number <= most:
            raise Complaint(M0107, f"`{written}` is out of range", f"between {show(least)} and {show(most)} is possible")
        return number

    return BeforeValidator(check)


def _between(least: int, most: int) -> BeforeValidator:
    """Takes a size with its unit, gives bytes within the bounds."""
    return _within(units.parse_size, units.format_size, least, most)


def _lasting(least: int, most: int) -> BeforeValidator:
    """Takes a duration with its unit, gives milliseconds within the bounds."""
    return _within(units.parse_duration, units.format_duration, least, most)


def _check_share(written: object) -> int:
    share = units.parse_share(written)
    if not 10 <= share <= WHOLE_CPU:
        raise Complaint(M0107, f"`{written}` is out of range", "between 1 % and 100 % of one processor is possible")
    return share


_ACCESSES = {"r": '"r" for reads', "w": '"w" for writes', "rw": '"rw" for both'}


def _access(among: tuple[str, ...]) -> BeforeValidator:
    """Takes the letters of an access that is one of `among`."""
    *first, last = (_ACCESSES[letters] for letters in among)

    def check(written: object) -> Access:
        if written not in among:
            raise Complaint(M0111, f"`{str(written)[:40]}` is no access{' here' if written in [*_ACCESSES] else ''}", f"write {', '.join(first)} or {last}")
        return Access(written)

    return BeforeValidator(check)


def _widths(among: tuple[int, ...]) -> BeforeValidator:
    """Takes an array of widths in bits, gives those of `among` in their order."""

    def check(written: object) -> tuple[int, ...]:
        if not isinstance(written, (list, tuple)) or not all(type(width) is int for width in written):
            raise Complaint(M0106, "expected an array of widths in bits", f"write one like [{among[0]}] or [{among[0]}, {among[1]}]")
        if not written or not set(written) <= set(among) or len(set(written)) < len(written):
            choices = f"{', '.join(map(str, among[:-1]))} and {among[-1]}"
            raise Complaint(M0111, "these are no widths of an access", f"choose from {choices}, each at most once")
        return tuple(sorted(written))

    return BeforeValidator(check)


def _check_kinds(written: object) -> tuple[str, ...]:
    if not isinstance(written, (list, tuple)) or not all(isinstance(kind, str) for kind in written):
        raise Complaint(M0106, "expected an array of kinds of handles", 'write one like ["stream"], or [] for none')
    if len(set(written)) < len(written) or not set(written) <= set(SHARED):
        raise Complaint(M0111, "these are no kinds of handles that messages can carry", f"choose from {', '.join(SHARED[:-1])} and {SHARED[-1]}, each at most once")
    return tuple(kind for kind in SHARED if kind in written)


def _check_wire(written: str) -> str:
    server, dot, provide = written.partition(".")
    if not dot or not _NAME.fullmatch(server) or not _NEED_NAME.fullmatch(provide):
        raise Complaint(M0111, f"`{written[:100]}` names nothing that can be wired", "write the instance, a dot and what it provides, like `com1.serial`")
    return written


def _check_instances(written: object) -> tuple[str, ...]:
    if not isinstance(written, (list, tuple)) or not all(isinstance(name, str) for name in written):
        raise Complaint(M0106, "expected an array of names of instances", 'write one like ["hello", "clock"], or ["*"] for all')
    if not written or len(set(written)) < len(written) or ("*" in written and len(written) > 1):
        raise Complaint(M0111, "this is no set of instances", 'name each once, or write ["*"] alone for all')
    return tuple(name if name == "*" else check_name(name) for name in written)


def _check_match(text: object) -> Match:
    if not isinstance(text, str):
        raise Complaint(M0106, "expected a string", 'write vendor and device in hexadecimal, like "1af4:1044"')
    found = parse_match(text)
    if found is None:
        raise Complaint(M0117, f"`{text[:40]}` names no device",
                        'write vendor and device with four digits each, like "1af4:1044", or a class with two each, like "01:06" or "01:06:01"')
    return found


def _each_once(found: list[Match]) -> tuple[Match, ...]:
    return tuple(dict.fromkeys(found))


def _check_slot(text: str) -> str:
    if not is_slot(text):
        raise Complaint(M0117, f"`{text[:40]}` is no place of a function",
                        'write bus, device (00 to 1f) and function (0 to 7) in hexadecimal, like "00:03.0", or "any" for the first that matches')
    return text.lower()


Name = Annotated[str, AfterValidator(check_name)]
Line = Annotated[str, AfterValidator(_check_line)]
RelativePath = Annotated[str, AfterValidator(_check_path)]
Memory = Annotated[int, _between(*MEMORY)]
Share = Annotated[int, BeforeValidator(_check_share)]
Backoff = Annotated[int, _lasting(1, 60_000)]
Period = Annotated[int, _lasting(1, 1000)]
CpuTime = Annotated[int, _lasting(1, 86_400_000)]


class Workspace(Shape):
    name: Name = Field(description="the system's name")
    version: Annotated[str, AfterValidator(_check_version)] = Field(description="the system's version")
    apps: list[str] = Field(description="where apps are: patterns of folders that hold an `app.toml`")
    profiles: list[str] = Field(description="where profiles are: patterns of `.toml` files")
    default: Name | None = Field(default=None, description="the profile that commands take when none is named")
    target: Name | None = Field(default=None, description="the target that commands take when none is named")


class TargetTable(Shape):
    summary: Line = Field(default="", description="what the machine is, in one line")
    machine: Annotated[str, AfterValidator(_check_machine)] = Field(default=DEFAULT_MACHINE, description="what QEMU calls it")


class WorkspaceFile(Shape):
    """`munal.toml`"""

    workspace: Workspace
    target: dict[Name, TargetTable] = Field(default={}, description="the machines that profiles are composed for: `target.<name>`")


class BuildTable(Shape):
    cargo: RelativePath | None = Field(default=None, description="a folder with a Cargo.toml")
    c: list[RelativePath] | None = Field(default=None, description="C sources", min_length=1, max_length=1024)
    wat: RelativePath | None = Field(default=None, description="a module as WebAssembly text")
    wasm: RelativePath | None = Field(default=None, description="a prebuilt module")
    command: list[Line] | None = Field(default=None, description="a command's words, run in the app's folder", min_length=1, max_length=256)
    output: RelativePath | None = Field(default=None, description="the module that the command leaves")


class AppTable(Shape):
    name: Name = Field(description="the app's name, one of its kind in the workspace")
    kind: Literal["driver", "service", "program"] = Field(description="what part it plays")
    summary: Line = Field(default="", description="what it is, in one line")
    build: BuildTable = Field(description="how its wasm is made: exactly one form")


class AppLimits(Shape):
    memory: Memory | None = Field(default=None, description="all memory that an instance may use, unless the instance says otherwise")


class AppFile(Shape):
    """`app.toml`"""

    app: AppTable
    needs: dict[str, dict[str, Any]] = Field(default={}, description="what the app asks for: `needs.<capability>.<name>`")
    provides: dict[str, dict[str, Any]] = Field(default={}, description="what it offers: `provides.<capability>.<name>`")
    limits: AppLimits = Field(default_factory=AppLimits)


Proof = Literal["required", "optional"]
Clock = Literal["host", "instructions"]


class ProfileTable(Shape):
    summary: Line = Field(default="", description="what the profile is for, in one line")
    proof: Proof | None = Field(default=None, description="whether each operation of each instance must be proved, or may be checked at run time")
    clock: Clock | None = Field(default=None, description="what the time of an emulated machine follows: the host's clock, or the instructions that it executes")
    extends: list[Name] = Field(default=[], description="profiles to start from", max_length=64)
    remove: list[str] = Field(default=[], description="dotted paths of what to take away from them")
    set: dict[str, Any] = Field(default={}, description="values of their parameters")
    targets: list[Name] | None = Field(default=None, description="the targets that it is made for; all, or those of its parents, where it does not say", min_length=1)


class EmergencyTable(Shape):
    port: Annotated[int, Field(ge=1, le=LAST_EMERGENCY_PORT)] = Field(description="first port of a 16550 for a panic's last words")


def _no_emergency(written: object) -> object:
    if written is True:
        raise Complaint(M0106, "`true` names no port", "write { port = 0x3f8 }, or false for none")
    if isinstance(written, str):
        raise Complaint(M0106, "expected a table", "write { port = 0x3f8 }, or false for none")
    return None if written is False else written


class KernelTable(Shape):
    emergency: Annotated[EmergencyTable | None, BeforeValidator(_no_emergency)] = Field(default=None, description="the emergency writer, or false for none")
    panic: Literal["halt", "reset"] = Field(default=OnPanic.HALT.value, description="what the machine does after a panic's last words")


class InstanceLimits(Shape):
    memory: Memory | None = Field(default=None, description="all memory that it may use: wasm memory and tables, stack, page tables, what the kernel keeps for it")
    cpu: Share | None = Field(default=None, description="share of one processor")
    period: Period = Field(default=Bounds().period_ms, description="over which the share counts")
    cpu_time: CpuTime | None = Field(default=None, description="CPU time of one life at most; no end where it is not said")
    handles: Annotated[int, Field(ge=0, le=4096)] = Field(default=Bounds().handles, description="handles at most, beyond those that it is wired with")


def _policy_alone(written: object) -> object:
    return {"policy": written} if isinstance(written, str) else written


class RestartTable(Shape):
    policy: Literal["never", "on-failure", "always"] = Field(default="on-failure", description="when it is started again")
    backoff: Backoff = Field(default=Restart().backoff_ms, description="wait before the first restart; doubled each time")
    limit: Annotated[int, Field(ge=0, le=1000)] = Field(default=Restart().limit, description="how many restarts")


class InstanceTable(Shape):
    app: Name | None = Field(default=None, description="the app that it runs")
    grant: dict[str, dict[str, Any]] = Field(default={}, description="what it is given: `grant.<capability>.<need>`")
    limits: InstanceLimits = Field(default_factory=InstanceLimits)
    priority: Literal["low", "normal", "high", "urgent"] = Field(default=Priority.NORMAL.value, description="who goes first where several want the processor")
    restart: Annotated[RestartTable, BeforeValidator(_policy_alone)] = Field(default_factory=RestartTable)
    proof: Proof | None = Field(default=None, description="for this instance, whatever its profile says")


class ParamTable(Shape):
    type: Literal["integer", "boolean", "string", "choice", "instance", "size", "duration", "share"] | None = Field(
        default=None, description="what its values are; a profile that narrows a parameter may leave it out")
    default: Any = Field(default=None, description="its value, unless a profile's `set` or -D says another")
    min: Any = Field(default=None, description="the least value")
    max: Any = Field(default=None, description="the greatest value")
    choices: list[Any] | None = Field(default=None, description="all values that it may have", min_length=1, max_length=256)
    doc: Line = Field(default="", description="what it is for, in one line")


class OverlayTable(Shape):
    remove: list[str] = Field(default=[], description="dotted paths of what to take away on this target")
    set: dict[str, Any] = Field(default={}, description="values of parameters on this target")
    kernel: KernelTable = Field(default_factory=KernelTable)
    instance: dict[str, InstanceTable] = Field(default={}, description="what is otherwise on this target: `instance.<name>`")


class ProfileFile(Shape):
    """`profiles/*.toml`: what it says itself, before it is joined with what it extends."""

    profile: ProfileTable = Field(default_factory=ProfileTable)
    param: dict[Name, ParamTable] = Field(default={}, description="what a variant can choose: `param.<name>`")
    kernel: KernelTable = Field(default_factory=KernelTable)
    instance: dict[str, InstanceTable] = Field(default={}, description="what runs: `instance.<name>`")
    target: dict[str, OverlayTable] = Field(default={}, description="what is otherwise on one target: `target.<name>`")


def _type_of(field: interfaces.Field) -> Any:
    if field.type == "integer":
        return Annotated[int, Field(ge=field.min, le=field.max)]
    if field.type == "size":
        return Annotated[int, _between(field.min or 0, field.max or 4 * GIB)]
    if field.type == "widths":
        return Annotated[tuple[int, ...], _widths(field.among)]
    return {
        "access": Annotated[Access, _access(field.among or tuple(_ACCESSES))],
        "string": Annotated[str, AfterValidator(_check_word)],
        "wire": Annotated[str, AfterValidator(_check_wire)],
        "instances": Annotated[tuple[str, ...], BeforeValidator(_check_instances)],
        "kinds": Annotated[tuple[str, ...], BeforeValidator(_check_kinds)],
        "boolean": bool,
        "matches": Annotated[list[Annotated[Match, PlainValidator(_check_match)]], Field(min_length=1, max_length=MOST_MATCHES), AfterValidator(_each_once)],
        "model": RelativePath,
        "path": Annotated[str, AfterValidator(check_folder)],
        "slot": Annotated[str, AfterValidator(_check_slot)],
    }[field.type]


def _column(field: interfaces.Field, required: bool) -> Any:
    if field.default is not None:
        return _type_of(field), Field(field.default, description=field.doc, validate_default=True)
    if required:
        return _type_of(field), Field(description=field.doc)
    return _type_of(field) | None, Field(None, description=field.doc)


@lru_cache(maxsize=128)
def need_shape(capability: str) -> type[Shape]:
    """What `needs.<capability>.<name>` may say."""
    columns: dict[str, Any] = {field.name: _column(field, True) for field in _capability(capability).need_fields}
    columns["optional"] = (bool, Field(False, description="the app can do without; it finds out by `granted`"))
    return create_model(f"Need_{capability}", __base__=Shape, **columns)


@lru_cache(maxsize=128)
def provide_shape(capability: str) -> type[Shape]:
    """What `provides.<capability>.<name>` may say."""
    columns: dict[str, Any] = {field.name: _column(field, True) for field in _capability(capability).provide_fields}
    return create_model(f"Provide_{capability}", __base__=Shape, **columns)


@lru_cache(maxsize=128)
def grant_shape(capability: str) -> type[Shape]:
    """What `grant.<capability>.<need>` may say in one profile: every key may be left to another profile of the chain."""
    columns: dict[str, Any] = {field.name: _column(field, False) for field in _capability(capability).grant_fields}
    return create_model(f"Grant_{capability}", __base__=Shape, **columns)


def _capability(name: str) -> interfaces.Capability:
    return interfaces.load_interfaces().capabilities[name]
