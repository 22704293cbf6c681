"""Findings about the scoring script."""

from __future__ import annotations

from collections.abc import Iterator

from tui.checks.environment.conda_file import CondaFile
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.checks.model.artifact_findings import DEPLOY, TROUBLESHOOT
from tui.checks.scoring import module_packages, script_paths
from tui.checks.scoring.score_script import ScoreScript
from tui.plan.model import Plan

_SCRIPT = "deployment.code_configuration.scoring_script"
_CONDA = "deployment.environment.conda_file"


def about_score(plan: Plan, score: ScoreScript | None, conda: CondaFile | None) -> list[Finding]:
    """Check that the script has the functions that the server calls, and the environment the modules it imports."""
    if score is None:
        return []
    at = str(score.path)
    found: list[Finding] = []
    if not score.found:
        message = score.problem or f"{score.path.name} is not in {score.path.parent}."
        remedy = "Set a path relative to the code folder."
        return [Finding("score-script", BLOCKER, _SCRIPT, message, remedy, DEPLOY, at)]
    missing = [name for name, there in (("init", score.has_init), ("run", score.has_run)) if not there]
    if score.problem:
        severity = BLOCKER if score.certain else UNKNOWN
        remedy = "Correct it; otherwise the container exits with this error when it starts."
        if not score.certain:
            remedy = "The environment's Python is newer than the one here, so this may be valid there."
        found.append(Finding("score-script", severity, _SCRIPT, score.problem, remedy, TROUBLESHOOT, at))
    if missing and score.parsed and score.certain:
        names = " and ".join(f"{name}()" for name in missing)
        remedy = "Define init() to load the model and run(raw_data) to answer a request."
        message = f"{score.path.name} does not define {names}."
        found.append(Finding("score-script", BLOCKER, _SCRIPT, message, remedy, DEPLOY, at))
    elif missing and score.parsed:
        names = " and ".join(f"{name}()" for name in missing)
        message = f"{score.path.name} uses a star import, so whether it has {names} cannot be determined from its text."
        found.append(Finding("score-script", UNKNOWN, _SCRIPT, message, looked_at=at))
    found.extend(_imports(plan, score, conda))
    found.extend(_paths(score))
    if score.returns_error_at:
        found.append(
            Finding(
                "score-returns-error",
                WARNING,
                _SCRIPT,
                f"{score.path.name}, line {score.returns_error_at}: run() catches an error and returns it, so "
                "callers get status 200 for a failure.",
                "Raise the error instead; the endpoint then returns 424, and its metrics count a failure.",
                DEPLOY,
                at,
            )
        )
    if not found:
        found.append(Finding("score-script", OK, _SCRIPT, f"{score.path.name} defines init() and run().", looked_at=at))
    return found


def _paths(score: ScoreScript) -> Iterator[Finding]:
    """Findings about paths that exist only on this machine, one per kind of path."""
    for kind, what in (
        (script_paths.RELATIVE, "which is relative to the server's working directory, not to the script"),
        (script_paths.ELSEWHERE, "which does not exist in the container"),
    ):
        here = [one for one in score.paths if one.kind == kind]
        if not here:
            continue
        named = ", ".join(f"{one.path} (line {one.line})" for one in here[:3])
        yield Finding(
            "score-paths",
            WARNING,
            _SCRIPT,
            f"{score.path.name} opens {named}, {what}.",
            'Use the model\'s folder, os.environ["AZUREML_MODEL_DIR"], or Path(__file__).parent for a file in the '
            "code folder.",
            DEPLOY,
            str(score.path),
        )


def _imports(plan: Plan, score: ScoreScript, conda: CondaFile | None) -> list[Finding]:
    if conda is None or not conda.found or conda.problem or conda.local:
        return []
    lines = {item.module: item.line for item in reversed(score.imports)}
    lacking = module_packages.missing(lines, conda.packages, score.path.parent)
    if not lacking:
        return []
    named = ", ".join(f"{module} (line {lines[module]})" for module in lacking)
    return [
        Finding(
            "score-imports",
            WARNING,
            _CONDA,
            f"{score.path.name} imports {named}, but {conda.path.name} lists no package that provides it.",
            f"Add {', '.join(map(module_packages.package_for, lacking))} to the pip section of {conda.path.name}, "
            "or put the module into the code folder, unless another package installs it.",
            TROUBLESHOOT,
            str(conda.path),
        )
    ]
