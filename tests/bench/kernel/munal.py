"""Munal's own guests: profiles of the repository, composed as anybody composes them, in a copy of its workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composer import pipeline
from composer.tools import ToolFailure
from composer.variant import make_variant
from tests.boot.workspace import copy_workspace


@dataclass(frozen=True, slots=True)
class Built:
    """A composed profile: its image, and its apps' wasm by name."""

    image: Path
    wasm: dict[str, bytes]


class Workspace:
    """A copy of the repository's workspace, and what was built in it."""

    def __init__(self, folder: Path) -> None:
        self.root = copy_workspace(folder)

    def build(self, profile: str) -> Built:
        """Raises ToolFailure where the repository's own profile is refused."""
        variant = make_variant(profile)
        built = pipeline.compose(self.root, variant)
        generated = pipeline.compose(self.root, variant, pipeline.Stage.GENERATE)
        if not built.ok or not generated.ok:
            raise ToolFailure("bench", f"the profile `{profile}` is refused: see `munal check {profile}`")
        return Built(built.value.image, {name: path.read_bytes() for name, path in generated.value.wasm.items()})
