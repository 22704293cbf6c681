"""Findings about the scoring script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tui.checks.environment.conda_file import CondaFile
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.checks.model.artifact_findings import DEPLOY, TROUBLESHOOT
from tui.checks.scoring import module_packages, script_paths
from tui.checks.scoring.model_paths import Opened
from tui.checks.scoring.score_script import ScoreScript

_SCRIPT = "deployment.code_configuration.scoring_script"
_CONDA = "deployment.environment.conda_file"


def about_score(score: ScoreScript | None, conda: CondaFile | None, own_server: bool = False) -> list[Finding]:
    """Check that the script has the functions that the server calls, and the environment the modules it imports.

    `own_server`: the image's own server may need other functions of the script, or none.
    """
    if score is None:
        return []
    found = list(_about(score, conda, own_server))
    said = f"{score.path.name} {'defines init() and run()' if score.parsed else 'is in the code folder'}."
    return found or [Finding("score-script", OK, _SCRIPT, said, looked_at=str(score.path))]


def _about(score: ScoreScript, conda: CondaFile | None, own_server: bool) -> Iterator[Finding]:
    at, name = str(score.path), score.path.name
    if not score.found:
        message = score.problem or f"{name} is not in {score.path.parent}."
        yield Finding("score-script", BLOCKER, _SCRIPT, message, "Set a path relative to the code folder.", DEPLOY, at)
        return
    if score.problem:
        severity = BLOCKER if score.certain else UNKNOWN
        remedy = "Correct it; otherwise the container exits with this error when it starts."
        if not score.certain:
            remedy = "The environment's Python is newer than the one here, so this may be valid there."
        yield Finding("score-script", severity, _SCRIPT, score.problem, remedy, TROUBLESHOOT, at)
    missing = " and ".join(f"{one}()" for one, has in (("init", score.has_init), ("run", score.has_run)) if not has)
    if missing and score.parsed and score.certain:
        remedy = "Define init() to load the model and run(raw_data) to answer a request."
        severity = WARNING if own_server else BLOCKER
        remedy += " An image's own server may do without." if own_server else ""
        yield Finding("score-script", severity, _SCRIPT, f"{name} does not define {missing}.", remedy, DEPLOY, at)
    elif missing and score.parsed:
        message = f"{name} uses a star import, so whether it has {missing} cannot be determined from its text."
        yield Finding("score-script", UNKNOWN, _SCRIPT, message, looked_at=at)
    yield from _imports(score, conda)
    for kind, what in (
        (script_paths.RELATIVE, "which is relative to the server's working directory, not to the script"),
        (script_paths.ELSEWHERE, "which does not exist in the container"),
    ):
        if named := ", ".join([f"{one.path} (line {one.line})" for one in score.paths if one.kind == kind][:3]):
            remedy = 'Use the model\'s folder, os.environ["AZUREML_MODEL_DIR"], or Path(__file__).parent for a file in '
            remedy += "the code folder."
            yield Finding("score-paths", WARNING, _SCRIPT, f"{name} opens {named}, {what}.", remedy, DEPLOY, at)
    if score.swallowed:
        lines = ", ".join(str(one.line) for one in score.swallowed[:3])
        message = f"{name}, line {lines}: run() catches an error and returns normally, so callers get status 200 for a "
        message += "failure."
        remedy = "Raise the error instead; the endpoint then returns 424, and its metrics count a failure."
        yield Finding("score-returns-error", WARNING, _SCRIPT, message, remedy, DEPLOY, at)


def about_model_paths(score: ScoreScript | None, astray: Sequence[tuple[Opened, str]]) -> Iterator[Finding]:
    """A warning for each path below AZUREML_MODEL_DIR that the script opens and that will not lie there."""
    for one, instead in astray if score else ():
        path = score.path if score else Path()
        message = f"{path.name}, line {one.line}, opens {one.path or 'the folder itself'} below AZUREML_MODEL_DIR, but "
        message += f"the model will lie at {instead} there."
        remedy = f'Open os.path.join(os.environ["AZUREML_MODEL_DIR"], "{instead}"), or set deployment.model.path to '
        remedy += "what the script opens: a folder lies there under its own name, a file directly."
        yield Finding("score-model-path", WARNING, _SCRIPT, message, remedy, DEPLOY, str(path))


def _imports(score: ScoreScript, conda: CondaFile | None) -> Iterator[Finding]:
    if conda is None or not conda.found or conda.problem or conda.lines.unread:
        return
    lines = {item.module: item.line for item in reversed(score.imports)}
    lacking = module_packages.missing(lines, conda.packages, score.path.parent)
    if not lacking:
        return
    named = ", ".join(f"{module} (line {lines[module]})" for module in lacking)
    message = f"{score.path.name} imports {named}, but {conda.path.name} lists no package that provides it."
    remedy = f"Add {', '.join(map(module_packages.package_for, lacking))} to the pip section of {conda.path.name}, "
    remedy += "or put the module into the code folder, unless another package installs it."
    yield Finding("score-imports", WARNING, _CONDA, message, remedy, TROUBLESHOOT, str(conda.path))
