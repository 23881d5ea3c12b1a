"""Network devices: frames go both ways whole, through rings that wrap and over a driver that starts anew. QEMU's own router answers."""

from __future__ import annotations

import re

import pytest

from tests.boot.monitor import Watched, watched

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

MAC = "52:54:00:12:34:56"
SOME = 6000
"""Round trips after which every ring has wrapped many times."""
DEVICES = {"frames": "virtio-net-pci", "frames-e1000": "e1000"}
STARTS = {"frames": f"{MAC}, queues of 64 and 64", "frames-e1000": f"{MAC}, rings of 128 and 128"}
ABSENT = {"frames": "this machine has no such device", "frames-e1000": "this machine has no such device"}


def attached(profile: str) -> tuple[str, ...]:
    """Words that give QEMU the profile's device."""
    return ("-netdev", "user,id=net,restrict=on", "-device", f"{DEVICES[profile]},netdev=net,mac={MAC}")


def trips(lines: list[str]) -> tuple[int, int, int]:
    """Round trips, those that were missed, and wrong ones."""
    found = [re.match(r"(\d+) round trips, (\d+) missed, (\d+) wrong", line) for line in lines]
    return next(tuple(map(int, each.groups())) for each in (*reversed(found), re.match(r"(0)(0)(0)", "000")) if each)


def until(it: Watched, count: int) -> tuple[int, int, int]:
    """What the pinger counted, once it made so many round trips."""
    return trips(it.logged("pinger", lambda lines: trips(lines)[0] >= count))


@pytest.mark.parametrize("profile", DEVICES)
@pytest.mark.parametrize("type", ["q35", "pc"])
def test_frames_go_both_ways_and_over_a_driver_that_starts_anew(image, profile, type):
    with watched(image(f"{profile}@{type}"), type=type, extra=attached(profile)) as it:
        it.expect("^munal> ")
        assert it.logged("net")[0] == STARTS[profile]
        count, missed, wrong = until(it, SOME)
        assert (missed, wrong) == (0, 0)
        it.ask("restart net")
        again, missed, wrong = until(it, count + SOME)
        assert missed <= 2 * 24 and wrong == 0
        lines = it.logged("pinger")
        assert lines[0] == f"{MAC} with 1500 bytes behind a header"
        assert sum(line.startswith("the router is") for line in lines) == 1
        assert [line for line in it.logged("net") if "queues" in line or "rings" in line] == [STARTS[profile]] * 2
        rows = {line.split()[0]: line for line in it.ask("ps") if line}
        assert rows["net"].split()[-1] == "1" and not any("ended" in rows[name] for name in ("net", "pinger")), "one restart, and its client goes on"


@pytest.mark.parametrize("profile", DEVICES)
def test_a_client_that_is_too_slow_loses_frames_and_is_told_how_many(image, profile):
    with watched(image(profile), extra=attached(profile)) as it:
        it.expect("^munal> ")
        first, second = it.logged("sluggard", lambda lines: len(lines) == 2)
        assert first == "link 1 behind 0 frames: 0 lost"
        assert (lost := re.fullmatch(r"link 2 behind (\d+) frames: (\d+) lost", second)) and int(lost[1]) >= 63 and int(lost[2]) > 0
        assert "client 1 receives too slowly: it loses frames" in it.logged("net")
        assert until(it, SOME)[1:] == (0, 0), "the other one does not notice"


@pytest.mark.parametrize("profile", DEVICES)
def test_without_a_device_its_driver_says_so_and_nobody_else_minds(image, profile):
    with watched(image(profile)) as it:
        it.expect("^munal> ")
        assert it.logged("net") == [ABSENT[profile]]
        assert it.logged("pinger") == ["no driver is left"]
        it.until_ended("net")


def test_a_device_knows_nothing_of_its_drivers_earlier_lives(image):
    with watched(image("inherited"), extra=attached("frames-e1000")) as it:
        it.expect("^munal> ")
        for life in range(1, 4):
            told = it.logged("heir", lambda lines: len(lines) >= 2 * life)
            assert told == ["0 and 0 descriptors are told, and the rings are its tables", "256 and 256 are told now"] * life
            it.ask("restart heir")
