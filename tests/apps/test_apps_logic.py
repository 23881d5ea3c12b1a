"""What apps do beside calling the kernel, tested by cargo on this machine: dates, line editing, tables of the firmware."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from composer.cargo import OUR_OWN, OUR_OWN_PREFIXES
from composer.toolchain import require_rust

APPS = Path(__file__).resolve().parents[2] / "apps"


@pytest.mark.slow
def test_logic_of_apps(tmp_path_factory: pytest.TempPathFactory) -> None:
    rust = require_rust(kernel=False)
    env = {k: v for k, v in os.environ.items() if k not in OUR_OWN and not k.startswith(OUR_OWN_PREFIXES)}
    command = [rust.cargo, "test", "--manifest-path", APPS / "Cargo.toml", "--workspace", "--lib", "--locked",
               "--target-dir", tmp_path_factory.mktemp("cargo")]
    done = subprocess.run(command, env={**env, "RUSTC": str(rust.rustc)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = [int(count) for count in re.findall(r"test result: ok\. (\d+) passed", done.stdout)]
    tested = [app for app in APPS.glob("*/*/src/lib.rs")]
    assert len(counts) == len(tested) and all(counts)
