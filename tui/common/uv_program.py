"""Finds the program uv, and translates pip's settings for package indexes to it, since it does not read them.

Index, extra indexes, find-links, certificate, proxy, trusted hosts and no-index are translated; constraint
files are not, since the image build on Azure does not use them. Addresses may contain passwords, so they
are passed in environment variables only, never in arguments.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

_DROPPED = re.compile(
    r"^(PIP_|PYTHON|VIRTUAL_ENV|CONDA_|UV_(PYTHON|SYSTEM_PYTHON|PROJECT|CONSTRAINT|OVERRIDE|BUILD_CONSTRAINT|"
    r"BREAK_SYSTEM|TORCH_BACKEND|WORKING_DIR|NO_PROGRESS|VENV))"
)


def find() -> str | None:
    """The path of uv: installed with this Python, else on PATH; None if there is none."""
    try:
        import uv

        return str(uv.find_uv_bin())
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")


def _exists(location: str) -> bool:
    """Whether a find-links entry or index can be used: remote ones always, local ones if they exist."""
    parts = urlsplit(location)
    if parts.scheme in ("http", "https", "git+https"):
        return True
    return Path(unquote(parts.path) if parts.scheme == "file" else location).exists()


def arguments(options: list[tuple[str, str]], pip: Mapping[str, str]) -> list[str]:
    """The settings that uv accepts as arguments only: no index, wheels only, sources only.

    `options` are those of the conda file's pip section, `pip` pip's settings. They contain no secrets.
    """
    without = ("--no-index", "") in options or pip.get("no-index", "").lower() in ("1", "true", "yes", "on")
    kept = ("--no-binary", "--only-binary")
    words = [word for option, value in options if option in kept for word in (option, value.replace(" ", ","))]
    return [*(["--no-index"] if without else []), *words]


def environment(pip: Mapping[str, str], options: list[tuple[str, str]], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: `environ` (from which callers remove secrets), pip's settings, the conda file's options.

    uv's own variables (UV_DEFAULT_INDEX, UV_INDEX, …) override pip's settings; the conda file's options override
    both, since Azure uses only those.
    """
    result = {name: value for name, value in environ.items() if not _DROPPED.match(name)}
    given: dict[str, list[str]] = {}
    for option, value in options:
        given.setdefault(option, []).append(value)

    def words(key: str) -> list[str]:
        return [*given.get("--" + key, []), *pip.get(key, "").split()]

    index = given.get("--index-url", [""])[-1]
    if index:
        result["UV_DEFAULT_INDEX"] = index
    elif pip.get("index-url") and not environ.get("UV_INDEX_URL"):
        result.setdefault("UV_DEFAULT_INDEX", pip["index-url"])
    extra = [address for address in words("extra-index-url") if _exists(address)]
    if extra:
        result["UV_INDEX"] = " ".join([*extra, *environ.get("UV_INDEX", "").split()])
    links = [location for location in words("find-links") if _exists(location)]
    if links:
        result["UV_FIND_LINKS"] = ",".join([*links, *filter(None, environ.get("UV_FIND_LINKS", "").split(","))])
    hosts = words("trusted-host")
    if hosts:
        result["UV_INSECURE_HOST"] = " ".join([*hosts, *environ.get("UV_INSECURE_HOST", "").split()])
    if "--pre" in given:
        result["UV_PRERELEASE"] = "allow"
    if pip.get("proxy"):
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            if not environ.get(name) and not environ.get(name.lower()):
                result[name] = pip["proxy"]
    # pip treats all indexes equally; uv would stop at the first one that has the name.
    result.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    for bundle in (pip.get("cert"), environ.get("REQUESTS_CA_BUNDLE"), environ.get("CURL_CA_BUNDLE")):
        if bundle and Path(bundle).is_file():
            result["SSL_CERT_FILE"] = bundle
            break
    else:
        if result.get("SSL_CERT_FILE") and not Path(result["SSL_CERT_FILE"]).is_file():
            del result["SSL_CERT_FILE"]
    result.update(UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1", NO_COLOR="1", UV_NO_ENV_FILE="1", UV_NO_WRAP="1")
    return result
