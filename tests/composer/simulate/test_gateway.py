"""The station beside a simulated machine: what it answers, and what it leaves unanswered."""

from __future__ import annotations

import struct

import pytest

from composer.simulate.gateway import ADDRESS, BROADCAST, ROUTER, answer, checksum

ME, MINE = bytes.fromhex("525400123456"), bytes([10, 0, 2, 15])


def arp(asked: bytes = ROUTER, to: bytes = BROADCAST, form: str = "00010800060400 01") -> bytes:
    return to + ME + bytes.fromhex("0806" + form.replace(" ", "")) + ME + MINE + bytes(6) + asked


def ping(payload: bytes = b"how are you", to: bytes = ROUTER, kind: int = 8, options: bytes = b"") -> bytes:
    message = bytes([kind, 0, 0, 0, 0x12, 0x34, 0, 7]) + payload
    message = message[:2] + checksum(message).to_bytes(2, "big") + message[4:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(message), 1, 0, 64, 1, 0, MINE, to) + options
    head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
    return ADDRESS + ME + b"\x08\0" + head + message


def test_the_router_says_its_address():
    said = answer(arp())
    assert len(said) == 60 and said[:14] == ME + ADDRESS + b"\x08\x06"
    assert said[14:42] == bytes.fromhex("0001080006040002") + ADDRESS + ROUTER + ME + MINE
    assert answer(arp(to=ADDRESS)) == said


@pytest.mark.parametrize("frame", [
    b"", arp()[:13], arp()[:41], arp(asked=bytes([10, 0, 2, 3])), arp(to=ME), arp(form="0001080006040002"), arp(form="0001080006050001"), bytes(60),
    arp()[:12] + b"\x86\xdd" + bytes(40),
])
def test_what_is_no_question_for_it_has_no_answer(frame):
    assert answer(frame) is None


@pytest.mark.parametrize("payload", [b"", b"x", b"how are you", bytes(1472)])
@pytest.mark.parametrize("options", [b"", bytes(8)])
def test_an_echo_has_what_was_sent(payload, options):
    said = answer(ping(payload, options=options).ljust(60, b"\0"))
    assert said[:14] == ME + ADDRESS + b"\x08\0" and said[26:34] == ROUTER + MINE
    end = 14 + int.from_bytes(said[16:18], "big")
    assert checksum(said[14:34]) == checksum(said[34:end]) == 0
    assert said[34:36] + said[38:end] == b"\0\0" + bytes([0x12, 0x34, 0, 7]) + payload


@pytest.mark.parametrize("spoilt", [13, 16, 24, 30, 33, 34, 37, 45])
def test_what_was_damaged_on_its_way_is_not_answered(spoilt):
    frame = bytearray(ping())
    frame[spoilt] ^= 0x21
    assert answer(bytes(frame)) is None


@pytest.mark.parametrize("frame", [ping(to=MINE), ping(kind=0), ping()[:-1], ping()[:30], ping()[:14]])
def test_other_packets_are_not_answered(frame):
    assert answer(frame) is None
