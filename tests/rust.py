"""Rust's own tests, run by cargo on this machine: for kernel and app logic that needs no machine of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from composer.cargo import OUR_OWN, OUR_OWN_PREFIXES
from composer.toolchain import require_rust


def passed_tests(manifest: Path, target: Path, *selection: str) -> list[int]:
    """Run `cargo test` over the selected packages; how many tests each passed. Fails with cargo's words where one does not."""
    rust = require_rust(kernel=False)
    env = {k: v for k, v in os.environ.items() if k not in OUR_OWN and not k.startswith(OUR_OWN_PREFIXES)}
    command = [rust.cargo, "test", "--manifest-path", manifest, *selection, "--lib", "--locked", "--target-dir", target]
    done = subprocess.run(command, env={**env, "RUSTC": str(rust.rustc)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(count) for count in re.findall(r"test result: ok\. (\d+) passed", done.stdout)]
