"""Map modules to the packages that provide them, for modules that scoring scripts commonly use."""

from __future__ import annotations

import pkgutil
import sys
import sysconfig
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from tui.common.conda_file import canonical

# Modules whose package has a different name, or several packages.
_PACKAGES: dict[str, tuple[str, ...]] = {
    "Crypto": ("pycryptodome",),
    "PIL": ("pillow",),
    "attr": ("attrs",),
    "azure": (
        "azure-core",
        "azure-identity",
        "azure-storage-blob",
        "azure-keyvault-secrets",
        "azure-ai-ml",
        "azureml-defaults",
    ),
    "azureml": ("azureml-core", "azureml-defaults", "azureml-ai-monitoring", "azureml-inference-server-http"),
    "azureml.core": ("azureml-core", "azureml-defaults"),
    "bs4": ("beautifulsoup4",),
    "cv2": ("opencv-python", "opencv-python-headless", "opencv", "py-opencv", "opencv-contrib-python"),
    "dateutil": ("python-dateutil",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu", "faiss"),
    "fitz": ("pymupdf",),
    "google": ("protobuf",),
    "imblearn": ("imbalanced-learn",),
    "jwt": ("pyjwt",),
    "mlflow": ("mlflow", "mlflow-skinny"),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "pkg_resources": ("setuptools",),
    "pydantic_settings": ("pydantic-settings",),
    "pyspark": ("pyspark", "databricks-connect"),
    "sentence_transformers": ("sentence-transformers",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu"),
    "torch": ("torch", "pytorch", "pytorch-cpu"),
    "xgboost": ("xgboost", "xgboost-cpu", "py-xgboost", "py-xgboost-cpu"),
    "yaml": ("pyyaml",),
}

# Packages that are installed as dependencies of those that scoring environments list.
_SERVER = ("azureml-inference-server-http", "azureml-defaults")
_NUMERIC = (
    "pandas", "scipy", "scikit-learn", "xgboost", "xgboost-cpu", "py-xgboost", "lightgbm", "catboost",
    "tensorflow", "tensorflow-cpu", "statsmodels", "onnxruntime", "shap", "mlflow", "spacy", "prophet",
)  # fmt: skip
_BROUGHT_BY: dict[str, tuple[str, ...]] = {
    "numpy": _NUMERIC,
    "scipy": ("scikit-learn", "xgboost", "xgboost-cpu", "lightgbm", "catboost", "statsmodels", "shap", "mlflow"),
    "pandas": ("mlflow", "shap", "statsmodels", "catboost", "prophet"),
    "sklearn": ("mlflow", "shap", "imbalanced-learn"),
    "joblib": ("scikit-learn", "mlflow", "shap", "imbalanced-learn"),
    "threadpoolctl": ("scikit-learn",),
    "pytz": ("pandas",),
    "dateutil": ("pandas", "mlflow"),
    "yaml": ("mlflow", "mlflow-skinny", "transformers", "pyyaml"),
    "requests": ("mlflow", "mlflow-skinny", "transformers", *_SERVER),
    "cloudpickle": ("mlflow", "mlflow-skinny"),
    "flask": ("mlflow", *_SERVER),
    "werkzeug": _SERVER,
    "pydantic": ("mlflow", "mlflow-skinny", "fastapi", *_SERVER),
    "azureml_inference_server_http": _SERVER,
    "inference_schema": _SERVER,
    "azure": ("azureml-core", *_SERVER),
    "opencensus": ("azureml-defaults",),
    "keras": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu"),
    "tokenizers": ("transformers",),
    "huggingface_hub": ("transformers", "sentence-transformers"),
    "transformers": ("sentence-transformers",),
    "torch": ("sentence-transformers", "torchvision"),
    "typing_extensions": ("pydantic", "torch", *_SERVER),
    "packaging": ("pandas", "xgboost", "mlflow", "transformers"),
    "setuptools": ("pip", "python"),
    "pkg_resources": ("pip", "python"),
}

_KNOWN = {name for names in (*_PACKAGES.values(), *_BROUGHT_BY.values()) for name in names} | {*_BROUGHT_BY}


@lru_cache(maxsize=1)
def standard_library() -> frozenset[str]:
    """The names of the standard library's modules."""
    known = getattr(sys, "stdlib_module_names", None)
    if known is None:  # Python 3.9 has no such list, so its folders are read.
        folder = Path(sysconfig.get_paths()["stdlib"])
        found = pkgutil.iter_modules([str(folder), str(folder / "lib-dynload")])
        known = {module.name for module in found} | set(sys.builtin_module_names)
    return frozenset(known) | {"__future__"}


def missing(modules: Iterable[str], packages: Iterable[str], code: Path) -> list[str]:
    """Those of `modules` that neither the standard library, the code folder nor a listed package provides.

    Only well-known dependencies of packages are considered, so the result is a hint, not a proof.
    """
    listed = {canonical(name) for name in packages}
    lacking = []
    for module in dict.fromkeys(modules):
        if module in standard_library() or _is_local(module, code):
            continue
        bringers = {canonical(module), *_PACKAGES.get(module, ()), *_BROUGHT_BY.get(module, ())}
        # A namespace such as `azure` or `google` is shared by many packages.
        shared = module in ("azure", "google") and any(name.startswith(f"{module}-") for name in listed)
        if not bringers & listed and not shared:
            lacking.append(module)
    return lacking


def packages_of(module: str) -> tuple[str, ...]:
    """The packages that provide a module, if they are called otherwise or there are several."""
    return _PACKAGES.get(module, ())


def module_of(package: str) -> str:
    """The module that a package provides."""
    return next((name for name, packages in _PACKAGES.items() if package in packages), package.replace("-", "_"))


def package_for(module: str) -> str:
    """The package to list for a module."""
    return _PACKAGES.get(module, (canonical(module),))[0]


def is_known(package: str) -> bool:
    """Whether a package is in these lists; the name of any other may belong to somebody else's package."""
    return package in _KNOWN


def _is_local(module: str, code: Path) -> bool:
    try:
        return (code / f"{module}.py").is_file() or (code / module).is_dir()
    except OSError:
        return False
