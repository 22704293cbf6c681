"""Make the model of this preset with Python alone: a straight line through points, by least squares.

    python make_model.py

It stands for anything that a scoring script can load: rules, a table, a model of any library.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Kilometres and minutes of invented deliveries.
POINTS = ((1.0, 11.0), (2.0, 14.5), (3.5, 18.0), (5.0, 24.0), (8.0, 32.5), (12.0, 46.0))


def main() -> None:
    """Fit and write model/model.json."""
    count = len(POINTS)
    mean_x, mean_y = sum(x for x, _ in POINTS) / count, sum(y for _, y in POINTS) / count
    slope = sum((x - mean_x) * (y - mean_y) for x, y in POINTS) / sum((x - mean_x) ** 2 for x, _ in POINTS)
    fitted = {"minutes_per_km": round(slope, 4), "minutes_at_least": round(mean_y - slope * mean_x, 4)}
    (HERE / "model").mkdir(exist_ok=True)
    (HERE / "model" / "model.json").write_text(json.dumps(fitted, indent=2) + "\n")
    print(fitted)


if __name__ == "__main__":
    main()
