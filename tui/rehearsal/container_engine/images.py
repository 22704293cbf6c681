"""The image of a deployment: pulled, built from a Dockerfile, or a base image with the packages of a conda file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tui.common.redact import hide_logins
from tui.rehearsal.container_engine.engine import LABEL, Engine, EngineFault, last_line

REPOSITORY = "localhost/aml-deploy-rehearsal"
ENVIRONMENT = "/azureml-envs/rehearsal"
ENVIRONMENT_VARIABLE = "AZUREML_CONDA_ENVIRONMENT_PATH"
"""In the base images, the folder of the environment that their server runs in."""
_BUILD_FILES = "/azureml-environment"
_AUTHORITIES = f"{_BUILD_FILES}/authorities.pem"
_TRUST = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CONDA_SSL_VERIFY")
PULL_SECONDS = 3_600.0
_UNREACHABLE = re.compile(
    r"no such host|dial tcp|i/o timeout|connection refused|network is unreachable|TLS handshake|proxyconnect|"
    r"context deadline exceeded|Client\.Timeout|Temporary failure in name resolution|certificate",
    re.IGNORECASE,
)
GONE = re.compile(r"no such (image|object)|image not known", re.IGNORECASE)
"""What docker and podman say of an image that is not here."""
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SCRIPT = f"""
set -e
if command -v conda >/dev/null 2>&1; then
    conda env create --quiet --yes -p {ENVIRONMENT} -f {_BUILD_FILES}/conda.yml ||
        conda env create --quiet -p {ENVIRONMENT} -f {_BUILD_FILES}/conda.yml
else
    echo "The base image has no conda: the packages come from PyPI, for the image's own Python."
    command -v python3 >/dev/null || {{ echo "error: the base image has neither conda nor python3."; exit 1; }}
    python3 -m venv {ENVIRONMENT}
    {ENVIRONMENT}/bin/python -m pip install --no-input --progress-bar off --disable-pip-version-check \\
        -r {_BUILD_FILES}/requirements.txt
fi
rm -rf {_BUILD_FILES}  # an index in them may have a password
"""


class PullFailed(Exception):
    """An image cannot be pulled. `unreachable`: its registry does not answer, so nothing is known of the image."""

    def __init__(self, image: str, fault: EngineFault) -> None:
        self.image = image
        self.registry = registry_of(image)
        self.reason = hide_logins(last_line(fault))
        self.unreachable = bool(_UNREACHABLE.search(str(fault)))
        if self.unreachable and self.registry == "localhost":
            # No registry: the name that podman gives to images made on the machine.
            self.unreachable, self.reason = False, "no image of this machine has this name, and it is no registry's"
        super().__init__(f"{image}: {self.reason}")


class BuildFailed(EngineFault):
    """A build ended with an error; the text is its last lines."""


class Image(NamedTuple):
    """An image that is here: its id, and its name with the digest (`REGISTRY/NAME:TAG@sha256:…`)."""

    id: str
    name: str


def registry_of(image: str) -> str:
    """The host of an image's registry; Docker Hub for a name without one."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def full_name(image: str) -> str:
    """An image's name with its registry, as Docker and Azure read it (`busybox` is docker.io/library/busybox).

    podman would ask for a registry or refuse where its machine's settings name none.
    """
    registry = registry_of(image)
    if image.startswith(f"{registry}/"):
        return image
    return f"{registry}/{image}" if "/" in image else f"{registry}/library/{image}"


async def find(engine: Engine, image: str) -> Image:
    """An image that is here; without a digest where the engine gives none. Raises EngineFault."""
    found = await engine.inspect(image, "image")
    digests = found.get("RepoDigests") or []
    digest = str(found.get("Digest") or (digests[0] if digests else "")).rpartition("@")[2]
    return Image(str(found["Id"]), f"{image}@{digest}" if digest and "@" not in image else image)


async def pull(engine: Engine, image: str, say: Callable[[str], None]) -> Image:
    """Pull an image unless it is here. Raises PullFailed."""
    with contextlib.suppress(EngineFault):
        found = await find(engine, image)
        say(f"Image {found.name} is on this machine and is not pulled.")
        return found
    name = full_name(image)
    say(f"Pulling {name}")
    try:
        await _streamed(engine, ["pull", name], say, EngineFault)
        found = await find(engine, name)
    except EngineFault as fault:
        raise PullFailed(image, fault) from None
    say(f"Pulled {found.name}")
    return found


async def build(engine: Engine, context: Path, dockerfile: str, origin: str, say: Callable[[str], None]) -> Image:
    """Build a Dockerfile in its context; `origin`, where that comes from, names the image. Raises EngineFault."""
    tag = _tag(origin, dockerfile)
    command: list[str | Path] = ["build", *engine.label, "-t", tag, "-f", context / dockerfile]
    if engine.options:
        # Where the engine's usual runtime starts no container, it builds none either.
        command += ["--isolation", "chroot", "--network", "host"]
    await _streamed(engine, [*command, context], say, BuildFailed)
    return await _built(engine, tag, say)


def _tag(*parts: str) -> str:
    """A name for the image, so that the same build has the same one."""
    return f"{REPOSITORY}:{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:32]}"


async def _built(engine: Engine, tag: str, say: Callable[[str], None]) -> Image:
    found = await find(engine, tag)
    say(f"Image build: succeeded: {found.name}")
    return found


async def add_packages(
    engine: Engine,
    image: str,
    conda: str,
    requirements: str,
    exports: Mapping[str, str],
    authorities: bytes,
    say: Callable[[str], None],
) -> Image:
    """An image with the packages of a conda file, as `conda env create` makes them, else with pip.

    `exports`: variables of pip and conda, which may hold the password of an index. They pass through standard input,
    so that they stand in no image, no argument and no file. `authorities`: the certificates that this machine trusts,
    for networks that inspect TLS. Raises EngineFault.
    """
    base = await engine.inspect(image, "image")
    tag = _tag(base["Id"], conda, _SCRIPT)
    with contextlib.suppress(EngineFault):
        found = await find(engine, tag)
        say(f"Image build: taken from the cache, built before from the same base image and conda file: {found.name}")
        return found
    name = f"{tag.replace('/', '-').replace(':', '-')}-{secrets.token_hex(4)}"
    await engine.call(
        "create", "--interactive", "--name", name, *engine.label, *engine.options, *engine.no_proxy,
        "--network", "host", "--user", "0", "--entrypoint", "sh", image, "-s",
    )  # fmt: skip
    try:
        await engine.put(
            name,
            {
                f"{_BUILD_FILES}/conda.yml": conda.encode(),
                f"{_BUILD_FILES}/requirements.txt": requirements.encode(),
                _AUTHORITIES: authorities,
            },
        )
        trusting = dict.fromkeys(_TRUST, _AUTHORITIES) if authorities else {}
        script = (
            "".join(f"export {key}={shlex.quote(value)}\n" for key, value in {**exports, **trusting}.items()) + _SCRIPT
        )
        await _streamed(engine, ["start", "--attach", "--interactive", name], say, BuildFailed, script.encode())
        config = base.get("Config") or {}
        variables = dict(one.partition("=")[::2] for one in config.get("Env") or [])
        changes = [f"LABEL {LABEL}={engine.owner}", f"USER {config.get('User') or '0'}"]
        changes += [f"ENV {ENVIRONMENT_VARIABLE}={ENVIRONMENT}"]
        # Azure's builds set both; an image for MLflow models names its own environment's libraries.
        for key, place, usual in (("PATH", "bin", _USUAL_PATH), ("LD_LIBRARY_PATH", "lib", "")):
            rest = variables.get(key) or usual
            changes.append(f"ENV {key}={ENVIRONMENT}/{place}{rest and ':'}{rest}")
        # What the image runs stays what it was; an image with its own routes has its own server.
        changes += [f"{key.upper()} {json.dumps(config.get(key) or [])}" for key in ("Entrypoint", "Cmd")]
        await engine.call("commit", *(f"--change={change}" for change in changes), name, tag, seconds=PULL_SECONDS)
    finally:
        await engine.remove(name)
    return await _built(engine, tag, say)


async def _streamed(
    engine: Engine,
    command: list[str | Path],
    say: Callable[[str], None],
    failure: Callable[[str], Exception],
    stdin: bytes | None = None,
) -> None:
    """Run a long command, each line said as it comes. Raises what `failure` makes of the last lines."""
    program = await engine.begin(*command, stdin=stdin)
    lines: list[str] = []
    try:
        async for line in program.lines():
            if line.strip():
                lines.append(hide_logins(line))
                say(lines[-1])
        code = await program.wait()
    finally:
        await program.stop()
        program.close()
    if code != 0:
        raise failure("\n".join(lines[-30:]) or f"{engine.name} {command[0]} ended with exit code {code}")
