"""Grants in words: what kernel/logic/src/words.rs says, said of a table's plain form."""

import pytest

from composer.grant_words import grants, size
from composer.layout import make_layout
from composer.system import Access, Bounds, Priority, Restart
from composer.table import Module, decode, encode
from composer.interfaces import load_interfaces
from tests.composer.systems import UART, app, instance, need, provide, system, wire


def words(made, name):
    modules = [Module(n, 4096, 1, bytes(32)) for i in made.instances for n in (f"app/{i.app.name}", f"glue/{i.name}")]
    table = decode(encode(made, make_layout(made), list({m.name: m for m in modules}.values()), load_interfaces()))
    return grants(table, next(i for i in table["instances"] if i["name"] == name))


def boss(*names):
    made = app("boss", need("control", "instances"), need("audit", "all"), need("clock", "wall"), need("log", "own"), need("acpi", "tables"),
               need("service", "time"), need("stream", "console", access=Access.WRITE), need("irq", "line"), provide("service", "power"))
    return instance("boss", made, cpu_permille=125, restart=Restart("never"), bounds=Bounds(Priority.HIGH, 10, 2500, 3), instances={"instances": names}, all={}, wall={}, own={}, tables={},
                    time={"from": "rtc.time"}, console={"from": "com1.serial"}, line={"gsi": 9})


@pytest.fixture
def whole():
    com1 = instance("com1", UART, restart=Restart("always", 10, 3), regs={"base": 0x3F8}, line={"isa": 4})
    rtc = instance("rtc", app("rtc", need("port", "one", length=1, widths=(8, 32), access=Access.WRITE), provide("service", "time")), one={"base": 0xF4})
    chief = boss("com1", "rtc")
    return system(com1, rtc, chief, wires=(wire(chief, "console", com1, "serial"), wire(chief, "time", rtc, "time")))


def test_a_driver_may_touch_its_ports_and_its_line_and_serves_its_clients(whole):
    assert words(whole, "com1") == ["port regs: 0x3f8..0x3ff, read and write, 8 bits", "irq line: ISA 4", "stream serial: serves boss, read",
                                    "memory: at most 1 MiB", "cpu: at most 100 % of each 50 ms, priority normal", "handles: at most 64 beyond these",
                                    "restart: always, at most 3 times, after 10 ms"]
    assert words(whole, "rtc")[:2] == ["port one: 0xf4, write, 8 and 32 bits", "service time: answers"]


def test_every_other_grant_has_its_words(whole):
    assert words(whole, "boss") == [
        "control instances: com1, rtc", "audit all: read", "clock wall: read, sleep", "log own: write", "acpi tables: read", "service time: asks rtc.time",
        "stream console: write com1.serial", "irq line: global system interrupt 9", "service power: answers", "memory: at most 1 MiB",
        "cpu: at most 12.5 % of each 10 ms, at most 2500 ms a life, priority high", "handles: at most 3 beyond these", "restart: never"]


def test_control_of_everybody_is_not_a_list():
    chief = boss("*")
    com1 = instance("com1", UART, regs={"base": 0x3F8}, line={"isa": 4})
    rtc = instance("rtc", app("rtc", provide("service", "time")))
    made = system(chief, com1, rtc, wires=(wire(chief, "console", com1, "serial"), wire(chief, "time", rtc, "time")))
    assert words(made, "boss")[0] == "control instances: all instances"


@pytest.mark.parametrize(("count", "shown"), [(1 << 20, "1 MiB"), (3 << 9, "1536 bytes"), (1 << 18, "256 KiB"), (5 << 30, "5 GiB"), (0, "0 bytes")])
def test_sizes_take_the_largest_whole_unit(count, shown):
    assert size(count) == shown


def test_device_memory_is_told_like_ports():
    window = {"need": "regs", "base": 0xFED00000, "length": 0x400, "access": "r", "widths": [32, 64]}
    made = {"ports": [], "mmio": [window], "handles": [], "memory": 4096, "cpu_permille": 1000, "restart": "never", "priority": "low",
            "period_us": 1500, "cpu_time_ms": 0, "handle_limit": 0}
    assert grants({"instances": [made]}, made)[0] == "mmio regs: 0xfed00000..0xfed003ff, read, 32 and 64 bits"
    assert grants({"instances": [made]}, made)[2] == "cpu: at most 100 % of each 1.5 ms, priority low"
