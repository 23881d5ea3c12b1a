"""Every mutant there is to judge: each rule deleted, and each small change; what is equivalent is left out.

Gets codes and modules; gives mutants, and a table of verdicts for a person.
"""

from __future__ import annotations

from functools import lru_cache, partial

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.mutants import Mutant, small_changes, without_code
from tests.mutation.suite import CHECKOUT, Verdict

COMPOSER = CHECKOUT / "composer"


def deleted(code: str) -> list[Mutant]:
    """For each module that says `code`, that module without everything that does."""
    return [mutant for module in _modules("composer") if code in _text(module) and (mutant := without_code(module, _text(module), code))]


def small_mutants(within: str, *, all: bool = False) -> list[Mutant]:
    """The small mutants of a module, or of those in a folder; with `all`, also those that are known to be equivalent."""
    return [mutant for module in _modules(within) for mutant in _small(module) if all or not is_equivalent(mutant)]


def unchanged(module: str) -> Mutant:
    """A module as it is: what the tests say of it must be nothing."""
    return Mutant(module, "", 1, "", "nothing is other", partial(_text, module))


def is_equivalent(mutant: Mutant) -> bool:
    return (mutant.module, mutant.key) in EQUIVALENT


@lru_cache(maxsize=256)
def _small(module: str) -> tuple[Mutant, ...]:
    return tuple(small_changes(module, _text(module)))


def _modules(within: str) -> list[str]:
    path = CHECKOUT / within
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [str(file.relative_to(CHECKOUT)) for file in files]


@lru_cache(maxsize=512)
def _text(module: str) -> str:
    return (CHECKOUT / module).read_text()


def table(verdicts: list[Verdict]) -> str:
    """How many mutants of each module were found, and each one that was not."""
    rows = [f"{'module':<40} {'mutants':>7} {'found':>6} {'survived':>8} {'score':>6}"]
    for module in sorted({each.mutant.module for each in verdicts}):
        rows.append(_row(module, [each for each in verdicts if each.mutant.module == module]))
    rows.append(_row("all", verdicts))
    rows += ["", "survived:", *(f"  {each.mutant}" for each in verdicts if each.survived)] if any(each.survived for each in verdicts) else []
    return "\n".join(rows)


def _row(name: str, verdicts: list[Verdict]) -> str:
    survived = sum(each.survived for each in verdicts)
    found = len(verdicts) - survived
    return f"{name:<40} {len(verdicts):>7} {found:>6} {survived:>8} {100 * found / max(len(verdicts), 1):>5.1f}%"
