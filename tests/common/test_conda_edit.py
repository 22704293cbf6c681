"""A requirement is added to a conda file, and nothing else changes."""

from __future__ import annotations

import pytest

from tui.common.conda_edit import with_requirement

FILE = """\
name: x  # of x
dependencies:
  - python=3.10
  - pip:
    # the server
    - azureml-inference-server-http
    - "scikit-learn>=1"  # any
"""


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (FILE, "setuptools<81", FILE.replace("    - azureml", "    - setuptools<81\n    - azureml")),
        (FILE, "scikit-learn==1.3.2", FILE.replace('"scikit-learn>=1"', "scikit-learn==1.3.2")),
        (FILE, "Scikit_Learn==1.3.2", FILE.replace('"scikit-learn>=1"', "Scikit_Learn==1.3.2")),
        (FILE, "numpy>=1", FILE.replace("    - azureml", '    - "numpy>=1"\n    - azureml')),
        ("dependencies:\n- python=3.9\n", "setuptools<81", "dependencies:\n- setuptools<81\n- python=3.9\n"),
        ("dependencies:\n- a::numpy=1\n", "numpy==2", "dependencies:\n- numpy==2\n"),
        ("dependencies: [python=3.10, {pip: [a]}]\n", "setuptools<81", None),
        ("dependencies:\n", "setuptools<81", None),
        ("dependencies:\n  - pip:\n      - a\nvariables:\n  - b\n", "c",
         "dependencies:\n  - pip:\n      - c\n      - a\nvariables:\n  - b\n"),
        ("variables:\n- numpy\ndependencies:\n- pip\n", "numpy==2", None),
    ],
)  # fmt: skip
def test_a_requirement_in_its_place(text: str, line: str, expected: str | None) -> None:
    assert with_requirement(text, line) == expected
