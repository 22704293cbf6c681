"""The commands `aml-deploy offline-install` and `aml-deploy build-context`."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from tui.common.typed_path import typed_path
from tui.offline_install import plan_environments
from tui.offline_install.install_folder import megabytes, shown, write
from tui.offline_install.wheels import PYTHONS
from tui.plain.failure import Failure
from tui.plain.terminal import say, say_check


def run(arguments: Namespace) -> int:
    """Write a folder from which aml-deploy is installed without a package index. Raises Failure, PlanInvalid."""
    from tui.plan.load_save.load import load

    pythons = list(dict.fromkeys(arguments.python)) or list(PYTHONS)
    unknown = [python for python in pythons if python not in PYTHONS]
    if unknown:
        raise Failure(f"Python {unknown[0]} is not supported; it must be one of {', '.join(PYTHONS)}.", 2)
    folder = typed_path(arguments.output or "aml-deploy-bundle")
    environments = {}
    for plan in arguments.plans:
        environments.update(plan_environments.environments(load(plan, [], arguments.sets), Path(plan).name))
    made = write(
        folder,
        pythons=pythons,
        machine=arguments.machine,
        extras=arguments.extra,
        environments=environments,
        replace=arguments.force,
        tell=say,
    )
    for note in made.notes:
        say(f"Note: {note}")
    where = shown(made.folder)
    if arguments.json:
        print(json.dumps({"folder": where, "wheels": made.wheels, "bytes": made.bytes, "notes": made.notes}))
    else:
        print(where)
    say(
        f"{made.wheels} wheels, {megabytes(made.bytes)}. To install without a package index: python3 {where}/install.py"
    )
    return 0


def build_context(arguments: Namespace) -> int:
    """Write a build context that holds a plan's wheels, and a plan that uses it. Raises Failure, PlanInvalid."""
    from tui.offline_install import build_context as contexts
    from tui.plan.load_save.load import load

    document = load(arguments.plan, arguments.overlays, arguments.sets)
    if document.listed():
        raise Failure("The plan lists several deployments. Make the build context for a plan with one deployment.", 2)
    made = contexts.write(
        document,
        typed_path(arguments.output or "context"),
        machine=arguments.machine,
        image=arguments.image,
        with_python=typed_path(arguments.with_python) if arguments.with_python else None,
        replace=arguments.force,
        tell=say,
    )
    for note in made.notes:
        say(f"Note: {note}")
    plan = made.folder / contexts.PLAN
    for path in (made.folder / contexts.FOLDER, plan):
        print(json.dumps({"path": shown(path)}) if arguments.json else shown(path))
    say("Azure has never built this Dockerfile; the project's tests run its commands without a network.")
    say_check(plan)
    return 0
