"""The commands `presets` and `runs`: print lists."""

from __future__ import annotations

from argparse import Namespace

from tui.plain.terminal import out, out_json, read_aloud


def presets(arguments: Namespace) -> int:
    """List the presets by name; with --json, one object per line."""
    from tui.plan.presets import presets as all_presets

    found = all_presets()
    width = max((len(preset.name) for preset in found), default=0)
    for preset in found:
        told = {"name": preset.name, "description": preset.description, "path": str(preset.path)}
        out_json(told) if arguments.json else out(f"{preset.name:<{width}}  {preset.description}")
    return 0


def runs(arguments: Namespace) -> int:
    """List the runs of this machine, newest first; with --json, one object per line."""
    from tui.engine.journal.runs import runs as all_runs

    found = [run.summary() for run in all_runs()]
    if arguments.json:
        for summary in found:
            out_json(summary)
        return 0
    if not found:
        out("There are no runs on this machine yet.")
        return 0
    if read_aloud():
        for summary in found:
            where = " in the rehearsal" if summary["rehearsed"] else ""
            out(
                "Run {run}: {status}; endpoint {endpoint}, deployment {deployment}; ".format(**summary)
                + f"started {summary['started']}{where}."
            )
        return 0
    columns = ("run", "status", "endpoint", "deployment", "started")
    widths = {name: max(len(name), *(len(str(summary[name])) for summary in found)) for name in columns}
    out("  ".join(f"{name.upper():<{widths[name]}}" for name in columns).rstrip())
    for summary in found:
        line = "  ".join(f"{summary[name]!s:<{widths[name]}}" for name in columns)
        out(line + ("  (rehearsed)" if summary["rehearsed"] else ""))
    return 0
