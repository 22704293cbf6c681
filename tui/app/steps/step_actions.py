"""The actions that a step always has in the ctrl+o menu: label, description, and the method of its pane.

They stand here, not in the panes, as every other step's menu finds them too, where the pane need not be there yet.
"""

from __future__ import annotations

ALWAYS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "credentials": (("Sign in", "Get a token and show the account.", "sign_in"),),
    "workspace": (("Refresh the workspace", "Its region, its isolation, and the lists.", "ask_again"),),
    "model": (
        ("Browse for the model", "Files, and registered models.", "browse_model"),
        ("Refresh the files", "After they have changed on disk.", "ask_again"),
    ),
    "compute": (
        ("Size by measurement", "Which size holds a load, measured here.", "measure"),
        ("Refresh the quota", "Sizes and quota of the region.", "ask_again"),
    ),
    "network": (("Refresh the network path", "Every host, from this machine.", "connect"),),
    "review": (
        ("Refresh", "Read Azure's resources and run the preflight again.", "ask_again"),
        ("Export", "The plan as az ml YAML, Python, pipelines, Bicep.", "export"),
        ("Test locally first", "Serve and call the model on this machine; Azure is not touched.", "local_trial"),
    ),
    "test": (
        ("Copy the call as curl", "The key is read from a variable.", "copy_curl"),
        ("Copy the call as Python", "The key is read from a variable.", "copy_python"),
        ("Send the golden requests", "Those of the plan; lists the answers that differ.", "golden"),
        ("Load test", "Percentiles, errors by status, a plot.", "load_test"),
        ("Keys", "Regenerate them one after the other, without an interruption.", "keys"),
        ("Traffic and removal", "Split, roll back, remove.", "traffic"),
    ),
}
