"""What a person may ask about: one small grammar for ports, interrupts, wires, control, memory and all else that is granted.

Gets words of the command line and the names that a workspace knows; gives a Resource, and the words that are left over.
GRAMMAR is what `munal why --help` shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from composer.device import slot_number, slot_text
from composer.diagnostics import did_you_mean, words
from composer.interfaces import load_interfaces
from composer.shapes import check_folder
from composer.system import Range
from composer.units import Complaint, format_share, format_size, parse_share, parse_size

GRAMMAR = """\
RESOURCE is one of, in one word or several:

\b
  0x3f8, port 0x3f8, port 0x3f8..0x3ff   I/O ports
  irq 4, isa 4, gsi 20                   an interrupt line
  device 00:03.0                         a PCI function, by its place
  com1.serial, stream com1.serial        what an instance provides: a stream, a channel, a service
  com1                                   anything of an instance
  /home/notes, files store.files /home   files below a path, of any provider or of one
  kernel.log                             the kernel's messages
  control clock                          starting and stopping an instance
  port.regs, acpi, audit, port           a need by its name, or any of a kind
  memory, memory 1MiB, cpu, cpu 50%      a limit, or as much of it

Before it may stand `read` or `write`, behind it a width: `write port 0x604 16-bit`.
"""

ACCESS = {"read": "r", "write": "w"}
LIMITS = ("memory", "cpu")
LINES = {"irq": "", "isa": "isa", "gsi": "gsi"}
NUMBERED = ("port", "mmio")
KERNEL_LOG = "kernel.log"

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}", re.ASCII)
_RANGE = re.compile(rf"({_NUMBER.pattern})(?:\.\.\.?({_NUMBER.pattern}))?", re.ASCII)
_WIDTH = re.compile(r"(8|16|32|64)-?bits?", re.ASCII)


class Unclear(ValueError):
    """The words name no resource; says why, and what may have been meant."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing to ask about. `kind` is a capability, `memory` or `cpu`, or empty where a name alone was given.

    `numbers` are ports, addresses, a line or a PCI function; `line` is isa or gsi, or empty for either; `name` is a need's, `from` an
    `instance.provide`, an instance or `kernel.log`; `path` is a folder or a file of it; `access` is r, w or empty for any; `amount` is
    bytes or permille.
    """

    kind: str
    numbers: Range | None = None
    line: str = ""
    need: str = ""
    server: str = ""
    access: str = ""
    width: int = 0
    amount: int | None = None
    path: str = ""

    def __str__(self) -> str:
        """In words: `write port 0x604 16-bit`."""
        verb = next((word for word, access in ACCESS.items() if access == self.access), "")
        width = f"{self.width}-bit" if self.width else ""
        return " ".join(filter(None, (verb, self._what(), width)))

    def _what(self) -> str:
        if self.kind in LIMITS:
            amount = "" if self.amount is None else format_size(self.amount) if self.kind == "memory" else format_share(self.amount)
            return f"{self.kind} {amount}".rstrip()
        if self.kind == "irq" and self.numbers:
            return f"{self.line or 'irq'} {self.numbers.base}"
        if self.kind == "device" and self.numbers:
            return f"{self.kind} {slot_text(self.numbers.base)}"
        if self.numbers:
            return f"{self.kind} {self.numbers}"
        if self.need:
            return f"{self.kind}.{self.need}"
        return " ".join(filter(None, (self.kind, self.server, self.path)))


@dataclass(frozen=True, slots=True)
class Names:
    """What a workspace knows: all instances and profiles, and what can be wired to, as `instance.provide`."""

    instances: tuple[str, ...]
    profiles: tuple[str, ...]
    provided: tuple[str, ...]


def read_question(said: Sequence[str], names: Names) -> tuple[Resource, str | None]:
    """The resource and, where a word is left, the profile, as PROFILE[@TARGET]. Raises Unclear.

    Words that can be read as a resource to the last are one; a profile is what then is left over.
    """
    parts = [part for word in said for part in word.split()]
    try:
        return read_resource(parts, names), None
    except Unclear as whole:
        last = parts[-1] if len(parts) > 1 else ""
        if not last or (not _is_profile(last, names) and _is_unclear(parts[:-1], names)):
            raise
        if not _is_profile(last, names):
            raise Unclear(f"there is no profile `{last}`; {did_you_mean(last, names.profiles) or f'the profiles are {words(names.profiles)}'}") from whole
    return read_resource(parts[:-1], names), parts[-1]


def _is_unclear(parts: Sequence[str], names: Names) -> bool:
    try:
        read_resource(parts, names)
    except Unclear:
        return True
    return False


def _is_profile(word: str, names: Names) -> bool:
    profile, at, _ = word.partition("@")
    return profile in names.profiles or bool(at and not profile)


def read_resource(parts: Sequence[str], names: Names) -> Resource:
    """All words as one resource. Raises Unclear."""
    access, width, rest = "", 0, list(parts)
    if rest and rest[0] in ACCESS:
        access = ACCESS[rest.pop(0)]
    if rest and (found := _WIDTH.fullmatch(rest[-1])):
        width = int(found[1])
        rest.pop()
    elif len(rest) > 2 and (found := _WIDTH.fullmatch(rest[-2] + rest[-1])):
        width = int(found[1])
        del rest[-2:]
    if not rest:
        raise Unclear(f"`{' '.join(parts)}` names no resource: `munal why --help` tells how to write one")
    return replace(_what(rest, names), access=access, width=width)


def _what(rest: list[str], names: Names) -> Resource:
    head, arguments = rest[0], rest[1:]
    if head in LIMITS:
        return _limit(head, "".join(arguments))
    if head.startswith("/") and not arguments:
        return Resource("files", path=_path(head))
    if head == "files" and len(arguments) == 2:
        return replace(_named(head, arguments[0], [], names), path=_path(arguments[1]))
    if len(arguments) > 1:
        raise Unclear(f"`{' '.join(rest)}` says too much: `munal why --help` tells how to write a resource")
    if _RANGE.fullmatch(head) and not arguments:
        return Resource("port", _range("port", head))
    if head in LINES:
        return _line(head, arguments)
    if head == "device" and arguments:
        return _function(arguments[0])
    if head in NUMBERED and arguments:
        return Resource(head, _range(head, arguments[0]))
    capabilities = load_interfaces().capabilities
    kind, dot, name = head.partition(".")
    if kind in capabilities and kind not in names.instances and dot and not arguments:
        return Resource(kind, need=name)
    if head in capabilities and capabilities[head].takes_need:
        return _of_capability(head, arguments, names)
    return _named("", head, arguments, names)


def _of_capability(head: str, arguments: list[str], names: Names) -> Resource:
    if not arguments:
        return Resource(head)
    capability = load_interfaces().capabilities[head]
    if capability.wire:
        return _named(head, arguments[0], [], names)
    if head == "control":
        return Resource(head, server=_known(arguments[0], names.instances, "instance"))
    raise Unclear(f"`{head}` is asked about alone: it takes no `{arguments[0]}`")


def _limit(kind: str, amount: str) -> Resource:
    parse = parse_size if kind == "memory" else parse_share
    try:
        return Resource(kind, amount=parse(amount) if amount else None)
    except Complaint as problem:
        raise Unclear(f"{problem.message}: {problem.help}") from problem


def _line(word: str, arguments: list[str]) -> Resource:
    if not arguments:
        return Resource("irq")
    if not _NUMBER.fullmatch(arguments[0]):
        raise Unclear(f"`{arguments[0]}` is no interrupt line: write a number, like `{word} 4`")
    return Resource("irq", Range(int(arguments[0], 0), 1), LINES[word])


def _function(word: str) -> Resource:
    slot = slot_number(word)
    if slot is None:
        raise Unclear(f"`{word}` is no place of a function: write bus, device and function in hexadecimal, like `device 00:03.0`")
    return Resource("device", Range(slot, 1))


def _path(word: str) -> str:
    try:
        return check_folder(word)
    except Complaint as problem:
        raise Unclear(f"{problem.message}: {problem.help}") from problem


def _range(kind: str, word: str) -> Range:
    found = _RANGE.fullmatch(word)
    if not found:
        raise Unclear(f"`{word}` is no {kind}: write a number or a range, like `{kind} 0x3f8` or `{kind} 0x3f8..0x3ff`")
    first = _number(found[1])
    last = _number(found[2] or found[1])
    if last < first:
        raise Unclear(f"`{word}` ends before it starts")
    most = 0xFFFF if kind == "port" else (1 << 52) - 1
    if last > most:
        raise Unclear(f"`{word}` goes past the last {kind}, {most:#x}")
    return Range(first, last - first + 1)


def _number(text: str) -> int:
    return int(text, 16) if text[:2] in ("0x", "0X") else int(text)


def _named(kind: str, word: str, arguments: list[str], names: Names) -> Resource:
    """Something that an instance provides, or the instance as a whole."""
    if not arguments and (word == KERNEL_LOG or word in names.provided or word in names.instances):
        return Resource(kind or ("stream" if word == KERNEL_LOG else ""), server=word)
    instance, dot, provide = word.partition(".")
    if not arguments and dot and instance in names.instances:
        offered = [each for each in names.provided if each.startswith(f"{instance}.")]
        raise Unclear(f"`{instance}` provides no `{provide}`; {f'it provides {words(offered)}' if offered else 'it provides nothing'}")
    every = [*names.instances, *names.provided, KERNEL_LOG, *load_interfaces().capabilities, *LINES, *LIMITS]
    near = did_you_mean(word, every) or "`munal why --help` tells how to write one"
    raise Unclear(f"`{' '.join((word, *arguments))}` names no resource; {near}")


def _known(word: str, known: Sequence[str], what: str) -> str:
    if word not in known:
        raise Unclear(f"there is no {what} `{word}`; {did_you_mean(word, list(known)) or f'there are {words(list(known))}'}")
    return word
