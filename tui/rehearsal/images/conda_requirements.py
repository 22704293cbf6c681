"""Translates a conda file for pip: a Python version and a list of requirements.

Azure builds the environment with conda and pip inside the base image. The rehearsal has no conda: it installs
the conda packages by their PyPI names. Packages without a counterpart on PyPI (compilers, C libraries, CUDA) are
omitted with a line in the build log; what cannot be translated is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tui.common import conda_file
from tui.common.conda_file import Option, canonical

PYPI_NAMES = {
    "dask-core": "dask",
    "faiss": "faiss-cpu",
    "fbprophet": "prophet",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python-headless",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost-cpu",
    "pytables": "tables",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "ruamel_yaml": "ruamel.yaml",
    "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "typing-extensions": "typing-extensions",
    "uvicorn-standard": "uvicorn[standard]",
    "xgboost-cpu": "xgboost-cpu",
}
"""conda package → PyPI distribution, where the two names differ (conda-forge's recipes name their source)."""

_NOT_ON_PYPI = re.compile(
    r"_.*|ca-certificates|python_abi|cpuonly|(pytorch-)?cuda(-.*|toolkit)?|cudnn|pytorch-mutex|nomkl|mkl|blas|openblas"
    r"|(open|lib|llvm-open)mp|(c|cxx|fortran)-compiler|compilers|g(cc|xx)(_.*)?|ld_impl_.*|make|git|openjdk|arrow-cpp"
    r"|lib(blas|cblas|lapack|openblas|protobuf|xgboost|ffi|gcc|gomp|gfortran|stdcxx|cu.*)(-ng)?"
    r"|bzip2|ncurses|openssl|readline|sqlite|tk|unixodbc|xz|yaml|zlib|zstd"
)
"""conda packages without a Python distribution: compilers, libraries, markers."""

_CONDA_SPEC = re.compile(
    r"^(?:(?P<channel>[\w./:-]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<spec>.*)$",
)
_CLAUSE = re.compile(r"^(?P<op>===?|=|~=|!=|>=|<=|>|<)?\s*(?P<version>[0-9][\w.!+*-]*|\*)$")
_VALUE_OPTIONS = (
    "--index-url", "--extra-index-url", "--find-links", "--trusted-host", "--no-binary", "--only-binary",
)  # fmt: skip
_FLAG_OPTIONS = ("--pre", "--no-index")
# They change how pip works, not what it installs; uv has no equivalent.
_WITHOUT_EFFECT = ("--prefer-binary", "--use-feature", "--progress-bar", "--no-cache-dir", "--quiet")


class CondaFileInvalid(ValueError):
    """The conda file cannot be built; the message says which line and why."""


@dataclass
class Requirements:
    """The requirements of a conda file, translated for pip."""

    python: str = ""
    """Version specifier of Python in pip's form (`==3.10.*`, `>=3.9,<3.12`), empty when not given."""
    packages: list[str] = field(default_factory=list)
    """Requirement lines: conda's packages by their PyPI names, then the pip section unchanged."""
    options: list[tuple[str, str]] = field(default_factory=list)
    """pip's options in the pip section, long form and value, e.g. ("--extra-index-url", "https://…")."""
    warnings: list[str] = field(default_factory=list)
    """Sentences for the build log: what was omitted or is interpreted differently than by conda."""

    def has(self, distribution: str) -> bool:
        """Whether a requirement names `distribution` itself; dependencies do not count."""
        wanted = canonical(distribution)
        return any(canonical(_leading_name(line)) == wanted for line in self.packages)


def _leading_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
    return found.group(0) if found else ""


def parse(conda_yaml: str) -> dict[str, Any]:
    """Parse a conda file; raises CondaFileInvalid for invalid YAML or another structure."""
    file = conda_file.parse_yaml(conda_yaml, "The conda file")
    if file.problem:
        raise CondaFileInvalid(file.problem)
    tree = file.content or {}
    if not isinstance(tree, dict) or not isinstance(tree.get("dependencies") or [], list):
        raise CondaFileInvalid("The conda file must be a mapping with a list named 'dependencies'.")
    return tree


def read(tree: dict[str, Any]) -> Requirements:
    """Translate a parsed conda file.

    Raises CondaFileInvalid, naming the line, for what pip does not support: version alternatives
    (`|`), `[…]` selectors, other requirement files, editable or local paths.
    """
    lines = conda_file.take_apart(tree.get("dependencies") or [], "The conda file")
    if lines.problem:
        raise CondaFileInvalid(lines.problem)
    result = Requirements()
    for entry in lines.conda:
        _conda_package(entry, result)
    if lines.local:
        raise CondaFileInvalid(_local(lines.local[0]))
    result.packages += lines.pip
    for option in lines.options:
        _option(option, result)
    return result


def _conda_package(entry: str, result: Requirements) -> None:
    found = _CONDA_SPEC.match(entry)
    if not found or "[" in entry:
        raise CondaFileInvalid(f"The rehearsal can't read the conda dependency '{entry}'; write it as name=version.")
    name = found.group("name").lower()
    specifier = conda_version(found.group("spec").strip(), entry)
    if name == "python":
        result.python = specifier
        return
    if name in ("pip", "conda"):
        return
    if _NOT_ON_PYPI.fullmatch(name):
        result.warnings.append(f"The conda package '{name}' has no counterpart on PyPI and is omitted.")
        return
    result.packages.append(PYPI_NAMES.get(name, name) + specifier)


def conda_version(spec: str, entry: str = "") -> str:
    """Translate conda's version (`=1.2`, `==1.2.3`, `>=1,<2`, `1.2=build`) to pip's specifier.

    Raises CondaFileInvalid for alternatives (`1.2|1.3`), which pip does not support.
    """
    if not spec:
        return ""
    if "|" in spec:
        raise CondaFileInvalid(
            f"The rehearsal can't read the alternatives ('|') in the conda dependency '{entry or spec}'."
        )
    clauses = []
    for part in spec.split(","):
        text = part.strip()
        # A build string (name=1.2=py310_0, "name 1.2 py310_0") picks among the builds of exactly one version.
        built = re.fullmatch(r"={0,2}\s*([0-9][\w.!+]*)[=\s]+\S+", text)
        if built:
            clauses.append(f"=={built.group(1)}")
            continue
        found = _CLAUSE.match(text)
        if not found:
            raise CondaFileInvalid(f"The rehearsal can't read the version in the conda dependency '{entry or spec}'.")
        op, version = found.group("op") or "", found.group("version")
        if version == "*":
            continue
        if op in ("", "="):
            # "=1.2" is any 1.2.x; a pre-release ("=1.2rc1") can only be itself.
            exact = op == "" or version.endswith("*") or not re.fullmatch(r"[0-9.]+", version)
            clauses.append(f"=={version}" if exact else f"=={version}.*")
        elif version.endswith(".*") and op in (">=", ">", "<=", "<", "~="):
            clauses.append(f"{op}{version[:-2]}")
        else:
            clauses.append(f"{op}{version}")
    return ",".join(clauses)


def _local(line: str) -> str:
    if line.startswith("-"):
        return (
            f"The pip line '{line}' names another file. Only the conda file itself is sent to the image build, so the "
            "build fails on Azure too; write the requirements into the 'pip' section."
        )
    return (
        f"The pip line '{line}' names a local path. It does not exist where Azure builds the image; "
        "publish the package on an index, or put its code in the deployment's code folder."
    )


def _option(option: Option, result: Requirements) -> None:
    if option.name in _VALUE_OPTIONS and option.value:
        result.options.append((option.name, option.value))
    elif option.name in _FLAG_OPTIONS:
        result.options.append((option.name, ""))
    elif option.name in _WITHOUT_EFFECT:
        result.warnings.append(
            f"The pip option '{option.name}' is ignored: the rehearsal builds with uv, which does not have it."
        )
    else:
        raise CondaFileInvalid(f"The rehearsal does not know the pip option in the line '{option.written}'.")
