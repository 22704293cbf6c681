"""Check that the base image has a fixed tag and is still patched."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tui.checks.finding import WARNING, Finding
from tui.plan.model import Plan

FIELD = "deployment.environment.image"
_TAGS = "https://mcr.microsoft.com/v2/azureml/openmpi4.1.0-ubuntu22.04/tags/list"
# Releases whose standard support has ended (Canonical, Ubuntu release cycle): Microsoft's images on them are no
# longer updated (Azure/AzureML-Containers, README).
_OLD = re.compile(r"ubuntu(16\.04|18\.04|20\.04)")


def check(plan: Plan) -> Iterator[Finding]:
    """Warnings about the image's name; nothing is downloaded."""
    image = plan.deployment.environment.image
    if not image:
        return
    old = _OLD.search(image)
    if old:
        message = f"The base image is built on Ubuntu {old.group(1)}, which is no longer patched."
        remedy = "Choose an image on Ubuntu 22.04 or newer."
        yield Finding("image-old", WARNING, FIELD, message, remedy, _TAGS, image)
    tag = image.rpartition("/")[2].partition(":")[2]
    if "@" not in image and tag in ("", "latest"):
        message = f"The base image {image} has no fixed tag, so a later build can produce a different environment."
        remedy = "Use a dated tag."
        yield Finding("image-moves", WARNING, FIELD, message, remedy, _TAGS, image)
