"""Starts Python child processes that import nothing from the working directory; run as a file, it is such a process.

`python -m MODULE` puts the working directory first on `sys.path`: an `email.py` there would be executed, with the
user's secrets in the environment. Python 3.9 has no option that prevents it and keeps PYTHONPATH and user packages, so
children run this file, which removes its own folder from `sys.path` and then runs the module. Standard library only;
every command of the rehearsal loads it, so it imports little.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = os.path.abspath(__file__)  # noqa: PTH100 (pathlib is not loaded in every child process)

# What a program needs to know about the machine. An allow-list: other variables may be secrets under any name.
_MACHINE = (
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TERM|TMPDIR|TMP|TEMP|LD_\w+|DYLD_\w+|XDG_\w+|PYTHON\w*"
    r"|VIRTUAL_ENV|CONDA_PREFIX|PYENV_\w+|PIP_\w+|UV_\w+|NETRC|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|NODE_EXTRA_CA_CERTS|DOCKER_\w+|CONTAINERS_\w+|CONTAINER_(HOST|CONNECTION|SSHKEY)|REGISTRY_AUTH_FILE"
    r"|AML_DEPLOY_\w+|COVERAGE_\w+|(http|https|all|no|ftp)_proxy"
)
# What signs in, beyond the references of a plan: variables of credentials, and those that point to a managed identity.
_IDENTITY = (
    r"(AZURE|ARM)_(CLIENT_(ID|SECRET|ASSERTION|CERTIFICATE_\w+)|TENANT_ID|USERNAME|PASSWORD|FEDERATED_TOKEN\w*)"
    r"|AZURE_AUTHORITY_HOST|AZURE_TOKEN_CREDENTIALS|IDENTITY_\w+|MSI_\w+|IMDS_\w+|SYSTEM_ACCESSTOKEN|ACTIONS_ID_TOKEN_\w+"
    r"|DATABRICKS_(TOKEN|CLIENT_SECRET|PASSWORD)"
)


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module like `python -m`, with this Python, but never imports from the working directory.

    Start it with an environment from this module, since PYTHONPATH may name the working directory too.
    """
    return [sys.executable, _FILE, module, *arguments]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Everything, for a process that signs in and resolves a plan's references (helper, engine).

    PYTHONPATH keeps absolute folders only: an empty entry, as in `PYTHONPATH=$PYTHONPATH:/folder`, is the working
    directory.
    """
    kept = dict(environ)
    folders = [folder for folder in kept.pop("PYTHONPATH", "").split(os.pathsep) if folder[:1] == os.sep]
    return {**kept, "PYTHONPATH": os.pathsep.join(folders)} if folders else kept


def without_identity(environ: Mapping[str, str]) -> dict[str, str]:
    """For a process that resolves a plan's references, but signs in to no real Azure (local trial)."""
    return _matching(environ, _IDENTITY, False)


def machine_only(environ: Mapping[str, str]) -> dict[str, str]:
    """The machine's settings and no secret of the user's, for a process that signs in nowhere.

    Settings of pip and uv are among them, since a private package index may need them.
    """
    return _matching(environ, _MACHINE, True)


def _matching(environ: Mapping[str, str], names: str, kept: bool) -> dict[str, str]:
    import re

    fits = re.compile(names, re.IGNORECASE).fullmatch
    return environment({name: value for name, value in environ.items() if bool(fits(name)) is kept})


def _run() -> None:
    """Run the module that the first argument names as `__main__`."""
    here, root = os.path.dirname(_FILE), os.path.dirname(os.path.dirname(os.path.dirname(_FILE)))  # noqa: PTH120
    sys.path[:] = [folder for folder in sys.path if folder not in ("", here)]
    if root not in sys.path:  # a checkout that is not installed
        sys.path.insert(0, root)
    import runpy

    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run()
