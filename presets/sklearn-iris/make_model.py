"""Make the model of this preset: a scikit-learn pipeline on the iris data that scikit-learn includes.

    python make_model.py

Needs the packages in conda.yml. A pickled pipeline is only guaranteed to load with the release that saved it, so
the release in conda.yml and the one that runs this script must be the same.
"""

from __future__ import annotations

from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Train and write model/model.joblib."""
    data = load_iris()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    pipeline.fit(data.data, [str(data.target_names[number]) for number in data.target])
    (HERE / "model").mkdir(exist_ok=True)
    joblib.dump(pipeline, HERE / "model" / "model.joblib", compress=3)
    print(f"accuracy on the training data: {pipeline.score(data.data, data.target_names[data.target]):.3f}")


if __name__ == "__main__":
    main()
