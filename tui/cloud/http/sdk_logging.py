"""Keeps the Azure libraries from printing: progress bars, warnings, log handlers, telemetry."""

from __future__ import annotations

import logging
import os
import warnings

_NOISY = ("azure", "msal", "urllib3", "msrest", "opentelemetry", "requests_oauthlib")


def before_import() -> None:
    """Turn output off before the first import of an Azure library; can be called repeatedly.

    tqdm reads `TQDM_DISABLE` when it is imported.
    """
    os.environ["TQDM_DISABLE"] = "1"
    os.environ.setdefault("OTEL_SDK_DISABLED", "true")
    os.environ.setdefault("AZURE_CORE_COLLECT_TELEMETRY", "no")
    warnings.simplefilter("ignore")
    for name in _NOISY:
        _hush(logging.getLogger(name))


def after_import() -> None:
    """Turn output off after the import of `azure.ai.ml`, whose modules attach log handlers to stderr."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".", 1)[0] in _NOISY:
            logger = logging.getLogger(name)
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
            if logger.level:
                logger.setLevel(logging.NOTSET)
            logger.propagate = True
    for name in _NOISY:
        _hush(logging.getLogger(name))


def _hush(logger: logging.Logger) -> None:
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.CRITICAL)
    logger.propagate = False
