"""`--scenario`: failures that happen in the rehearsal while a plan is rehearsed."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping

from tui.plain.failure import Failure
from tui.plain.terminal import say

END = "End that with: aml-deploy rehearsal --clear-scenarios"


def practise(arguments: Namespace) -> None:
    """Make the scenarios that were named happen from now on, and no others. Raises Failure."""
    if not arguments.scenario:
        return
    if not arguments.rehearse:
        raise Failure("--scenario goes with --rehearse: failures happen in the rehearsal only, never in Azure.", 2)
    from tui.rehearsal_client import CannotRehearse, choose

    try:
        choose(arguments.scenario, os.environ)
    except CannotRehearse as reason:
        raise Failure(str(reason), 2) from None


def say_practised(environ: Mapping[str, str]) -> None:
    """Say which scenarios happen in the rehearsal, where some do."""
    scenarios = environ.get("REHEARSAL_SCENARIOS")
    if scenarios:
        say(f"The rehearsal practises {scenarios}. {END}")
