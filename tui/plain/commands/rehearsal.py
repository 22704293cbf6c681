"""The command `aml-deploy rehearsal`: the local Azure, for any client."""

from __future__ import annotations

from argparse import Namespace

from tui.plain.failure import Failure

PRACTISED = {
    "--pace": "pace",
    "--speed": "speed",
    "--latency": "latency",
    "--bandwidth": "bandwidth",
    "--token-seconds": "token_seconds",
    "--container-engine": "container_engine",
    "--scoring-python": "scoring_python",
    "--fleet": "fleet",
}


def run(arguments: Namespace) -> int:
    """Replace this process with the rehearsal's own command, which handles signals and terminals itself."""
    from tui.rehearsal_client import run_command

    practised, as_json, rights = _practised(arguments), ["--json"] if arguments.json else [], _rights(arguments)
    if arguments.add or arguments.registry:
        alone = (arguments.env, arguments.stop, arguments.compare, arguments.list_scenarios, arguments.list_roles)
        if practised or rights or as_json or any(alone) or arguments.port is not None:
            raise Failure("To add an asset, the only option is --registry; give the others in another command.", 2)
        return run_command(["add", *_added(arguments)])
    if arguments.json and (arguments.list_scenarios or arguments.list_roles):
        raise Failure("--json requires --env or --compare.", 2)
    if arguments.list_scenarios:
        return run_command(["scenario", "--list"])
    if arguments.list_roles:
        return run_command(["rights", "--list"])
    if rights:
        return run_command(["rights", *rights])
    if arguments.stop or arguments.status:
        word = "stop" if arguments.stop else "status"
        if arguments.json or arguments.port is not None or practised:
            raise Failure(f"--{word} does not combine with other options: aml-deploy rehearsal --{word}", 2)
        return run_command([word])
    if arguments.env:
        if arguments.port is not None:
            raise Failure(
                "--port is for the rehearsal in the foreground: aml-deploy rehearsal --port N. With --env, the port is "
                "the last one used, or a free one.",
                2,
            )
        return run_command(["env", *practised, *as_json])
    if arguments.compare is not None:
        if arguments.port is not None:
            raise Failure("--compare starts a separate rehearsal on a free port; omit --port.", 2)
        if practised:
            raise Failure("--compare starts a separate rehearsal, at full speed and without failures.", 2)
        return run_command(["compare", *as_json, "--", arguments.compare])
    if arguments.json:
        raise Failure("--json requires --env or --compare: aml-deploy rehearsal --env --json", 2)
    port = ["--port", str(arguments.port)] if arguments.port is not None else []
    return run_command(["serve", "--or-change", *port, *practised])


def _practised(arguments: Namespace) -> list[str]:
    """The arguments of the rehearsal's own command for scenarios, pace and scoring servers."""
    told = [f"--scenario={name}" for name in arguments.scenario]
    if arguments.clear_scenarios:
        told.append("--clear-scenarios")
    given = {option: getattr(arguments, name) for option, name in PRACTISED.items()}
    return told + [f"{option}={value}" for option, value in given.items() if value is not None]


def _added(arguments: Namespace) -> list[str]:
    """The arguments of the rehearsal's own command for an asset. Raises Failure."""
    verb, *rest = arguments.add or [""]
    if verb != "add" or len(rest) != 3 or rest[0] not in ("model", "environment"):
        raise Failure("To add an asset: aml-deploy rehearsal add model|environment NAME[:VERSION] PATH", 2)
    return [f"--registry={arguments.registry or ''}", "--", *rest]


def _rights(arguments: Namespace) -> list[str]:
    """The arguments of the rehearsal's own command for its identities' permissions."""
    told = [f"--role={role}" for role in arguments.role] + [f"--deny={action}" for action in arguments.deny]
    if arguments.storage_role is not None:
        told.append(f"--storage-role={arguments.storage_role}")
    return [*told, "--reset"] if arguments.reset_rights else told
