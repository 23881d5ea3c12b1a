"""The shapes of a device's model file, strict as those of all manifests: what a region, a table and a step of a reset may say.

What one key says of another is judged by device_model.py; bounds are those of the kernel (kernel/logic/src/device/check.rs).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from composer.device import BARS, LARGEST_REGION, LARGEST_TABLE, MEMORY, MOST_PARTS, MOST_REPEATED, MOST_RULES
from composer.shapes import M0110, M0111, Line, Shape, check_need_name
from composer.units import M0106, Complaint

WIDTHS = (8, 16, 32, 64)


def _check_width(written: object) -> int:
    if type(written) is not int:
        raise Complaint(M0106, "expected a width in bits", "write 8, 16, 32 or 64")
    if written not in WIDTHS:
        raise Complaint(M0111, f"no register is {written} bits wide", "choose from 8, 16, 32 and 64")
    return written


def _check_table_name(name: str) -> str:
    if name == MEMORY:
        raise Complaint(M0110, f"`{MEMORY}` is the driver's own memory", "choose another name")
    return check_need_name(name)


Name = Annotated[str, AfterValidator(check_need_name)]
TableName = Annotated[str, AfterValidator(_check_table_name)]
Width = Annotated[int, BeforeValidator(_check_width)]
Byte = Annotated[int, Field(ge=0, le=0xFF)]
Number = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]
Word = Annotated[int, Field(ge=0, le=0xFFFF_FFFF_FFFF_FFFF)]
Repeated = Annotated[int, Field(ge=1, le=MOST_REPEATED)]
Names = Annotated[list[str], Field(max_length=MOST_PARTS + 1)]
Free = Annotated[list[Annotated[list[Number], Field(min_length=2, max_length=2)]], Field(max_length=MOST_RULES)]


class ModelTable(Shape):
    summary: Line = Field(default="", description="what the device is, in one line")


class ModelFile(Shape):
    """A device's model: its parts are fitted each by itself, so that what is wrong with all of them is said at once."""

    model: ModelTable
    region: Annotated[dict[Name, dict[str, Any]], Field(max_length=MOST_PARTS)] = Field(default={}, description="registers: `region.<name>`")
    table: Annotated[dict[TableName, dict[str, Any]], Field(max_length=MOST_PARTS)] = Field(default={}, description="memory that the device reads: `table.<name>`")
    reset: Annotated[list[dict[str, Any]], Field(max_length=MOST_PARTS)] = Field(default=[], description="what brings it to where it reaches no memory")


CapabilityTable: Any = create_model("CapabilityTable", __base__=Shape, **{
    "id": (Byte, Field(description="the capability's identity")),
    "at": (Byte, Field(description="the offset of a byte of it")),
    "is": (Byte, Field(description="that byte's value")),
})
"""`is` is no name of Python's."""

WaitTable: Any = create_model("WaitTable", __base__=Shape, **{
    "mask": (Word, Field(description="the bits that are waited for")),
    "is": (Word, Field(description="what they are then")),
})


class LimitTable(Shape):
    offset: Number = Field(description="where it begins, in bytes")
    width: Width = Field(description="how many bits it has")
    mask: Word | None = Field(default=None, description="the bits that may be set; all of them where it is left out")
    least: Word = Field(default=0, description="the least number")
    most: Word | None = Field(default=None, description="the greatest number")
    count: Repeated = Field(default=1, description="how many there are")
    stride: Number | None = Field(default=None, description="bytes from one to the next")


class RegisterPointer(Shape):
    offset: Number = Field(description="where its 64 bits begin, in bytes")
    count: Repeated = Field(default=1, description="how many there are")
    stride: Number | None = Field(default=None, description="bytes from one to the next")
    halves: bool = Field(default=False, description="whether it is written as two halves of 32 bits")
    reach: Word = Field(default=0, description="bytes from the address on that the device may reach")
    to: Names = Field(description="what it may lead to: `memory`, and names of tables")


class LengthTable(Shape):
    offset: Number = Field(description="where it begins, in bytes")
    width: Width = Field(description="how many bits it has")
    mask: Word | None = Field(default=None, description="which of them count; all where it is left out")
    more: Number = Field(default=0, description="what is added to them")


class WrittenTable(Shape):
    offset: Number = Field(description="the byte that has the bit")
    bit: Annotated[int, Field(ge=0, le=7)] = Field(description="by which the device writes where the pointer leads")
    to: Names = Field(description="what it may lead to then")


class EntryPointer(Shape):
    offset: Number = Field(description="where its 64 bits begin, in bytes")
    count: Repeated = Field(default=1, description="how many there are")
    stride: Number | None = Field(default=None, description="bytes from one to the next")
    reach: Word | None = Field(default=None, description="bytes from the address on that the device may reach")
    length: LengthTable | None = Field(default=None, description="the number beside it that says so instead")
    to: Names = Field(description="what it may lead to: `memory`, and names of tables")
    written: WrittenTable | None = Field(default=None, description="the bit by which the device writes there")


class RegionTable(Shape):
    capability: CapabilityTable | None = Field(default=None, description="the vendor's capability that says where it is")
    bar: Annotated[int, Field(ge=0, le=BARS - 1)] | None = Field(default=None, description="or the base address register that it begins at")
    length: Annotated[int, Field(ge=1, le=LARGEST_REGION)] = Field(description="bytes of it that the driver reaches")
    free: Free = Field(default=[], description="bytes [start, end) that may be anything")
    limit: Annotated[dict[Name, LimitTable], Field(max_length=MOST_RULES)] = Field(default={}, description="numbers with bounds")
    pointer: Annotated[dict[Name, RegisterPointer], Field(max_length=MOST_RULES)] = Field(default={}, description="registers that hold addresses")


class SealedTable(Shape):
    entry: Annotated[int, Field(ge=1, le=LARGEST_TABLE)] = Field(description="bytes of an entry")
    count: Annotated[int, Field(ge=1, le=LARGEST_TABLE)] = Field(description="how many entries it has")
    copies: Annotated[int, Field(ge=1, le=MOST_PARTS)] = Field(default=1, description="how many such tables there are")
    free: Free = Field(default=[], description="bytes [start, end) of an entry that may be anything")
    limit: Annotated[dict[Name, LimitTable], Field(max_length=MOST_RULES)] = Field(default={}, description="numbers with bounds")
    pointer: Annotated[dict[Name, EntryPointer], Field(max_length=MOST_RULES)] = Field(default={}, description="addresses in an entry")


class StepTable(Shape):
    region: str = Field(description="the region of the register")
    offset: Number = Field(description="where it begins, in bytes")
    width: Width = Field(description="how many bits it has")
    write: Word | None = Field(default=None, description="what is written to it")
    wait: WaitTable | None = Field(default=None, description="or what it is waited for to be")
