"""What `rehearsal --status` says: what runs, and what isolates a deployment on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tui.rehearsal import practice_options, settings
from tui.rehearsal.container_engine.engine import Engine, Unusable, find
from tui.rehearsal.places import Home
from tui.rehearsal.process import running
from tui.rehearsal.serving.bare_process import closing_refused
from tui.rehearsal.store import Store


def status(home: Home, environ: Mapping[str, str]) -> Iterator[str]:
    """Sentences, each a line; an engine is tried with a container of its own, which takes a second or two."""
    server = running(home)
    if server is None:
        yield "No rehearsal is running."
    else:
        yield f"A rehearsal is running at https://127.0.0.1:{server['port']}. {practice_options.in_words(home)}"
    choice = settings.engine_of(home, environ if server is None else server)
    engine, refused = asyncio.run(_look(choice, home.folder.name))
    yield of_engine(engine)
    if isinstance(engine, Engine):
        yield "Closed egress: containers have a network without a way out; only the front end reaches them."
    elif refused is None:
        yield "Closed egress: the kernel gives each process a network of its own, in which nothing can be reached."
    else:
        yield f"Closed egress: not enforced here, since the kernel refuses a network of one's own: {refused}."
    if server is not None:
        yield from _deployments(home)
        yield from _scaled(home)
    yield f"Its folder is {home.folder}, its log {home.log_file}."


async def _look(choice: str, owner: str) -> tuple[Engine | Unusable, str | None]:
    return await find(choice, owner), await closing_refused()


def of_engine(engine: Engine | Unusable) -> str:
    """What runs containers, in a sentence or two."""
    if isinstance(engine, Unusable):
        return (
            f"Containers: none, since {engine.why}. Deployments run as bare processes, without an image or limits; "
            "images with a server of their own are refused."
        )
    how = f" (with {' '.join(engine.options)})" if engine.options else ""
    limits = "those of its size, as far as the machine has them" if engine.limits else "not limited: the engine cannot"
    passed_over = f" ({engine.passed_over})" if engine.passed_over else ""
    return (
        f"Containers: {engine.name} {engine.version}{how}, with {engine.cores} cores and "
        f"{engine.memory / 2**30:.1f} GiB; a deployment's memory and cores are {limits}{passed_over}."
    )


def _scaled(home: Home) -> Iterator[str]:
    """The newest run of each autoscale setting, and where all of them are."""
    newest: dict[str, dict[str, Any]] = {}
    with contextlib.suppress(OSError):
        lines = home.autoscale_file.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
        newest.update((run["deployment"], run) for run in map(json.loads, lines))
    for name, run in newest.items():
        seen = [f"{rule} ({'no value' if value is None else f'now {value:g}'})" for rule, value in run["seen"].items()]
        count = f"{run['to']} instance{'' if run['to'] == 1 else 's'}"
        yield f"{name}: {count} by autoscale, profile {run['profile']}. {'; '.join(seen)}. Last run: {run['why']}."
    if newest:
        yield f"Every run of autoscale is a line of {home.autoscale_file}."


def _deployments(home: Home) -> Iterator[str]:
    store = Store(home.database)
    try:
        deployments = store.of_kind("deployments")
        looked_at = [one for one in deployments if "fleet" in one.internal]
        if looked_at:
            yield f"The fleet's deployments, {len(looked_at)}, are to look at: nothing runs for them."
        for deployment in deployments:
            if "fleet" in deployment.internal:
                continue
            name = "/".join(deployment.id.split("/")[-3::2])
            yield f"{name}: {deployment.internal.get('isolation') or 'nothing runs'}"
    finally:
        store.close()
