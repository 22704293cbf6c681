"""Prints the problems of a plan: file, line, key, problem, and remedy."""

from __future__ import annotations

import sys

from tui.plan.problems import PlanInvalid


def report(invalid: PlanInvalid) -> None:
    """Print all problems to stderr, one per paragraph."""
    count = len(invalid.problems)
    lines = ["The plan is not valid." if count == 1 else f"The plan is not valid, for {count} reasons."]
    for problem in invalid.problems:
        where = [problem.file or "the plan"]
        if problem.line is not None:
            where.append(f"line {problem.line}")
        if problem.key:
            where.append(problem.key)
        lines.append(f"  {', '.join(where)}")
        lines.append(f"    {problem.message}{' ' + problem.remedy if problem.remedy else ''}")
    print("\n".join(lines), file=sys.stderr, flush=True)
