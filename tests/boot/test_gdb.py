"""`munal run --gdb` waits, and the one command that it says shows the kernel's functions and wasm's by their names."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from composer import gdb
from tests.boot.workspace import REPOSITORY

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("boot")]

PATIENCE = 200


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_gdb_stops_in_wasm_with_names_from_there_to_the_kernel(workspace: Path, image):
    gdb.require_gdb()
    image("failing")
    words = [sys.executable, "-P", "-m", "composer", "run", "-C", str(workspace), "failing", "--headless", "--accel", "tcg", "--gdb", str(free_port())]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": str(REPOSITORY)}) as machine:
        try:
            command = next(found[1] for line in machine.stderr if (found := re.search(r"in another terminal: (gdb .*)", line)))
            asked = ["-nx", "-batch", "-ex", "break deeper", "-ex", "continue", "-ex", "bt 40", "-ex", "kill"]
            said = subprocess.run(shlex.split(command) + asked, capture_output=True, text=True, timeout=PATIENCE, check=False).stdout
        finally:
            machine.terminate()
    assert "Every module is loaded and no SIP runs yet" in said
    functions = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) ", said, re.MULTILINE)
    assert functions[:4] == ["deeper", "endless_recursion", "choose", "_start"], said
    assert re.search(r"^#\d+ .* in munal_kernel\S*::thread::begin ", said, re.MULTILINE), said
