"""What the service `pci` finds on machines with bridges, several functions in a device and wide addresses, against what QEMU itself
says of them (`info pci` of its monitor)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.boot.monitor import watched

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

BEHIND_BRIDGES = (
    "-device", "pcie-root-port,id=one,chassis=1,bus=pcie.0,addr=4.0,multifunction=on",
    "-device", "pcie-root-port,id=other,chassis=2,bus=pcie.0,addr=4.1",
    "-device", "pcie-pci-bridge,id=bridge,bus=one",
    "-device", "pci-bridge,id=deep,chassis_nr=3,bus=bridge,addr=5",
    "-device", "edu,bus=deep,addr=7",
    "-device", "e1000,bus=bridge,addr=9.0,multifunction=on", "-device", "virtio-net-pci,bus=bridge,addr=9.3",
    "-device", "virtio-blk-pci,bus=other,drive=blank", "-drive", "if=none,id=blank,file=null-co://,format=raw",
)
ON_ONE_BUS = ("-device", "edu,addr=7.0,multifunction=on", "-device", "e1000,addr=7.5", "-device", "ich9-ahci,addr=8")


@dataclass(frozen=True, order=True)
class Seen:
    """One function: its address, who made it, and where it decodes memory and ports, with the lengths."""

    address: str
    device: str
    decodes: tuple[tuple[str, int, int], ...]


UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def by_munal(text: str) -> list[Seen]:
    """The lines of the shell's `pci`."""
    found = []
    for line in re.findall(r"^[0-9a-f]{2}:[0-9a-f]{2}\.\d .*$", text, re.MULTILINE):
        ports = [("ports", int(at, 16), int(length)) for length, at in re.findall(r"(\d+) ports at 0x([0-9a-f]+)", line)]
        memory = [("memory", int(at, 16), int(length) * UNITS[unit]) for length, unit, at in re.findall(r"(\d+) (\w+) at 0x([0-9a-f]+)", line) if unit in UNITS]
        address, device = line.split()[:2]
        found.append(Seen(address, device, tuple(sorted(ports + memory))))
    return found


def by_qemu(text: str) -> list[Seen]:
    """QEMU's `info pci`: bridges' windows and expansion ROMs are no base address registers of theirs."""
    found = []
    for part in re.split(r"^ *(?=Bus +\d+, device)", text, flags=re.MULTILINE)[1:]:
        bus, device, function = map(int, re.match(r"Bus +(\d+), device +(\d+), function (\d+)", part).groups())
        vendor, identity = re.search(r"PCI device ([0-9a-f]{4}):([0-9a-f]{4})", part).groups()
        decodes = []
        for number, kind, at, last in re.findall(r"BAR(\d): (I/O|\d+ bit(?: prefetchable)? memory) at 0x([0-9a-f]+) \[0x([0-9a-f]+)\]", part):
            if int(number) < 6:
                decodes.append(("ports" if kind == "I/O" else "memory", int(at, 16), int(last, 16) - int(at, 16) + 1))
        found.append(Seen(f"{bus:02x}:{device:02x}.{function}", f"{vendor}:{identity}", tuple(sorted(decodes))))
    return sorted(found)


@pytest.mark.parametrize(("profile", "type", "devices"), [("drivers", "q35", BEHIND_BRIDGES), ("drivers@pc", "pc", ON_ONE_BUS)])
def test_the_same_functions_are_found_as_the_machine_has(image, profile, type, devices):
    with watched(image(profile), type=type, extra=devices) as it:
        it.expect("^munal> ")
        it.send("pci\n")
        it.expect("^FUNCTION")
        it.expect("^munal> ")
        told = by_munal(it.heard)
        truth = by_qemu(it.monitor("info pci"))
    assert told == truth
    assert len({seen.address[:2] for seen in told}) == (5 if type == "q35" else 1), "buses"
    assert any(at >= 1 << 32 for seen in told for _, at, _ in seen.decodes) or type == "pc", "addresses of 64 bits"
    assert [seen.device for seen in told].count("1234:11e8") == 1
