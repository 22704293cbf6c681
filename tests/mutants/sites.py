"""Where the code can be mutated, and how: cosmic-ray's operators for comparisons, conditions and numbers."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

AREAS = ("plan", "checks", "cloud", "engine", "export", "helper", "remedies")
_COMPARISONS = ("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt",
                "Is_IsNot", "IsNot_Is")  # fmt: skip
OPERATORS = (
    *(f"core/ReplaceComparisonOperator_{name}" for name in _COMPARISONS),
    "core/AddNot",
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceContinueWithBreak",
    "core/NumberReplacer",
)


@dataclass(frozen=True, order=True)
class Mutant:
    """One change of one module; `lines` are those of the expression that it changes."""

    path: str
    lines: tuple[int, int]
    column: int
    operator: str
    occurrence: int

    @property
    def name(self) -> str:
        return f"{self.path}:{self.lines[0]}:{self.column}:{self.operator.rpartition('/')[2]}:{self.occurrence}"

    @property
    def area(self) -> str:
        return self.path.split("/")[1]

    def code(self, original: str) -> str:
        """The module's text with the change. Raises ValueError where there is nothing to change."""
        changed = mutate_code(original, get_operator(self.operator)(), self.occurrence)
        if changed is None:
            raise ValueError(f"{self.name}: no such place")
        return str(changed)


def mutants(root: Path, within: Sequence[str]) -> list[Mutant]:
    """All mutants of modules and folders (paths from the top of the tree), in order."""
    paths = sorted(
        {path for name in within for path in ([root / name] if name.endswith(".py") else (root / name).rglob("*.py"))}
    )
    return sorted(mutant for path in paths for mutant in _of(path, path.relative_to(root).as_posix()))


def sample(root: Path, count: int, seed: int, within: Sequence[str]) -> list[Mutant]:
    """`count` mutants at different places, each place as likely as any other."""
    places: dict[tuple[str, tuple[int, int], int], list[Mutant]] = {}
    for mutant in mutants(root, within):
        places.setdefault((mutant.path, mutant.lines, mutant.column), []).append(mutant)
    chance = random.Random(seed)
    keys = sorted(places)
    chance.shuffle(keys)
    chosen: list[Mutant] = []
    for key in keys:
        mutant = chance.choice(places[key])
        if _is_python(mutant.code((root / mutant.path).read_text(encoding="utf-8"))):
            chosen.append(mutant)
        if len(chosen) == count:
            break
    return chosen


def _of(path: Path, name: str) -> Iterator[Mutant]:
    source = path.read_text(encoding="utf-8")
    nodes = list(ast_nodes(get_ast(source)))
    uninteresting = _without_decisions(source)
    for operator in OPERATORS:
        instance = get_operator(operator)()
        positions = [position for node in nodes for position in instance.mutation_positions(node)]
        for occurrence, ((first, column), (last, _)) in enumerate(positions):
            if first not in uninteresting:
                yield Mutant(name, (first, last), column, operator, occurrence)


@cache
def _without_decisions(source: str) -> frozenset[int]:
    """The lines of annotations, decorators and TYPE_CHECKING: no test can tell what stands there."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        parts: list[ast.AST | None] = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            parts += node.decorator_list
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            parts.append(node)
        for part in parts:
            if part is not None:
                lines.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))  # type: ignore[attr-defined]
    return frozenset(lines)


def _is_python(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True
