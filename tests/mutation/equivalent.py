"""Mutants that no test can tell from the original, each with the reason: by module and by the mutant's key.

A reason says why both do the same for every input, not why the difference would not matter.
"""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str], str] = {}
