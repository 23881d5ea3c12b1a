"""A network of one station beside the machine, as QEMU's user network has it: the router 10.0.2.2 says its address (RFC 826) and answers
echo requests (RFC 792). Nothing goes further.
"""

from __future__ import annotations

import struct

ADDRESS = bytes.fromhex("52550a000202")
ROUTER = bytes([10, 0, 2, 2])
ETHERNET = struct.Struct("!6s6sH")
ARP = struct.Struct("!HHBBH6s4s6s4s")
ARP_TYPE, IP_TYPE, REQUEST, REPLY = 0x0806, 0x0800, 1, 2
ICMP, ECHO, ECHO_REPLY = 1, 8, 0
BROADCAST = b"\xff" * 6
SHORTEST = 60
"""Bytes of an Ethernet frame without its check sequence; shorter ones are filled up."""


def answer(frame: bytes) -> bytes | None:
    """What the network answers to a frame; None where nothing."""
    if len(frame) < ETHERNET.size:
        return None
    to, sender, kind = ETHERNET.unpack_from(frame)
    if to not in (BROADCAST, ADDRESS):
        return None
    inside = frame[ETHERNET.size:]
    said = _arp(inside) if kind == ARP_TYPE else _ping(inside) if kind == IP_TYPE else None
    return None if said is None else (ETHERNET.pack(sender, ADDRESS, kind) + said).ljust(SHORTEST, b"\0")


def _arp(packet: bytes) -> bytes | None:
    if len(packet) < ARP.size:
        return None
    *form, what, station, address, _, asked = ARP.unpack_from(packet)
    if form != [1, IP_TYPE, 6, 4] or what != REQUEST or asked != ROUTER:
        return None
    return ARP.pack(*form, REPLY, ADDRESS, ROUTER, station, address)


def _ping(packet: bytes) -> bytes | None:
    """The echo of a request that is whole and for the router; options of IP are left out of the answer."""
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[9] != ICMP or packet[16:20] != ROUTER or checksum(packet[:(packet[0] & 15) * 4]):
        return None
    start, end = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    message = packet[start:end]
    if end > len(packet) or len(message) < 8 or message[:2] != bytes([ECHO, 0]) or checksum(message):
        return None
    echo = _summed(bytes([ECHO_REPLY, 0, 0, 0]) + message[4:], 2)
    return _summed(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(echo), 0, 0, 64, ICMP, 0, ROUTER, packet[12:16]), 10) + echo


def checksum(data: bytes) -> int:
    """The sum of RFC 1071; 0 of data that has its own in it."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _summed(data: bytes, at: int) -> bytes:
    """The data with its sum, in place of two noughts."""
    return data[:at] + checksum(data).to_bytes(2, "big") + data[at + 2:]
