"""A small valid plan whose files the tests break one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from plan_files import CONDA, MLMODEL, SCORE, MakePlan

from tui.plan import model as m


@pytest.fixture
def make_plan(tmp_path: Path) -> MakePlan:
    """A valid plan; keyword arguments replace a file's text (None omits the file) or a field."""

    def make(
        *,
        score: str | None = SCORE,
        conda: str | None = CONDA,
        mlmodel: str | None = MLMODEL,
        sample: str | None = '{"data": [{"age": 41, "income": 5200.5, "town": "Recife"}]}',
        model_type: str = "custom_model",
        code: bool = True,
        egress: str | None = None,
        instance_type: str = "Standard_D4as_v4",
        traffic: dict[str, int] | None = None,
    ) -> m.Plan:
        for name, text in (
            ("code/score.py", score),
            ("conda.yml", conda),
            ("model/MLmodel", mlmodel),
            ("model/model.ubj", "not read"),
            ("sample.json", sample),
        ):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            if text is not None:
                path.write_text(text, encoding="utf-8")
        return m.Plan(
            workspace=m.Workspace("00000000-0000-4000-8000-000000000001", "rg", "ws"),
            endpoint=m.Endpoint(name="churn-endpoint"),
            deployment=m.Deployment(
                model=m.Model(name="churn", path=tmp_path / "model", type=model_type),
                code_configuration=m.CodeConfiguration(tmp_path / "code") if code else None,
                environment=m.Environment(name="env", conda_file=tmp_path / "conda.yml", image="image:1"),
                egress_public_network_access=egress,
                instance_type=instance_type,
            ),
            traffic={"blue": 100} if traffic is None else traffic,
            test=m.Test(tmp_path / "sample.json"),
            base=tmp_path,
        )

    return make
