"""Makes mutants: the text of a module with one thing in it changed, as a slip of the keyboard or of the mind would change it.

Gets a module's source; gives mutants, each with the place, the change in words and the whole new text. Nothing runs here.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

REGISTERS = ("declare", "rule")
"""Calls whose first argument is a code, but which say nothing; what any other call gets first, it says."""

_SWAPPED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
}
_SIGNS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in", ast.NotIn: "not in", ast.Is: "is",
    ast.IsNot: "is not", ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.LShift: "<<", ast.RShift: ">>",
    ast.BitAnd: "&", ast.BitOr: "|", ast.And: "and", ast.Or: "or",
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`module` is a path like `composer/check/ports.py`; `where` the function, `line` the line and its `text`; `change` says
    in words what is other; `make` gives the whole module with that change."""

    module: str
    where: str
    line: int
    text: str
    change: str
    make: Callable[[], str] = field(repr=False, compare=False)

    @property
    def key(self) -> str:
        """Tells it from the others of its module, whatever stands above it."""
        return f"{self.where}: {self.text}: {self.change}"

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.change}: {self.text}"


Change = Callable[[ast.AST], str]
"""Changes a node of a copied tree in its place, and says how."""


def without_code(module: str, source: str, code: str) -> Mutant | None:
    """The module without everything that says `code`: the rule's function, or else each statement that makes it. None where there is nothing."""
    tree = ast.parse(source)
    names = _names_of(tree, code)
    taken = _Without(lambda node: _is_rule(node, code)).take(tree)
    if not taken:
        taken = _Without(lambda node: _is_statement(node) and _says(node, code, names)).take(tree)
    if not taken:
        return None
    return Mutant(module, "", min(taken), f"{len(taken)} places" if len(taken) > 1 else "one place", f"{code} is deleted", partial(ast.unparse, tree))


def small_changes(module: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a module that differs in one operator, number, condition or statement."""
    lines, seen = source.splitlines(), Counter[str]()
    for place, (where, node) in enumerate(_places(ast.parse(source))):
        for turn in range(len(_changes(node))):
            said = _changes(node)[turn](copy.deepcopy(node))
            text = lines[node.lineno - 1].strip()
            seen[key := f"{where}: {text}: {said}"] += 1
            # Where one line has the same slip twice, the second is told by a number.
            again = f" ({seen[key]})" if seen[key] > 1 else ""
            yield Mutant(module, where, node.lineno, text, said + again, partial(_changed, source, place, turn))


def _changed(source: str, place: int, turn: int) -> str:
    """The source with one change made at one of its places."""
    tree = ast.parse(source)
    _, node = next(islice(_places(tree), place, None))
    _changes(node)[turn](node)
    return ast.unparse(ast.fix_missing_locations(tree))


def _places(tree: ast.AST, where: str = "") -> Iterator[tuple[str, ast.expr | ast.stmt]]:
    """Everything inside of functions and the numbers of constants, in the order of the text; not annotations, nor what is a docstring."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            inner = f"{where}.{child.name}".strip(".") if isinstance(child, (ast.FunctionDef, ast.ClassDef)) else where
            if isinstance(child, (ast.expr, ast.stmt)):
                yield inner, child
            yield from _places(child, inner)


def _changes(node: ast.AST) -> list[Change]:
    """What can be changed about one node, itself alone."""
    if isinstance(node, ast.Compare):
        return [_swap_comparison(k) for k, op in enumerate(node.ops) if type(op) in _SWAPPED]
    if isinstance(node, (ast.BinOp, ast.BoolOp)):
        return [_swap_operator] if type(node.op) in _SWAPPED and not _is_typing(node) else []
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return [_negate_constant]
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return [_step(1), _step(-1)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        return [_swap_call]
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        return [_negate_test]
    if isinstance(node, ast.comprehension):
        return []
    return [_drop] if _can_go(node) else []


def _is_typing(node: ast.AST) -> bool:
    """`int | None` outside of an annotation."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and isinstance(node.right, ast.Constant) and node.right.value is None


def _can_go(node: ast.AST) -> bool:
    """Whether it is a statement that only does something, or leaves: without it, the function still reads."""
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    return isinstance(node, (ast.Raise, ast.Continue, ast.Break, ast.AugAssign)) or (isinstance(node, ast.Return) and node.value is None)


def _swap_comparison(which: int) -> Change:
    def change(node: ast.AST) -> str:
        assert isinstance(node, ast.Compare)
        old = type(node.ops[which])
        node.ops[which] = _SWAPPED[old]()
        return f"`{_SIGNS[old]}` is `{_SIGNS[_SWAPPED[old]]}`"

    return change


def _swap_operator(node: ast.AST) -> str:
    old = type(node.op)  # type: ignore[attr-defined]
    node.op = _SWAPPED[old]()  # type: ignore[attr-defined]
    return f"`{_SIGNS[old]}` is `{_SIGNS[_SWAPPED[old]]}`"


def _negate_constant(node: ast.AST) -> str:
    assert isinstance(node, ast.Constant)
    node.value = not node.value
    return f"{not node.value} is {node.value}"


def _step(by: int) -> Change:
    def change(node: ast.AST) -> str:
        assert isinstance(node, ast.Constant)
        node.value += by
        return f"{node.value - by} is {node.value}"

    return change


def _swap_call(node: ast.AST) -> str:
    old = node.func.id  # type: ignore[attr-defined]
    node.func.id = _CALLS[old]  # type: ignore[attr-defined]
    return f"{old} is {_CALLS[old]}"


def _negate_test(node: ast.AST) -> str:
    node.test = ast.UnaryOp(ast.Not(), node.test)  # type: ignore[attr-defined]
    return "the condition is turned round"


def _drop(node: ast.AST) -> str:
    """A statement becomes one that does nothing: `0`."""
    kind = type(node).__name__
    node.__class__ = ast.Expr
    node.value = ast.Constant(0)  # type: ignore[attr-defined]
    return "this statement is gone" if kind != "Return" else "this return is gone"


# Codes

def _names_of(tree: ast.Module, code: str) -> set[str]:
    """The names by which a module knows a code: `M0102 = declare("M0102", ...)`, or an import of that name."""
    names = {code}
    for node in tree.body:
        if isinstance(node, ast.Assign) and _is_call(node.value, ("declare",), code):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _is_call(node: ast.AST | None, names: tuple[str, ...], code: str) -> bool:
    return (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and bool(node.args)
            and isinstance(node.args[0], ast.Constant) and node.args[0].value == code)


def _is_rule(node: ast.AST, code: str) -> bool:
    return isinstance(node, ast.FunctionDef) and any(_is_call(each, ("rule",), code) for each in node.decorator_list)


def _is_statement(node: ast.AST) -> bool:
    return isinstance(node, (ast.Expr, ast.Return, ast.Raise, ast.Assign, ast.AugAssign))


def _says(node: ast.AST, code: str, names: set[str]) -> bool:
    """Whether a statement makes a diagnostic of this code: by its text, or by the name that it was declared under."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id not in REGISTERS and call.args:
            first = call.args[0]
            if (isinstance(first, ast.Constant) and first.value == code) or (isinstance(first, ast.Name) and first.id in names):
                return True
    return False


class _Without(ast.NodeTransformer):
    """Takes out the statements that a test picks; `pass` stands where a block would be empty."""

    def __init__(self, picks: Callable[[ast.AST], bool]) -> None:
        self.picks = picks
        self.lines: list[int] = []

    def take(self, tree: ast.Module) -> list[int]:
        """The lines of what was taken out."""
        self.visit(tree)
        ast.fix_missing_locations(tree)
        return self.lines

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.stmt) and self.picks(node):
            self.lines.append(node.lineno)
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)
