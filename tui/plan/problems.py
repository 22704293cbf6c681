"""Problems in a plan: where they are, what is wrong, and what would be valid."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One problem: where (file, line, key), what is wrong, and what would be valid."""

    key: str
    message: str
    remedy: str = ""
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = self.file or "plan"
        if self.line is not None:
            where += f", line {self.line}"
        if self.key:
            where += f", {self.key}"
        text = f"{where}: {self.message}"
        return f"{text} {self.remedy}" if self.remedy else text


class PlanInvalid(Exception):
    """The plan cannot be used; `problems` has every problem found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
