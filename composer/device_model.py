"""A device's model file, checked: which registers a device has, and which bytes of them and of its tables hold addresses.

Gets a document that load has read; gives a `device.Model`, or all that is wrong with it. What the kernel would refuse of a model
(kernel/logic/src/device/check.rs) is refused here, at the line that says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from composer.device import ADDRESS, LARGEST_TABLE, MEMORY, MOST_PARTS, Length, Limit, Model, Pointer, Region, Rules, Step, Table, Written
from composer.device_fit import reaches
from composer.device_shapes import EntryPointer, LimitTable, ModelFile, RegionTable, RegisterPointer, SealedTable, StepTable
from composer.diagnostics import Diagnostic, Label, at, declare, did_you_mean, error, words
from composer.fit import M0115, S, fit, missing_key
from composer.load import Document
from composer.result import Result
from composer.toml_spans import Node
from composer.units import M0107

M0121 = declare("M0121", "a part of a device's model that lies outside of what it is part of")
M0122 = declare("M0122", "parts of a device's model that are in each other's way")
M0123 = declare("M0123", "a device's model names a part that it does not have")


def read_model(document: Document) -> Result[Model]:
    """The model that a file describes. No value where anything in it is wrong."""
    file = fit(document.tree, ModelFile)
    reader = _Reader(file if isinstance(file, list) else [])
    tables = [(name, node, reader.fitted(node, SealedTable, f"table.{name}")) for name, node in _tables(document.tree, "table")]
    regions = [(name, node, reader.fitted(node, RegionTable, f"region.{name}")) for name, node in _tables(document.tree, "region")]
    reader.number(tables)
    sealed = [table for name, node, shape in tables if shape
              for table in _sealed(_Part(reader, f"table `{name}`", node, "entry", shape.entry), name, shape)]
    open_ = [_region(_Part(reader, f"region `{name}`", node, "length", shape.length), name, shape) for name, node, shape in regions if shape]
    steps = [reader.step(node, {name: shape for name, _, shape in regions}) for node in _steps(document.tree)]
    if reader.said or isinstance(file, list):
        return Result(None, tuple(reader.said))
    return Result(Model(document.source.path, file.model.summary, tuple(open_), tuple(sealed), tuple(step for step in steps if step)))


def _tables(tree: Node, key: str) -> Iterator[tuple[str, Node]]:
    """The tables below a key; what is none has been said."""
    named = tree.get(key)
    return ((name, node) for name, node in (named.table if named else {}).items() if isinstance(node.value, dict))


def _steps(tree: Node) -> Iterator[Node]:
    listed = tree.get("reset")
    return (node for node in (listed.value if listed and isinstance(listed.value, list) else ()) if isinstance(node.value, dict))


class _Reader:
    """What all parts of one model share: what was said, and the bits that stand for what a pointer can lead to."""

    def __init__(self, said: list[Diagnostic]) -> None:
        self.said = said
        self.bits = {MEMORY: 1}
        self.tables: dict[str, tuple[Node, SealedTable]] = {}

    def fitted(self, node: Node, shape: type[S], name: str) -> S | None:
        found = fit(node, shape, name)
        if isinstance(found, list):
            self.said.extend(found)
            return None
        return found

    def number(self, tables: list[tuple[str, Node, SealedTable | None]]) -> None:
        """Give each table its bits, one for each of its copies."""
        first, taken = 0, {name: node for name, node, _ in tables}
        self.tables = {name: (node, shape) for name, node, shape in tables if shape}
        for name, node, shape in tables:
            copies = shape.copies if shape else 1
            self.bits[name] = ((1 << copies) - 1) << first + 1
            first += copies
            for copy in _copies(name, copies)[1:]:
                if copy in taken:
                    self.said.append(error(M0122, f"two tables are called `{copy}`", at(taken[copy].place, "this is one"),
                                           at(node.table["copies"].span, f"the other is a copy of `{name}`"), help="rename one of them"))
        if first > MOST_PARTS and len(tables) <= MOST_PARTS:
            last = next(node for name, node, _ in tables if self.bits[name] >> MOST_PARTS + 1)
            self.said.append(error(M0107, f"a model has at most {MOST_PARTS} tables, copies included", at(last.place, f"with these there are {first}")))

    def mask(self, names: list[str], node: Node) -> int:
        """The bits of all names in a `to`."""
        for name, item in zip(names, node.value, strict=True):
            if name not in self.bits:
                self.said.append(self.unknown("table", name, item, list(self.bits)))
        return sum({self.bits.get(name, 0) for name in names})

    def reach(self, what: str, node: Node, shape: RegisterPointer | EntryPointer) -> None:
        """Say which of the tables that a pointer of a fixed reach may lead to has not so many bytes."""
        reach = shape.reach or 0
        for name, item in zip(shape.to, node.table["to"].value, strict=True):
            table, its = self.tables.get(name, (None, None))
            if table and its and not reaches(reach, its.entry, its.count):
                has = f"{its.count:,} entries of {its.entry:,} bytes" if its.count > 1 else f"one entry of {its.entry:,} bytes"
                self.said.append(error(M0121, f"`{what}` reaches {reach:,} bytes of table `{name}`, which has {has}",
                                       at((node.table.get("reach") or item).span), at(table.table["entry"].span, "bytes of an entry"),
                                       help="say with `reach` how many bytes the device takes there: as many as whole entries have, from the first on"))

    def unknown(self, what: str, name: str, node: Node, known: list[str]) -> Diagnostic:
        return error(M0123, f"there is no {what} `{name[:48]}` in this model", at(node.span),
                     help=did_you_mean(name, known) or (f"there {'are' if len(known) > 1 else 'is'} {words(known)}" if known else f"the model has no {what}s"))

    def above(self, node: Node, key: str, number: int | None, most: int, why: str) -> None:
        """Say that a number is more than its place can hold."""
        if number is not None and number > most:
            self.said.append(error(M0107, f"`{key}` is {node.table[key].text}, but at most {most:#x} is possible", at(node.table[key].span, why)))

    def step(self, node: Node, regions: dict[str, RegionTable | None]) -> Step | None:
        """One step of the reset."""
        shape = self.fitted(node, StepTable, "reset")
        if shape is None:
            return None
        every = _every(shape.width)
        if (shape.write is None) == (shape.wait is None):
            found = "none is" if shape.wait is None else "`write` and `wait` are"
            self.said.append(error(M0115, "a step of a reset takes exactly one of `write` and `wait`", at(node.span, f"{found} given here")))
        self.above(node, "write", shape.write, every, f"it has {shape.width} bits")
        wanted = getattr(shape.wait, "is") if shape.wait else 0
        if shape.wait:
            self.above(node.table["wait"], "mask", shape.wait.mask, every, f"it has {shape.width} bits")
            if wanted & ~shape.wait.mask:
                self.said.append(error(M0107, f"bits that are masked out can never be {wanted:#x}", at(node.table["wait"].table["is"].span),
                                       at(node.table["wait"].table["mask"].span, "only these are looked at")))
        if shape.region not in regions:
            self.said.append(self.unknown("region", shape.region, node.table["region"], list(regions)))
            return None
        region = regions[shape.region]
        if region and shape.offset + shape.width // 8 > region.length:
            self.said.append(_outside("a step of the reset", node.table["offset"].span, shape.offset + shape.width // 8, f"region `{shape.region}`", region.length))
        value, mask = (wanted, shape.wait.mask) if shape.wait else (shape.write or 0, None)
        return Step(list(regions).index(shape.region), shape.offset, shape.width // 8, value, mask)


@dataclass(frozen=True, slots=True)
class _Bytes:
    """Bytes that belong to a rule: where the first of its repetitions begins, and the node that says so."""

    what: str
    node: Node
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A region, or an entry of a table: `size` bytes, which `node` says with the key `key`."""

    reader: _Reader
    what: str
    node: Node
    key: str
    size: int

    def rules(self, shape: RegionTable | SealedTable) -> Rules:
        limits = [self.limit(f"limit.{name}", self.node.table["limit"].table[name], limit) for name, limit in shape.limit.items()]
        pointers = [self.pointer(f"pointer.{name}", self.node.table["pointer"].table[name], pointer, list(self.free(shape)))
                    for name, pointer in shape.pointer.items()]
        for start, end, node in self.free(shape):
            if start >= end:
                self.reader.said.append(error(M0107, f"no byte is from {start:#x} to {end:#x}", at(node.span), help="the second number is that of the byte behind the last one"))
            elif end > self.size:
                self.reader.said.append(_outside("this range", node.span, end, self.what, self.size, self.end()))
        return Rules(tuple((start, end) for start, end, _ in self.free(shape)), tuple(limits), tuple(pointers))

    def free(self, shape: RegionTable | SealedTable) -> Iterator[tuple[int, int, Node]]:
        for number, (start, end) in enumerate(shape.free):
            yield start, end, self.node.table["free"].value[number]

    def limit(self, what: str, node: Node, shape: LimitTable) -> Limit:
        every, why = _every(shape.width), f"it has {shape.width} bits"
        for key in ("mask", "least", "most"):
            self.reader.above(node, key, getattr(shape, key), every, why)
        most = every if shape.most is None else shape.most
        if shape.least > most:
            self.reader.said.append(error(M0107, f"no number is at least {shape.least:#x} and at most {most:#x}", at(node.table["least"].span),
                                          *([at(node.table["most"].span)] if "most" in node.table else [])))
        stride = self.repeated(node, [_Bytes(what, node, shape.offset, shape.width // 8)], shape.count, shape.stride)
        return Limit(shape.offset, shape.width // 8, every if shape.mask is None else shape.mask, shape.least, most, shape.count, stride)

    def pointer(self, what: str, node: Node, shape: RegisterPointer | EntryPointer, free: list[tuple[int, int, Node]]) -> Pointer:
        """A pointer of a register, or of an entry, which has more to it."""
        parts, length, written = [_Bytes(what, node, shape.offset, ADDRESS)], None, None
        to = self.reader.mask(shape.to, node.table["to"])
        if isinstance(shape, EntryPointer):
            if shape.length:
                inner, its = node.table["length"], shape.length
                self.reader.above(inner, "mask", its.mask, _every(its.width), f"it has {its.width} bits")
                parts.append(_Bytes(f"`length` of `{what}`", inner, its.offset, its.width // 8))
                length = Length(its.offset, its.width // 8, _every(its.width) if its.mask is None else its.mask, its.more)
            if shape.written:
                inner = node.table["written"]
                parts.append(_Bytes(f"`written` of `{what}`", inner, shape.written.offset, 1))
                written = Written(shape.written.offset, shape.written.bit, self.reader.mask(shape.written.to, inner.table["to"]))
            if shape.length and shape.reach is not None:
                self.reader.said.append(error(M0115, "a pointer takes one of `length` and `reach`", at(node.table["reach"].place, "both are given here"),
                                              help="drop `reach`: the number in the entry says how far the device goes"))
        if length is None:
            self.reader.reach(what, node, shape)
        stride = self.repeated(node, parts, shape.count, shape.stride)
        self.reader.said.extend(_uncovered(parts, shape.count, stride, free))
        halves = not isinstance(shape, EntryPointer) and shape.halves
        return Pointer(shape.offset, shape.count, stride, halves, shape.reach or 0, length, to, written)

    def repeated(self, node: Node, parts: list[_Bytes], count: int, stride: int | None) -> int:
        """That all repetitions of a rule's bytes lie inside, and none over the next; gives the bytes from one to the next."""
        said, what = self.reader.said, parts[0].what
        if count > 1 and stride is None:
            said.append(missing_key("stride", node, f"`{what}`, of which there are {count},"))
            return 0
        if count == 1 and stride is not None:
            said.append(missing_key("count", node, f"`{what}` has a `stride`, but"))
        stride = stride or 0
        for part in parts:
            end = part.offset + part.bytes + (count - 1) * stride
            shown = part.what if part is not parts[0] else f"`{what}`"
            if count > 1 and stride < part.bytes:
                said.append(error(M0122, f"{shown} has {part.bytes} bytes, and the next one begins after {stride}", at(node.table["stride"].span),
                                  help=f"the next one begins after {part.bytes} bytes at the earliest"))
            elif end > self.size:
                said.append(_outside(shown if count == 1 else f"the last of {shown}", part.node.table["offset"].span, end, self.what, self.size, self.end()))
        return stride

    def end(self) -> Label:
        return at(self.node.table[self.key].span, "this is all there is")


def _outside(what: str, span: Any, end: int, whole: str, size: int, *labels: Label) -> Diagnostic:
    of = f"an entry of {whole}" if whole.startswith("table") else whole
    return error(M0121, f"{what} ends at {end:#x}, and {of} at {size:#x}", at(span), *labels)


def _uncovered(parts: list[_Bytes], count: int, stride: int, free: list[tuple[int, int, Node]]) -> Iterator[Diagnostic]:
    """One diagnostic for each range of free bytes that has some of a pointer's: an address that can be changed alone is no address."""
    for start, end, node in free:
        for part in parts:
            # The first of its repetitions that ends behind where the free bytes start.
            number = max(0, -(-(start + 1 - part.offset - part.bytes) // stride)) if stride else 0
            first = part.offset + number * stride
            if number < count and start < first + part.bytes and first < end:
                what = part.what if part is not parts[0] else f"`{part.what}`"
                yield error(M0122, f"bytes of {what} may be anything", at(node.span, "these are free"), at(part.node.table["offset"].span, f"{part.bytes} bytes from here on"),
                            help="leave them out of `free`: an address is written whole, with what belongs to it")


def _every(width: int) -> int:
    return (1 << width) - 1


def _copies(name: str, copies: int) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(1, copies))]


def _sealed(part: _Part, name: str, shape: SealedTable) -> Iterator[Table]:
    if shape.entry * shape.count > LARGEST_TABLE:
        part.reader.said.append(error(M0107, f"the table `{name}` has {shape.entry * shape.count:,} bytes, but at most {LARGEST_TABLE:,} are possible",
                                      at(part.node.table["count"].span, f"{shape.count:,} entries"), at(part.node.table["entry"].span, f"of {shape.entry:,} bytes")))
    rules = part.rules(shape)
    return (Table(copy, shape.entry, shape.count, rules) for copy in _copies(name, shape.copies))


def _region(part: _Part, name: str, shape: RegionTable) -> Region:
    if (shape.bar is None) == (shape.capability is None):
        found = "none is" if shape.bar is None else "both are"
        part.reader.said.append(error(M0115, f"the region `{name}` takes exactly one of `capability` and `bar`", at(part.node.place, f"{found} given here")))
    capability = shape.capability
    place = (capability.id, capability.at, getattr(capability, "is")) if capability else None
    return Region(name, shape.bar, place, shape.length, part.rules(shape))
