"""One run of cargo, as the kernel and the apps both need it: same flags in any folder, same bytes out, progress shown.

Gets a toolchain and what to build; gives the artifacts that cargo names. Crates are taken from cargo's own store; where one
is missing there, it is fetched, which is said before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from composer import cache, progress
from composer.toolchain import Rust
from composer.tools import ToolFailure, run

RENAMED = ("cargo", "rust", "munal")
"""What the folders of cargo's store, the standard library and the cache are called in what is built."""

OUR_OWN = ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTUP_TOOLCHAIN",
           "CARGO_INCREMENTAL", "CARGO_TARGET_DIR")
OUR_OWN_PREFIXES = ("CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_TARGET_", "CARGO_UNSTABLE_")
"""Variables that would make another build of the same source; a person's own are not passed on."""

NAMER = """\
#!/bin/sh
# Compiles a crate with its name and version in place of where its source is.
exec "$@" ${CARGO_MANIFEST_DIR:+"--remap-path-prefix=$CARGO_MANIFEST_DIR=/crate/$CARGO_PKG_NAME-$CARGO_PKG_VERSION"}
"""
"""What cargo runs in place of rustc. Below $CARGO_HOME, a crate's folder tells which mirror it was fetched from, which is
known only once it was fetched: no flag that is given before can rename it."""

FRESH_BY_CONTENT = "-Zchecksum-freshness"
"""Clones share a target folder, and the files of one may be older than what another built: times tell nothing there."""

_STYLE = r"(?:\x1b\[[0-9;]*[A-Za-z])*"
_COUNT = re.compile(rf"^{_STYLE}\s*{_STYLE}\s*Building{_STYLE} \[[=> ]*\]\s+(\d+)/(\d+)")
_NEEDS_NETWORK = re.compile(r"--offline|offline mode")
"""Cargo says it in several ways, by what is missing: the index, a crate of it, or only the crate's file."""
_NEEDS_LOCK = re.compile(r"lock file .* needs to be updated|cannot update the lock file|cannot create the lock file")


@dataclass(frozen=True, slots=True)
class Cargo:
    """What one build needs. `area` is a folder of the cache that this run holds: cargo's target folder is made there.

    `words` go after `cargo build --release`; `rustflags` after the ones that hide where folders are.
    """

    rust: Rust
    area: Path
    manifest: Path
    title: str
    words: tuple[str, ...]
    rustflags: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None
    may_lock: bool = False

    def build(self) -> list[dict[str, object]]:
        """Run cargo; gives its `compiler-artifact` messages (The Cargo Book, External tools). Raises ToolFailure."""
        self._prepare()
        extra: tuple[str, ...] = ("--offline", "--locked")
        while True:
            try:
                return self._run(extra)
            except ToolFailure as failure:
                extra = self._relax(extra, failure)

    @property
    def target(self) -> Path:
        """Cargo's target folder. Cargo does not see what is in the wrapper: what another one compiled lies elsewhere."""
        return self.area / f"target-{cache.digest(NAMER)[:8]}"

    @property
    def _namer(self) -> Path:
        return self.area / "rustc-with-names"

    def _prepare(self) -> None:
        """Write the wrapper, and drop what was compiled with another."""
        for other in self.area.glob("target*"):
            if other != self.target:
                shutil.rmtree(other, ignore_errors=True)
        cache.write_if_changed(self._namer, NAMER.encode())
        if not os.access(self._namer, os.X_OK):
            self._namer.chmod(0o755)

    def _relax(self, extra: tuple[str, ...], failure: ToolFailure) -> tuple[str, ...]:
        """What to try next after this failure; raises it again where nothing is left."""
        if "--locked" in extra and self.may_lock and _NEEDS_LOCK.search(failure.output):
            progress.say(f"{self.manifest.parent.name}/Cargo.lock does not name every crate yet: adding what is missing")
            return tuple(word for word in extra if word != "--locked")
        if "--offline" in extra and not os.environ.get("MUNAL_OFFLINE") and _NEEDS_NETWORK.search(failure.output):
            progress.say("setting up: fetching the crates that Cargo.lock names, once")
            return tuple(word for word in extra if word != "--offline")
        raise failure

    def _run(self, extra: Sequence[str]) -> list[dict[str, object]]:
        command: list[str | Path] = [self.rust.cargo, "build", "--release", "--manifest-path", self.manifest,
                                    "--target-dir", self.target, "--message-format=json-render-diagnostics",
                                    FRESH_BY_CONTENT, *extra, *self.words]
        with tempfile.TemporaryFile() as messages:
            with progress.task(self.title) as task:

                def each_piece(piece: str) -> bool:
                    if count := _COUNT.match(piece):
                        task.update(int(count[1]), int(count[2]))
                        return True
                    return not piece.strip()

                run("cargo", command, cwd=self.manifest.parent, env=self._environment(), each_piece=each_piece, stdout=messages,
                    says=f"{self.title} failed")
            messages.seek(0)
            made = [json.loads(line) for line in messages if line.startswith(b"{")]
        return [message for message in made if message.get("reason") == "compiler-artifact"]

    def _environment(self) -> dict[str, str]:
        own = {k: v for k, v in os.environ.items() if k not in OUR_OWN and not k.startswith(OUR_OWN_PREFIXES)}
        return {
            **own,
            "RUSTC": str(self.rust.rustc),
            "RUSTC_WRAPPER": str(self._namer),
            "RUSTC_BOOTSTRAP": "1",
            "CARGO_ENCODED_RUSTFLAGS": "\x1f".join((*self._renamed(), *self.rustflags)),
            "CARGO_INCREMENTAL": "0",
            "CARGO_TERM_COLOR": "always" if progress.on_terminal() else "never",
            "CARGO_TERM_PROGRESS_WHEN": "always",
            "CARGO_TERM_PROGRESS_WIDTH": "80",
            **(self.env or {}),
        }

    def _renamed(self) -> list[str]:
        """Flags that put fixed names in place of folders. The source's own folder needs none: cargo compiles the members
        of a workspace by relative paths. So the flags, and with them compiled crates, are the same in every clone."""
        home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
        flags = []
        for folder, name in zip((home, self.rust.source, self.area), RENAMED, strict=True):
            for spelled in dict.fromkeys((str(folder), str(folder.resolve()))):
                flags.append(f"--remap-path-prefix={spelled}=/{name}")
        return flags
