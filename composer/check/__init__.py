"""The rules that a system must keep: each a function in a module of this folder, registered under its code.

Gets a resolved system and what inspect read from the apps' wasm; gives every diagnostic of every rule, in the order of places.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from composer.diagnostics import RULES, Diagnostic, Rule
from composer.system import System

_SPEAKING_STAGES = ("toml_spans", "load", "units", "paths", "shapes", "fit", "device_model", "device_begins", "model", "merge", "resolve", "link", "certificate",
                    "image", "lock", "fault_script")
"""Modules that declare codes of their own without being rules."""


def check(system: System, facts: Mapping[str, Any] | None = None) -> tuple[Diagnostic, ...]:
    """Run every rule. Without facts those about wasm find nothing to say."""
    _import_rules()
    said = [diagnostic for _, rule in sorted(RULES.items()) if rule.check for diagnostic in rule.check(system, facts or {})]
    return tuple(sorted(said, key=Diagnostic.sort_key))


def every_rule() -> tuple[Rule, ...]:
    """Every code that the composer can say, in order: for `munal explain`, the reference page and the tests."""
    for stage in _SPEAKING_STAGES:
        importlib.import_module(f"composer.{stage}")
    _import_rules()
    return tuple(rule for _, rule in sorted(RULES.items()))


def _import_rules() -> None:
    """A rule is found by standing in this folder: there is no list to forget it in."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
