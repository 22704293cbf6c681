"""Handlers for containers of Blob storage: lists of blobs, properties, creation."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from tui.rehearsal.blobs.answers import BlobError, blob_list, fresh_marks, marks
from tui.rehearsal.service import Service


async def list_blobs(service: Service, request: web.Request, container: str, _: str) -> web.Response:
    """`GET restype=container&comp=list`: `prefix`, `delimiter`, `marker`, `maxresults`, `include=metadata`."""
    query = request.query
    prefix, delimiter, marker = (query.get(name, "") for name in ("prefix", "delimiter", "marker"))
    most = query.get("maxresults", "")
    if most and not (most.isdecimal() and 0 < len(most) < 10 and int(most) > 0):
        raise BlobError(400, "OutOfRangeQueryParameterValue", "maxresults must be between 1 and 5000.")
    limit = min(int(most) if most else 5000, 5000)
    items: list[tuple[str, dict[str, Any] | None]] = []
    after, following = marker, ""
    while not following:
        found = service.store.list_blobs(container, prefix, after, limit + 1)
        skipped = False
        for name, record in found:
            if len(items) == limit:
                following = after
                break
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                items.append((name, record))
                after = name
            else:
                folder = name[: cut + len(delimiter)]
                items.append((folder, None))
                # Continue after the whole folder.
                after, skipped = folder + chr(0x10FFFF), True
                break
        if not skipped and not following:
            break
    include = query.get("include", "").lower().split(",")
    text = blob_list(
        service.blob_origin,
        container,
        prefix,
        delimiter,
        items,
        following,
        marker=marker,
        limit=limit if most else None,
        metadata="metadata" in include,
    )
    return web.Response(text=text, content_type="application/xml")


async def container_properties(service: Service, request: web.Request, container: str, _: str) -> web.Response:
    """`GET` or `HEAD restype=container`."""
    return web.Response(
        headers={
            "ETag": '"0x8D0000000000000"',
            "Last-Modified": "Mon, 12 Jan 2026 09:30:00 GMT",
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-has-immutability-policy": "false",
        }
    )


async def create_container(service: Service, request: web.Request, container: str, _: str) -> web.Response:
    """`PUT restype=container`: 409 if it exists."""
    if service.blobs.has_container(container):
        raise BlobError(409, "ContainerAlreadyExists", "The specified container already exists.")
    if not re.match(r"[a-z0-9](?:-?[a-z0-9]){2,62}$", container):
        raise BlobError(400, "InvalidResourceName", "The specified resource name contains invalid characters.")
    service.blobs.create_container(container)
    return web.Response(status=201, headers=marks(fresh_marks()))
