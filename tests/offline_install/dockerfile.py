"""Carries out a Dockerfile's instructions without Docker: in namespaces of its own, with an empty /opt, no network.

It knows what the generated Dockerfiles use: FROM … AS, USER root, COPY (also --from), RUN, ENV, EXPOSE and CMD. There
is no base image: this machine's programs stand in for it. What it is not told of, it refuses.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path


def as_script(context: Path, keep: Path) -> str:
    """A shell script that does what the Dockerfile says and then starts its CMD; /opt is `keep` while it runs."""
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
    # What the last stage did not copy is not in the image.
    return "\n".join([*lines, "rm -r /opt/context", command])


def _instructions(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _copied(rest: str, context: Path, stages: list[list[str]]) -> list[str]:
    source, target = rest.split()[-2:]
    if rest.startswith("--from=build "):
        assert len(stages) == 2 and source == target  # it is there already: one /opt serves both stages
        return [f"test -e {source}"]
    # As files come out of a storage account: without permissions to execute.
    copied = f"mkdir -p {target} && cp -r {shlex.quote(str(context))}/. {target}" if source == "." else ""
    return [copied or f"cp {shlex.quote(str(context / source))} {target}"]
