"""The mutants of a module: what cosmic-ray's operators would change in a decision or a limit."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.mutants.line_map import AREAS, ROOT

# Not: `==` for `is` and the like, which differ by what CPython keeps only once, or end in a TypeError.
_COMPARED = re.compile(
    r"ReplaceComparisonOperator_(?:(?:Eq|NotEq|LtE?|GtE?)_(?:Eq|NotEq|LtE?|GtE?)|Is_IsNot|IsNot_Is)$"
)
_OTHERS = {
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "NumberReplacer",
}


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one module: the `occurrence`-th place where cosmic-ray's `operator` can change it."""

    file: str  # from the top folder
    line: int
    column: int
    operator: str
    occurrence: int
    nth: int  # of the changes that the operator makes at this place

    @property
    def id(self) -> str:
        """FILE:LINE:COLUMN:OPERATOR, and which of its changes where the operator makes more than one there."""
        return f"{self.file}:{self.line}:{self.column}:{self.operator}" + (f":{self.nth}" if self.nth else "")

    @property
    def area(self) -> str:
        """The folder of tui that the module is in."""
        return self.file.split("/")[1]

    def applied(self, source: str) -> str:
        """The text of the module with the change."""
        changed = mutate_code(source, get_operator(f"core/{self.operator}")(), self.occurrence)
        assert changed is not None, self.id
        return str(changed)

    def compiles(self) -> bool:
        """Whether Python takes the change: it does not take `if not name := …`."""
        try:
            compile(self.applied((ROOT / self.file).read_text(encoding="utf-8")), self.file, "exec")
        except SyntaxError:
            return False
        return True


def mutants(areas: tuple[str, ...] = AREAS) -> list[Mutant]:
    """All mutants of the modules in these folders of tui, in one order."""
    files = [path for area in areas for path in sorted((ROOT / "tui" / area).rglob("*.py"))]
    return [one for path in files for one in _of(path)]


def _of(path: Path) -> list[Mutant]:
    names = [name.partition("/")[2] for name in operator_names() if name.startswith("core/")]
    operators = {name: get_operator(f"core/{name}")() for name in names if name in _OTHERS or _COMPARED.search(name)}
    file, found, counted = path.relative_to(ROOT).as_posix(), [], Counter[str]()
    for node in ast_nodes(get_ast(path.read_text(encoding="utf-8"))):
        for name, operator in operators.items():
            for nth, ((line, column), _) in enumerate(operator.mutation_positions(node)):
                if _decides(node):
                    found.append(Mutant(file, line, column, name, counted[name], nth))
                counted[name] += 1
    return sorted(found)


def _decides(node: Any) -> bool:
    """Whether a change here is one of the program: not in an annotation, a decorator, a __repr__, for type checkers."""
    if node.type in ("if_stmt", "test") and "TYPE_CHECKING" in node.children[1].get_code():
        return False
    below, above = node, node.parent
    while above is not None:
        if above.type == "decorator" or (above.type == "funcdef" and above.name.value == "__repr__"):
            return False
        if above.type in ("param", "tfpdef", "funcdef", "annassign") and _annotation(above) is below:
            return False
        below, above = above, above.parent
    return True


def _annotation(node: Any) -> Any:
    """What stands behind the `:` of a parameter or a variable, or the `->` of a function; None without."""
    behind = "->" if node.type == "funcdef" else ":"
    signs = [str(getattr(child, "value", "")) for child in node.children]
    return node.children[signs.index(behind) + 1] if behind in signs else None
