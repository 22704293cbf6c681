"""Prints the options that the Azure CLI's parser has for the commands given as arguments; runs in its own Python."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any

from azure.cli.core import get_default_cli


def options(command: str) -> list[dict[str, Any]] | None:
    """The options of a command after all that az adds to them while it is called; None if there is no such command."""
    cli = get_default_cli()
    cli.invocation = cli.invocation_cls(
        cli_ctx=cli, parser_cls=cli.parser_cls, commands_loader_cls=cli.commands_loader_cls, help_cls=cli.help_cls
    )
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        # Refused by the parser, before anything is sent.
        cli.invocation.execute([*command.split(), "--no-such-option"])
    if command not in cli.invocation.parser.subparser_map:
        return None
    found = []
    for action in cli.invocation.parser.subparser_map[command]._actions:
        names = [name for name in action.option_strings if isinstance(name, str) and not name.startswith("--__")]
        if names:
            entry = {"names": names, "values": action.nargs, "required": bool(action.required)}
            # Generated commands check values in the action.
            listed = action.choices or getattr(getattr(getattr(action, "_schema", None), "enum", None), "items", None)
            found.append({**entry, "choices": [str(one) for one in listed or ()]})
    return found


if __name__ == "__main__":
    json.dump({command: options(command) for command in sys.argv[1:]}, sys.stdout)
