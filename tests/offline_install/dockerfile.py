"""Runs a Dockerfile's instructions without Docker: in separate namespaces, with an empty /opt, without a network.

It knows the instructions of the generated Dockerfiles: FROM … AS, USER root, COPY (also --from), RUN, ENV, EXPOSE and
CMD; it refuses any other. There is no base image: this machine's programs are used instead.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path


def as_script(context: Path, keep: Path) -> str:
    """A shell script that runs the Dockerfile's instructions and then its CMD; /opt is `keep` while it runs."""
    lines = ["set -eu", f"mount --bind {shlex.quote(str(keep))} /opt"]
    stages: list[list[str]] = []
    command = ""
    for line in _instructions(context / "Dockerfile"):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append(rest.split())
        elif word == "COPY":
            lines += _copied(rest, context, stages)
        elif word == "RUN":
            lines.append(rest)
        elif word == "ENV":
            name, _, value = rest.partition("=")
            lines.append(f'export {name}="{value}"')
        elif word == "CMD":
            command = f"exec {shlex.join(json.loads(rest))}"
        else:
            assert (word, rest) in {("USER", "root"), ("EXPOSE", "5001")}, line
    assert len(stages) == 2 and stages[0][-2:] == ["AS", "build"] and stages[0][0] == stages[1][0]
    # The image holds only what the last stage copied.
    return "\n".join([*lines, "rm -r /opt/context", command])


def _instructions(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _copied(rest: str, context: Path, stages: list[list[str]]) -> list[str]:
    source, target = rest.split()[-2:]
    if rest.startswith("--from=build "):
        assert len(stages) == 2 and source == target  # already there: both stages share one /opt
        return [f"test -e {source}"]
    # Without permission to execute, as files come from a storage account.
    copied = f"mkdir -p {target} && cp -r {shlex.quote(str(context))}/. {target}" if source == "." else ""
    return [copied or f"cp {shlex.quote(str(context / source))} {target}"]
