"""Resolve a plan's whole environment with uv, for its Python on Linux, from wheels and without installing anything.

conda's packages are looked up by their PyPI names, which is a strong hint, not a proof, for what their channels have.
Without uv, and where it gives no answer, each package is looked up by itself (`pins`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
import time
from datetime import datetime, timezone

from tui.checks.environment import pins
from tui.checks.environment.pins import Wanted
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.cloud.http import cache, package_index
from tui.cloud.http.package_index import Indexes
from tui.common import child_process, uv_program
from tui.common.conda_file import canonical
from tui.common.conda_requirements import not_on_pypi
from tui.common.redact import hide_logins
from tui.plan.model import Plan

LIMIT = 8.0
"""Seconds for a resolution of which nothing is cached."""
REHEARSAL = "rehearsal-packages"
KEPT_SECONDS = 86_400.0
KEPT_WRONG = 3_600.0
"""How long results are cached, those that are not all right for a shorter time; without an answer, none is."""
# The C library of the images, by the Ubuntu release in their names (Ubuntu, package libc6); 22.04 for others.
_PLATFORMS = {"ubuntu16.04": "2_17", "ubuntu18.04": "2_17", "ubuntu20.04": "2_31", "ubuntu24.04": "2_39"}
# Other settings of uv (offline, exclude-newer, …) would make it say what does not hold for the image build.
_INDEX_VARIABLES = re.compile("UV_((DEFAULT_|EXTRA_)?INDEX(_URL)?|FIND_LINKS)")
_CONNECTION = re.compile("UV_(INDEX_.*|CACHE_DIR|NO_CACHE|HTTP_.*|NATIVE_TLS|INSECURE_HOST|KEYRING_PROVIDER)")
_SPECIFIER = r"(?:[=<>!~]=?=?[\w.*+!]+(?:,[=<>!~]=?[\w.*+!]+)*)"
_PACKAGE = r"([\w.-]+(?:\[[\w,.-]+\])?)"
_NEEDS = re.compile(rf"{_PACKAGE}({_SPECIFIER})?\s+depends? on {_PACKAGE}(?:\{{[^}}]*\}})?({_SPECIFIER})")
_ABSENT = re.compile("there is no version of|was not found in the package registry|only .{1,300} available")
_UNSOLVED = "No solution found"
_WHEELLESS = re.compile(r"Wheels are required for `([\w.-]+)`|([\w.-]+)\S* has no (?:usable )?wheels")


@dataclasses.dataclass
class _Answer:
    """uv's answer: its exit code and text, and conda's packages that are not on the index."""

    code: int
    text: str
    count: int = 0
    conda_only: list[str] = dataclasses.field(default_factory=list)


def check(plan: Plan, asked: Wanted, limit: float) -> list[Finding]:
    """Findings about the environment, within `limit` seconds, of which a resolution takes `LIMIT` at most."""
    ends = time.monotonic() + limit
    indexes = package_index.indexes(asked.options)
    program = uv_program.find()
    place = cache.folder("resolved") / f"{_digest(plan, asked, indexes, program)}.json"
    known = cache.read(place, KEPT_SECONDS)
    if known and not known["good"]:
        known = cache.read(place, KEPT_WRONG)
    if known:
        kept = [Finding(**one) for one in known["findings"]]
        found = [dataclasses.replace(one, looked_at=f"{one.looked_at}, queried {known['asked']}") for one in kept]
        conda_only = list(known["conda_only"])
    else:
        answer = _ask(program, plan, asked, indexes, min(LIMIT, limit)) if program and asked.all.packages else None
        found = _findings(plan, asked, indexes, answer, ends)
        conda_only = answer.conda_only if answer else []
        good = [one.severity for one in found] == [OK]
        refused = answer is not None and _UNSOLVED in answer.text
        if good or (refused and not any(pins.NOT_ASKED in one.message for one in found)):
            moment = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
            listed = [one.as_dict() for one in found]
            cache.write(place, {"findings": listed, "good": good, "conda_only": conda_only, "asked": moment})
    return [*found, *_limits_of_rehearsal(asked, conda_only)]


def _limits_of_rehearsal(asked: Wanted, conda_only: list[str]) -> list[Finding]:
    """What Azure builds but a rehearsal cannot; nothing without a rehearsal."""
    if "REHEARSAL_CLIENT_ID" not in os.environ:
        return []
    sentences = [*asked.all.refused.values(), *map(not_on_pypi, conda_only)]
    at = str(asked.path)
    return [Finding(REHEARSAL, BLOCKER, pins.FIELD, text, looked_at=at) for text in sentences[:1]]


def _digest(plan: Plan, asked: Wanted, indexes: Indexes, program: str | None) -> str:
    """Everything on which an answer depends, without user names and passwords."""
    variables = sorted(f"{name}={value}" for name, value in os.environ.items() if _INDEX_VARIABLES.fullmatch(name))
    places = [asked.place(one.name) for one in asked.requirements]
    requested = (asked.path, asked.python, asked.options, asked.all.packages, places)
    text = hide_logins(repr((bool(program), *requested, _platform(plan), indexes.urls, variables)))
    return hashlib.sha256(text.encode()).hexdigest()


def _platform(plan: Plan) -> str:
    image = plan.deployment.environment.image or ""
    return next((libc for release, libc in _PLATFORMS.items() if release in image), "2_35")


def _ask(program: str, plan: Plan, asked: Wanted, indexes: Indexes, limit: float) -> _Answer:
    """Resolve; without conda's packages that are not on the index. The code is negative at the limit."""
    ends = time.monotonic() + limit
    mirror = {} if indexes.own or not indexes.urls else {"index-url": indexes.urls[0]}
    options = list(asked.options)
    machine = child_process.machine_only(os.environ).items()
    kept = {name: value for name, value in machine if name[:3] != "UV_" or _INDEX_VARIABLES.fullmatch(name)
            or _CONNECTION.fullmatch(name)}  # fmt: skip
    environment = uv_program.environment(mirror, options, kept)
    environment.setdefault("UV_HTTP_RETRIES", "1")  # an index that does not answer is soon known
    command = [program, "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate", "--no-build", "--no-config"]
    command += ["--python", sys.executable, "--python-version", asked.python]
    command += ["--python-platform", f"x86_64-manylinux_{_platform(plan)}", *uv_program.arguments(options, {})]
    packages, conda_only = list(asked.all.packages), list[str]()
    while True:
        try:
            done = subprocess.run(
                command,
                # On standard input, since an address in a requirement may contain a password.
                input="\n".join(packages),
                env=environment,
                capture_output=True,
                text=True,
                timeout=max(0.0, ends - time.monotonic()),
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError):
            return _Answer(-1, "", conda_only=conda_only)
        text = hide_logins(" ".join(re.sub(r"[│├╰─▶×╮]", " ", done.stderr).split()))
        missing = asked.all.not_found(text) if done.returncode else ""
        if not missing:
            return _Answer(done.returncode, text, done.stdout.count("=="), conda_only)
        conda_only.append(missing)
        packages = [line for line in packages if asked.all.conda.get(line) != missing]


def _findings(plan: Plan, asked: Wanted, indexes: Indexes, answer: _Answer | None, ends: float) -> list[Finding]:
    field = pins.field_of(plan)
    at = f"{asked.path}, {indexes.hosts}"
    name = asked.path.name
    if answer and answer.code == 0:
        message = f"The packages of {name} fit together for Python {asked.python}: {answer.count} in all."
        left = ", ".join([*asked.all.refused, *answer.conda_only])
        message += f" Not looked up, since it is not on PyPI: {left}." if left else ""
        return [Finding("pins", OK, field, message, looked_at=at)]
    if answer and answer.code < 0:
        message = f"Whether the packages of {name} fit together was not found out in time (at most {LIMIT:g} seconds)."
        remedy = "Check again: what was loaded is kept, so the next check takes less."
        return [Finding("pins", UNKNOWN, field, message, remedy, looked_at=at)]
    text = answer.text if answer else ""
    wheelless = _WHEELLESS.search(text)
    conflict = [_conflict(asked, indexes, text, field, at)] if _UNSOLVED in text and not wheelless else []
    if conflict and not _ABSENT.search(text):
        return conflict
    # The look at each package tells a release that does not exist from one for another Python.
    found = pins.check(plan, asked, max(0.0, min(ends - time.monotonic(), LIMIT)))
    if [one.severity for one in found] not in ([], [OK]):
        return found
    if not wheelless:
        return conflict or found
    package = wheelless[1] or wheelless[2]
    severity, why = UNKNOWN, f"{package} has no wheel and is built from source"
    if _has_wheels(indexes, package):
        severity = WARNING
        why = f"no release of {package} that they allow has a wheel for Python {asked.python}, so one would be "
        why += "built from source, for which the image may lack tools"
    message = f"Whether the packages of {name} fit together shows only in a build: {why}."
    return [Finding("pins", severity, field, message, looked_at=at)]


def _has_wheels(indexes: Indexes, package: str) -> bool:
    try:
        return any(file.name.endswith(".whl") for file in indexes.files(canonical(package)) or [])
    except package_index.Unreachable:
        return False


def _conflict(asked: Wanted, indexes: Indexes, text: str, field: str, at: str) -> Finding:
    """uv's explanation in a sentence, with the lines of the conda file that it concerns."""
    text = text.partition(_UNSOLVED)[2]
    words = {canonical(word) for word in re.findall(r"[A-Za-z0-9][\w.-]*(?=[\[=<>!~{ ])", text)}
    named = [one.name for one in asked.requirements if canonical(one.name) in words]
    lines = list(dict.fromkeys(asked.place(name) for name in named))
    needs = [
        f"{one}{of.replace('==', ' ')} needs {other}{spec}"
        for one, of, other, spec in dict.fromkeys(_NEEDS.findall(text))
    ]
    reason = "; ".join(needs[:3]) or text.partition("Because ")[2].partition(", we can conclude")[0][:300]
    of_conda = any(map(asked.of_conda, named))
    if of_conda:
        reason += " (by the releases on PyPI; conda's channels were not asked)"
    if len(lines) > 1:
        message = f"{' and '.join(lines[:4])} do not fit together"
    else:
        message = f"{''.join(lines) or 'the packages'} cannot be installed with Python {asked.python}"
    own = indexes.own and not any(map(_INDEX_VARIABLES.fullmatch, os.environ))
    severity = BLOCKER if own and not of_conda else WARNING
    message = f"{asked.path.name}: {message}: {reason.rstrip('.')}."
    remedy = "Change one of these lines, or the Python version."
    return Finding("pins", severity, field, message, remedy, pins.DOCS, at, evidence=(text[:1000],))
