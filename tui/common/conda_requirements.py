"""Translates a conda file for pip: a Python version and a list of requirements.

Azure builds the environment with conda and pip inside the base image. The rehearsal has no conda: it installs
the conda packages by their PyPI names, and so does the check that resolves the environment. Packages without a
counterpart on PyPI (compilers, C libraries, CUDA) are omitted with a line in the build log; what cannot be translated
is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tui.common import conda_file
from tui.common.conda_file import Option, canonical

PYPI_NAMES = {
    "dask-core": "dask", "faiss": "faiss-cpu", "fbprophet": "prophet", "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack", "opencv": "opencv-python-headless", "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless", "py-xgboost": "xgboost", "py-xgboost-cpu": "xgboost-cpu",
    "pytables": "tables", "python-flatbuffers": "flatbuffers", "python-graphviz": "graphviz", "pytorch": "torch",
    "pytorch-cpu": "torch", "pytorch-gpu": "torch", "ruamel_yaml": "ruamel.yaml", "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow", "tensorflow-mkl": "tensorflow", "uvicorn-standard": "uvicorn[standard]",
}  # fmt: skip
"""conda package → PyPI distribution, where the two names differ (conda-forge's recipes name their source)."""

NUMPY_2 = {
    "astropy": "6.1.0", "bottleneck": "1.4.0", "contourpy": "1.2.1", "gensim": "4.4.0", "h5py": "3.11.0",
    "imbalanced-learn": "0.12.3", "lightgbm": "4.4.0", "matplotlib": "3.8.4", "numba": "0.60.0", "numexpr": "2.10.0",
    "onnx": "1.17.0", "onnxruntime": "1.19.0", "opencv-python-headless": "4.10.0", "pandas": "2.2.2",
    "pyarrow": "16.0.0", "pywavelets": "1.6.0", "scikit-image": "0.23.1", "scikit-learn": "1.4.2", "scipy": "1.13.0",
    "shap": "0.46.0", "shapely": "2.0.4", "spacy": "3.8.0", "statsmodels": "0.14.2", "tables": "3.10.0",
    "tensorflow": "2.18.0", "torch": "2.3.0", "xarray": "2024.5.0", "xgboost": "2.1.0",
}  # fmt: skip
"""PyPI distribution → its first release after numpy 2: conda-forge holds numpy below 2 for what was built before.

Checked in November 2026. conda-forge's own limits (its repodata-patches-feedstock, numpy2_known_lower_bound.yaml, after
numpy/numpy issue 26191): astropy, contourpy, h5py, matplotlib, numba, numexpr, pandas, pyarrow, pywavelets,
scikit-image, scikit-learn, shapely, statsmodels, torch, xgboost. Metadata on PyPI: gensim, scipy, spacy, tensorflow.
Release notes: lightgbm, onnx, shap. microsoft/onnxruntime issue 21063: onnxruntime. Release dates only: the others.
"""

_NOT_ON_PYPI = re.compile(
    r"_.*|ca-certificates|python_abi|cpuonly|(pytorch-)?cuda(-.*|toolkit)?|cudnn|pytorch-mutex|nomkl|mkl|blas|openblas"
    r"|(open|lib|llvm-open)mp|(c|cxx|fortran)-compiler|compilers|g(cc|xx)(_.*)?|ld_impl_.*|make|git|openjdk|arrow-cpp"
    r"|lib(blas|cblas|lapack|openblas|protobuf|xgboost|ffi|gcc|gomp|gfortran|stdcxx|cu.*)(-ng)?"
    r"|bzip2|ncurses|openssl|readline|sqlite|tk|unixodbc|xz|yaml|zlib|zstd"
    # What `conda env export` also lists.
    r"|lib(boost.*|curl|edit|ev|event|expat|iconv|idn2|jpeg-turbo|llvm.*|lzma|mamba.*|ns[ls]|ntlm|nghttp2|png|pq|sndfile"
    r"|sodium|solv|sqlite|ssh2|tasn1|tiff|torch|unistring|uuid|uv|webp.*|xcb|xcrypt|xml2|xslt|zlib)|alsa-lib|aws-c-.*"
    r"|boost(-cpp)?|brotli-bin|c-ares|cairo|curl|expat|ffmpeg|fontconfig|freetype|geos|gettext|gflags|giflib|glib|glog"
    r"|gmp|gnutls|graphviz|hdf5|icu|jpeg|keyutils|krb5|lame|lcms2|lerc|lz4-c|mesalib|mkl-service|mpc|mpfr|nccl|nettle|nspr"
    r"|nss|openh264|openjpeg|openmpi|orc|pandoc|pango|pcre2?|pixman|poppler|postgresql|proj|pthread-stubs|re2|s2n|snappy"
    r"|tbb|utf8proc|x264|xorg-.*|zeromq|zlib-ng"
)
"""conda packages without a Python distribution: compilers, libraries, markers."""

_OTHER_LANGUAGES = re.compile(r"r|r-.*|bioconductor-.*|perl(-.*)?|julia|nodejs|go|rust|ruby")
"""conda packages of other languages, on which a script may depend."""

_CONDA_SPEC = re.compile(
    r"^(?:(?P<channel>[\w./:-]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<spec>[^\[]*)(?:\[(?P<selectors>.*)\])?$",
)
_CLAUSE = re.compile(r"^(?P<op>===?|=|~=|!=|>=|<=|>|<)?\s*(?P<version>[0-9][\w.!+*-]*|\*)$")
VALUE_OPTIONS = (
    "--index-url", "--extra-index-url", "--find-links", "--trusted-host", "--no-binary", "--only-binary",
)  # fmt: skip
FLAG_OPTIONS = ("--pre", "--no-index")
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
    conda: dict[str, str] = field(default_factory=dict)
    """The requirement lines that are conda's packages, each with the entry as written."""
    refused: dict[str, str] = field(default_factory=dict)
    """conda's entries that cannot be translated, and why; without them the environment is incomplete."""

    def has(self, distribution: str) -> bool:
        """Whether a requirement names `distribution` itself; dependencies do not count."""
        wanted = canonical(distribution)
        return any(canonical(_leading_name(line)) == wanted for line in self.packages)

    def not_found(self, uvs_answer: str) -> str:
        """conda's entry that uv did not find on the index, as written; empty if it lacks none of conda's packages."""
        text = " ".join(uvs_answer.split())
        names = {canonical(name) for name in re.findall(r"([\w.-]+) was not found in the package registry", text)}
        return next((entry for line, entry in self.conda.items() if canonical(_leading_name(line)) in names), "")


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
    """Translate a parsed conda file for a build.

    Raises CondaFileInvalid, naming the line, for what pip does not support: version alternatives
    (`|`), packages of other languages, other requirement files, editable or local paths.
    """
    lines = conda_file.take_apart(tree.get("dependencies") or [], "The conda file")
    if lines.problem:
        raise CondaFileInvalid(lines.problem)
    result = translate(lines)
    if result.refused:
        raise CondaFileInvalid(next(iter(result.refused.values())))
    if lines.local:
        raise CondaFileInvalid(_local(lines.local[0]))
    for option in lines.options:
        _option(option, result)
    return result


def translate(lines: conda_file.Lines) -> Requirements:
    """Translate conda's and pip's requirements; what cannot be translated is in `refused`. Options are left out."""
    result = Requirements()
    for entry in lines.conda:
        try:
            _conda_package(entry, result)
        except CondaFileInvalid as reason:
            result.refused[entry] = str(reason)
    _numpy_below_2(result, lines.pip)
    result.packages += lines.pip
    return result


def _numpy_below_2(result: Requirements, pip: list[str]) -> None:
    """Apply conda-forge's rule for builds from before numpy 2, unless numpy has its own limit in the file."""
    old = next((entry for line, entry in result.conda.items() if before(line)), None)
    numpy = [before(line, "2") for line in (*result.conda, *pip) if canonical(_leading_name(line)) == "numpy"]
    if old and all(below is None for below in numpy):
        result.packages.append("numpy<2")
        result.conda["numpy<2"] = old
        result.warnings.append(f"conda-forge built '{old}' before numpy 2 and holds numpy below 2; so does this build.")


def before(line: str, first: str = "") -> bool | None:
    """Whether a requirement allows only releases before `first`, by default before numpy 2; None if some of both."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import Version

    try:
        one = Requirement(line)
    except InvalidRequirement:
        return None
    first = first or NUMPY_2.get(canonical(one.name), "")
    if not first:
        return None
    bounds = [(clause.operator, Version(clause.version.replace(".*", ""))) for clause in one.specifier]
    if first not in one.specifier and any(
        op in ("==", "<", "<=", "~=") and end <= Version(first) for op, end in bounds
    ):
        return True
    return False if any(op in ("==", ">", ">=", "~=") and end >= Version(first) for op, end in bounds) else None


def _conda_package(entry: str, result: Requirements) -> None:
    found = _CONDA_SPEC.match(entry)
    if not found:
        raise CondaFileInvalid(f"The rehearsal can't read the conda dependency '{entry}'; write it as name=version.")
    name = found.group("name").lower()
    version = re.search(r"\bversion\s*=\s*['\"]?([^'\"\]]+)", found.group("selectors") or "")
    if name in ("pip", "conda"):
        return
    if _NOT_ON_PYPI.fullmatch(name):
        result.warnings.append(f"The conda package '{name}' has no counterpart on PyPI and is omitted.")
        return
    if _OTHER_LANGUAGES.fullmatch(name):
        raise CondaFileInvalid(not_on_pypi(entry))
    specifier = conda_version(version[1] if version else found.group("spec").strip(), entry)
    if name == "python":
        result.python = specifier
        return
    line = PYPI_NAMES.get(name, name) + specifier
    result.packages.append(line)
    result.conda[line] = entry


def not_on_pypi(entry: str) -> str:
    """Why a rehearsal cannot build with a conda package that is not on PyPI."""
    return (
        f"The conda package '{entry}' is not on PyPI, from which the rehearsal installs packages: Azure can build this "
        "environment, the rehearsal cannot."
    )


def conda_version(spec: str, entry: str = "") -> str:
    """Translate conda's version (`=1.2`, `==1.2.3`, `>=1,<2`, `1.2=build`) to pip's specifier.

    Raises CondaFileInvalid for alternatives (`1.2|1.3`), which pip does not support. A build string is left out.
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
        built = re.fullmatch(r"={0,2}\s*([0-9*][\w.!+*]*)[=\s]+\S+", text)
        if built:
            clauses += [f"=={built[1]}"] if built[1] != "*" else []
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
    if option.name in VALUE_OPTIONS and option.value:
        result.options.append((option.name, option.value))
    elif option.name in FLAG_OPTIONS:
        result.options.append((option.name, ""))
    elif option.name in _WITHOUT_EFFECT:
        result.warnings.append(
            f"The pip option '{option.name}' is ignored: the rehearsal builds with uv, which does not have it."
        )
    else:
        raise CondaFileInvalid(f"The rehearsal does not know the pip option in the line '{option.written}'.")
