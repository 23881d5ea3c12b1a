"""What a question about a system can be asked of: a profile of the workspace, or an image, wherever it came from.

Gets a word of the command line; gives the system table, the modules and the sizes behind it, in one form for both.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from composer.questions.diff import Side
from composer.result import Result
from composer.variant import Variant, make_variant

if TYPE_CHECKING:
    from composer.image import ImageView
    from composer.pipeline import Compiled


def is_image(word: str) -> bool:
    """Whether a word names a file: no profile's name has a slash, a backslash or a dot."""
    return any(char in word.partition("@")[0] for char in "/\\.")


def side_of(root: Path, word: str, settings: tuple[str, ...] = (), linked: bool = False) -> Result[Side]:
    """A profile, as PROFILE[@TARGET], or an image file. With `linked` a profile's image is made, for the sizes of all parts.

    Raises ValueError where the word is neither, OSError where the file cannot be read and ToolFailure where a compiler fails.
    """
    if is_image(word):
        return image_side(Path(word))
    return profile_side(root, make_variant(word, settings), linked)


def image_side(path: Path) -> Result[Side]:
    from composer.image import read_image

    return read_image(path.read_bytes()).then(lambda view: Result(_of_image(path.name, view)))


def _of_image(name: str, view: ImageView) -> Side:
    modules = {each: (hashlib.sha256(code).hexdigest(), len(code)) for each, code in view.modules.items()}
    return Side(name, view.table, modules, view.parts)


def profile_side(root: Path, variant: Variant, linked: bool) -> Result[Side]:
    from composer.pipeline import Stage, stages

    made = stages(root, variant, Stage.LINK if linked else Stage.COMPILE)
    compiled = made[Stage.COMPILE]
    if compiled.value is None or not linked:
        return compiled.then(lambda value: Result(_of_profile(value)))
    return made[Stage.LINK].then(lambda image: Result(_of_profile(compiled.value, image.parts)))


def profile_sizes(root: Path, variant: Variant) -> tuple[Result[Side], dict[str, Path]]:
    """A profile with the sizes of all parts, and the wasm of its apps by name."""
    from composer.pipeline import Stage, stages

    made = stages(root, variant, Stage.LINK)
    compiled = made[Stage.COMPILE].value
    return made[Stage.LINK].then(lambda image: Result(_of_profile(compiled, image.parts))), compiled.generated.wasm if compiled else {}


def _of_profile(compiled: Compiled, parts: dict[str, int] | None = None) -> Side:
    from composer.interfaces import load_interfaces
    from composer.table import Module, decode, encode
    from composer.variant import name_of

    generated, codes = compiled.generated, compiled.modules
    listed = [Module(name, 0, len(code), hashlib.sha256(code).digest()) for name, code in codes.items()]
    table = encode(generated.system, generated.layout, listed, load_interfaces())
    modules = {each.name: (each.sha256.hex(), each.length) for each in listed}
    sizes = {part: sum(len(code) for name, code in codes.items() if name.startswith(prefix)) for part, prefix in (("apps", "app/"), ("glue", "glue/"))}
    return Side(name_of(generated.system.profile, generated.system.target), decode(table), modules, parts or sizes)
