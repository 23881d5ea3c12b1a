"""What a table allows, as sets: each port access is one that glue would let through, and no other."""

from __future__ import annotations

from itertools import product

from hypothesis import given

from composer.questions.authority import Right, authority
from composer.questions.numbers import Numbers
from composer.system import Range
from tests.composer.tables import handle, instance, port, table, tables


def passes(grant, start, width, access):
    """An access of `width` bits at `start`, as glue and kernel decide it: all its bytes inside of one grant."""
    inside = grant["base"] <= start and start + width // 8 <= grant["base"] + grant["length"]
    return inside and width in grant["widths"] and access in grant["access"]


@given(tables())
def test_accesses_are_those_that_glue_lets_through(made):
    found = authority(made)
    for each in made["instances"]:
        for kind, grants in (("port", each["ports"]), ("mmio", each["mmio"])):
            for width, access in product((8, 16, 32), "rw"):
                held = found.get(Right(each["name"], kind, "", access, width), Numbers())
                for start in range(40):
                    assert (start in held) == any(passes(grant, start, width, access) for grant in grants)


def test_an_access_that_no_length_holds_is_no_right():
    found = authority(table(instance("a", ports=[port(0x60, 1, widths=(8, 16))])))
    assert {right.width for right in found if right.kind == "port"} == {8}


def test_a_second_connection_to_one_stream_counts():
    streams = [{"name": "a.x", "server": 0, "client": 0, "capacity": 64}] * 2
    ends = [handle("stream client", 0, "r"), handle("stream client", 1, "r")]
    assert authority(table(instance("a", handles=ends), streams=streams))[Right("a", "stream", "a.x", "r")] == Numbers.of([Range(0, 2)])


def test_an_instance_that_never_starts_again_has_no_restarts():
    kinds = {right.kind for right in authority(table(instance("a", restart="never", restart_limit=5)))}
    assert kinds == {"memory", "cpu", "priority", "cpu time", "handles"}


def test_the_emergency_writer_is_the_kernels():
    assert authority(table(emergency_port=0x3F8)) == {Right("kernel", "emergency"): Numbers.of([Range(0x3F8, 8)])}
