"""References to assets point to where they say: this workspace, another one, or a registry."""

from __future__ import annotations

import pytest

from tui.cloud.assets.asset_reference import AssetReference, parse
from tui.cloud.errors import CloudError

_W = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("azureml:m:3", AssetReference("m", "3")),
        ("m:3", AssetReference("m", "3")),
        ("azureml:m@latest", AssetReference("m", None)),
        ("azureml:m", AssetReference("m", None)),
        (f"{_W}/models/m/versions/3", AssetReference("m", "3", _W)),
        (f"azureml:{_W}/Models/m/Versions/3", AssetReference("m", "3", _W)),
        (f"azureml:/{_W}/models/m/labels/latest", AssetReference("m", None, _W)),
        ("azureml://subscriptions/s/resourcegroups/g/workspaces/w/models/m/versions/3", AssetReference("m", "3", _W)),
        ("azureml://registries/r/models/m/versions/3", AssetReference("m", "3", registry="r")),
        ("azureml://registries/r/models/m/labels/latest", AssetReference("m", None, registry="r")),
        (f"{_W.replace('workspaces/w', 'registries/r')}/models/m/versions/3", AssetReference("m", "3", registry="r")),
    ],
)
def test_a_reference_points_to_where_it_says(reference: str, expected: AssetReference) -> None:
    assert parse(reference, "models") == expected


@pytest.mark.parametrize(
    "reference",
    [
        "azureml://registries/r/environments/m/versions/3",
        "azureml://locations/l/workspaces/w/models/m/versions/3",
        "azureml://registries/r/models/m/labels/prod",
        "azureml:m@prod",
        f"{_W}/models/m/versions/3/x",
    ],
)
def test_another_form_is_never_taken_for_an_asset_of_this_workspace(reference: str) -> None:
    with pytest.raises(CloudError) as refused:
        parse(reference, "models")
    assert refused.value.code == "ReferenceNotUnderstood"
