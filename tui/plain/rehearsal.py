"""`aml-deploy rehearsal`: the local stand-in for Azure, for any client."""

from __future__ import annotations

from argparse import Namespace

from tui.plain.failure import Failure


def run(arguments: Namespace) -> int:
    """Become the rehearsal's own command; it handles signals and terminals itself."""
    from tui.rehearse import run_command

    if arguments.stop:
        if arguments.json or arguments.port is not None:
            raise Failure("--stop goes alone: aml-deploy rehearsal --stop", 2)
        return run_command(["stop"])
    if arguments.env:
        if arguments.port is not None:
            raise Failure(
                "--port is for the rehearsal in the foreground: aml-deploy rehearsal --port N. With --env, the port is "
                "the last one used, or a free one.",
                2,
            )
        return run_command(["env", *(["--json"] if arguments.json else [])])
    if arguments.compare is not None:
        if arguments.port is not None:
            raise Failure("--compare starts a rehearsal of its own, on a free port; leave --port out.", 2)
        return run_command(["compare", *(["--json"] if arguments.json else []), "--", arguments.compare])
    if arguments.json:
        raise Failure("--json goes with --env or --compare: aml-deploy rehearsal --env --json", 2)
    return run_command(["serve", *(["--port", str(arguments.port)] if arguments.port is not None else [])])
