"""The QEMU machine protocol (QMP, docs/interop/qmp-spec in QEMU's source) over a socket, as much as a run needs.

Gets bytes as they come; gives events as they happen. It never blocks, so that one loop can watch it beside a serial line;
for that reason it is not `qemu.qmp`, which is asyncio's and would need a second loop.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LONGEST_MESSAGE = 1 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """`name` is QEMU's (SHUTDOWN, RESET, STOP); `status` stands for the answer to `query-status`, `text` for one of the human
    monitor, whose words are `data["text"]`."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)


class Qmp:
    """One connection. `receive` is called whenever the socket is readable; `drained` tells that nothing was there, and `unanswered`
    how many commands QEMU has not come to yet."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.connection.setblocking(False)
        self.open = True
        self.drained = False
        self.unanswered = 0
        self._pending = b""

    def fileno(self) -> int:
        return self.connection.fileno()

    def execute(self, command: str, **arguments: Any) -> None:
        """Send a command; a QEMU that has gone is not an error, its end is seen elsewhere."""
        words = {"execute": command, **({"arguments": {name.replace("_", "-"): a for name, a in arguments.items()}} if arguments else {})}
        try:
            self.connection.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            self.open = False
        self.unanswered += 1

    def receive(self) -> Iterator[Event]:
        """The events that have come. The greeting is answered, so that QEMU takes commands, and the status asked for:
        a machine that stopped before anybody listened is noticed too."""
        for line in self._lines():
            message = _object(line)
            answer = message.get("return")
            self.unanswered -= "return" in message or "error" in message
            if "QMP" in message:
                self.execute("qmp_capabilities")
                self.execute("query-status")
            elif "event" in message:
                yield Event(str(message["event"]), message.get("data") or {})
            elif isinstance(answer, dict) and "status" in answer:
                yield Event("status", answer)
            elif isinstance(answer, str):
                yield Event("text", {"text": answer})

    def _lines(self) -> list[bytes]:
        self.drained = False
        try:
            received = self.connection.recv(65536)
        except BlockingIOError:
            self.drained = True
            return []
        except OSError:
            received = b""
        if not received or len(self._pending) > LONGEST_MESSAGE:
            self.open = False
            return []
        *lines, self._pending = (self._pending + received).split(b"\n")
        return lines


def _object(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
