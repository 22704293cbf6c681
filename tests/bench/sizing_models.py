"""The models of `python -m tests.bench.sizing`: a slow, a memory-hungry and a blocking one, and presets."""

from __future__ import annotations

import json
from pathlib import Path

from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load

PLAN = """
workspace:
  subscription_id: "${{env:AZURE_SUBSCRIPTION_ID}}"
  resource_group: "${{env:AZURE_RESOURCE_GROUP}}"
  name: "${{env:AZURE_ML_WORKSPACE}}"
endpoint: {{name: sizing, auth_mode: key}}
deployment:
  name: blue
  model: {{name: {name}, path: model, type: custom_model}}
  code_configuration: {{code: code, scoring_script: score.py}}
  environment: {{conda_file: conda.yml, image: "mcr.microsoft.com/azureml/openmpi5.0-ubuntu24.04:20260901.v1"}}
  instance_type: Standard_D4as_v4
  instance_count: 1
traffic: {{blue: 100}}
test: {{request: request.json}}
"""
CONDA = """
name: {name}
channels: [conda-forge]
dependencies: [python=3.12, pip, {{pip: [azureml-inference-server-http==1.5.1]}}]
"""
SCRIPTS = {
    # 40 ms of the processor, which are 160 ms on a quarter of a core.
    "slow": """
import time

def init(): ...

def run(raw_data):
    ends = time.thread_time() + 0.04
    while time.thread_time() < ends:
        pass
    return {"done": True}
""",
    # Holds 300 MB, and takes 100 MB more for each request.
    "memory-hungry": """
held = None

def init():
    global held
    held = bytearray(300_000_000)

def run(raw_data):
    more = bytearray(100_000_000)
    for at in range(0, len(more), 4096):
        more[at] = 1
    return {"bytes": len(held) + len(more)}
""",
    # Waits for something else, and blocks its worker meanwhile.
    "blocking": """
import time

def init(): ...

def run(raw_data):
    time.sleep(0.04)
    return {"done": True}
""",
}


def document_of(model: str, folder: Path) -> Document:
    """The plan of a model of this module, written into a folder, or of a preset."""
    if model not in SCRIPTS:
        return load(model, [], [])
    for name in ("model", "code"):
        folder.joinpath(name).mkdir(parents=True)
    folder.joinpath("model", "model.json").write_text("{}")
    folder.joinpath("code", "score.py").write_text(SCRIPTS[model])
    folder.joinpath("conda.yml").write_text(CONDA.format(name=model))
    folder.joinpath("request.json").write_text(json.dumps({"data": [1, 2, 3]}))
    folder.joinpath("plan.yml").write_text(PLAN.format(name=model))
    return load(str(folder / "plan.yml"), [], [])
