"""Make the model of this preset: LightGBM on the diabetes data that scikit-learn includes.

    python make_model.py

Needs lightgbm as in conda.yml, and scikit-learn for the data. Later releases can read LightGBM's text format too.
"""

from __future__ import annotations

from pathlib import Path

import lightgbm
from sklearn.datasets import load_diabetes

HERE = Path(__file__).resolve().parent
SETTINGS = {"objective": "regression", "num_leaves": 7, "learning_rate": 0.1, "seed": 7, "verbose": -1,
            "deterministic": True, "num_threads": 1}  # fmt: skip


def main() -> None:
    """Train and write model/model.txt."""
    data = load_diabetes(scaled=False)
    booster = lightgbm.train(
        SETTINGS, lightgbm.Dataset(data.data, data.target, feature_name=list(data.feature_names)), num_boost_round=30
    )
    (HERE / "model").mkdir(exist_ok=True)
    booster.save_model(HERE / "model" / "model.txt")
    print(f"{booster.num_trees()} trees on {', '.join(data.feature_names)}")


if __name__ == "__main__":
    main()
