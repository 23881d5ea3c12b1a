"""The badge of a grant of files: what its provider is told with every request that is made by it, which no client can change.

Gets what a grant says; gives the bytes that the system table holds and the kernel hands on, and words for a person. Nothing but
the composer makes badges, and nothing but providers reads them: docs/formats.md, "The badge of files".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from composer.system import Access, Grant
from composer.units import format_size

VERSION = 1
HEADER = struct.Struct("<BBHHHQ")
"""Version, access bits, bytes of the instance's name and of the path, zero, and the quota; name and path follow."""

UNLIMITED = (1 << 64) - 1
LARGEST = 2048
"""Bytes of a badge, whatever it is about (kernel/logic/src/table/check.rs)."""

_ACCESS_WORDS = {Access.READ: "read", Access.BOTH: "read and write"}


class NoBadge(ValueError):
    """Bytes are no badge of files; says why."""


@dataclass(frozen=True, slots=True)
class Badge:
    """Whose grant it is, and what it allows below `path`; `quota` is in bytes, None without a limit."""

    instance: str
    path: str
    access: Access
    quota: int | None = None

    def encode(self) -> bytes:
        """The bytes that a provider reads."""
        name, path = self.instance.encode(), self.path.encode()
        return HEADER.pack(VERSION, self.access.bits, len(name), len(path), 0, UNLIMITED if self.quota is None else self.quota) + name + path

    @property
    def words(self) -> str:
        """What it allows, for a person: `read and write /home/notes, at most 1 MiB`."""
        limit = "" if self.quota is None else f", at most {format_size(self.quota)}"
        return f"{_ACCESS_WORDS[self.access]} {self.path}{limit}"


def badge_of(instance: str, grant: Grant) -> Badge:
    """The badge of a grant of files to `instance`."""
    value = grant.value or {}
    return Badge(instance, value["path"], granted_access(grant), value.get("quota"))


def granted_access(grant: Grant) -> Access:
    """What a grant of files allows: what it says, or else what its need asks for."""
    return Access((grant.value or {}).get("access", grant.need.fields["access"]))


def decode(data: bytes) -> Badge:
    """The badge that these bytes are. Raises NoBadge for any that `encode` never gives."""
    if len(data) < HEADER.size:
        raise NoBadge("it ends within its header")
    version, bits, name_length, path_length, zero, quota = HEADER.unpack_from(data)
    access = next((access for access in _ACCESS_WORDS if access.bits == bits), None)
    if version != VERSION or zero or access is None or len(data) != HEADER.size + name_length + path_length:
        raise NoBadge("its header is none of version 1")
    try:
        name, path = data[HEADER.size:HEADER.size + name_length].decode(), data[HEADER.size + name_length:].decode()
    except UnicodeDecodeError:
        raise NoBadge("its name or its path is no UTF-8") from None
    return Badge(name, path, access, None if quota == UNLIMITED else quota)
