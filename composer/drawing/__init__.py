"""Pictures of a system: what runs, how it is joined and which hardware it holds, as text, DOT, SVG and data.

Gets a resolved system; `picture.py` says what there is to draw, and each other module draws it in one way.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from composer.system import System

FORMS = {"text": ("tree", "to_text"), "dot": ("dot", "to_dot"), "svg": ("svg", "to_svg"), "json": ("data", "to_json")}
"""The module of this folder and its function that draw each form."""


def draw(system: System, form: str) -> str:
    """The system in one of `FORMS`, ending with a line end."""
    from composer.drawing.picture import make_picture

    module, function = FORMS[form]
    return getattr(import_module(f"{__name__}.{module}"), function)(make_picture(system))
