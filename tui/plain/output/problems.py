"""Prints what is wrong with a plan: file, line, key, what, and what would be right."""

from __future__ import annotations

import sys

from tui.plan.problems import PlanInvalid


def report(invalid: PlanInvalid) -> None:
    """All problems on stderr, one a paragraph."""
    count = len(invalid.problems)
    lines = ["The plan cannot be used." if count == 1 else f"The plan cannot be used, for {count} reasons."]
    for problem in invalid.problems:
        where = [problem.file or "the plan"]
        if problem.line is not None:
            where.append(f"line {problem.line}")
        if problem.key:
            where.append(problem.key)
        lines.append(f"  {', '.join(where)}")
        lines.append(f"    {problem.message}{' ' + problem.remedy if problem.remedy else ''}")
    print("\n".join(lines), file=sys.stderr, flush=True)
