"""HTTP handlers of Blob storage, as needed by azure-storage-blob for uploads, downloads and lists of block blobs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from aiohttp import web

from tui.rehearsal.blobs import sas
from tui.rehearsal.blobs.access import authorise, check_conditions
from tui.rehearsal.blobs.answers import (
    BlobError,
    blob_not_found,
    block_list,
    container_not_found,
    fresh_marks,
    marks,
    metadata,
    not_offered,
    properties,
)
from tui.rehearsal.blobs.containers import container_properties, create_container, list_blobs
from tui.rehearsal.scenarios.disturbances import disturb_storage
from tui.rehearsal.service import SERVICE, Service, content_up_to

MAX_BLOCK = 4000 * 1024 * 1024
MAX_BLOCKS = 50_000
MAX_LIST_BODY = 16 * 1024 * 1024
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})$")
_META = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_CONTENT_HEADERS = {
    "x-ms-blob-content-type": "Content-Type",
    "x-ms-blob-content-encoding": "Content-Encoding",
    "x-ms-blob-content-language": "Content-Language",
    "x-ms-blob-content-disposition": "Content-Disposition",
    "x-ms-blob-cache-control": "Cache-Control",
    "x-ms-blob-content-md5": "Content-MD5",
}


async def handle(request: web.Request) -> web.StreamResponse:
    """Handle a request to the storage account. Raises BlobError."""
    service = request.app[SERVICE]
    container, blob = request.match_info["container"], request.match_info.get("blob", "")
    comp = request.query.get("comp", "").lower()
    scope = "blob" if blob else request.query.get("restype", "").lower()
    name = f"{request.method} {scope} {comp}".strip()
    action = _ACTIONS.get(name)
    if action is None:
        raise not_offered(f"operation {name or request.method}")
    handler, permissions = action
    authorise(service, request, container, blob, permissions)
    await disturb_storage(service, request, permissions)
    if not service.blobs.has_container(container) and name != "PUT container":
        raise container_not_found()
    return await handler(service, request, container, blob)


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name[10:]: value for name, value in headers.items() if name.lower().startswith("x-ms-meta-")}
    if not all(map(_META.match, found)):
        raise BlobError(
            400, "InvalidMetadata", "The metadata specified is invalid. It has characters that are not permitted."
        )
    return found


async def _receive(service: Service, request: web.Request) -> tuple[str, int, str]:
    """Stream the body to disk; return the file's name, its size, and its MD5 in base64."""
    if (request.content_length or 0) > MAX_BLOCK:
        raise BlobError(
            413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit."
        )
    part = service.blobs.new_file()
    digest, size = hashlib.md5(usedforsecurity=False), 0
    try:
        with part.open("wb") as file:
            async for chunk in request.content.iter_any():
                digest.update(chunk)
                file.write(chunk)
                size += len(chunk)
                await service.pace.transfer(len(chunk))
                if size > MAX_BLOCK:
                    raise BlobError(413, "RequestBodyTooLarge", "The request body is too large.")
        if request.content_length is not None and size != request.content_length:
            raise BlobError(400, "InvalidInput", "The body is shorter than its Content-Length.")
        md5 = base64.b64encode(digest.digest()).decode()
        sent = request.headers.get("Content-MD5")
        if sent and sent != md5:
            raise BlobError(
                400,
                "Md5Mismatch",
                "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            )
        return service.blobs.keep(part), size, md5
    finally:
        part.unlink(missing_ok=True)


def _record(request: web.Request, old: dict[str, Any] | None, files: list[list[Any]], md5: str) -> dict[str, Any]:
    kept = {ours: request.headers.get(theirs, "") for theirs, ours in _CONTENT_HEADERS.items()}
    kept["Content-Type"] = kept["Content-Type"] or "application/octet-stream"
    kept["Content-MD5"] = kept["Content-MD5"] or md5
    return {
        "files": files,
        "size": sum(size for _, size in files),
        "created": old["created"] if old else time.time(),
        "metadata": _metadata(request.headers),
        "headers": {name: value for name, value in kept.items() if value},
        **fresh_marks(),
    }


def _written(status: int, record: dict[str, Any], **headers: str) -> web.Response:
    return web.Response(status=status, headers={**marks(record), "x-ms-request-server-encrypted": "true", **headers})


async def put_blob(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`PUT` of a complete block blob."""
    if "x-ms-copy-source" in request.headers:
        raise not_offered("copy of blobs")
    kind = request.headers.get("x-ms-blob-type", "")
    if kind.lower() != "blockblob":
        raise (
            not_offered(f"blobs of the type {kind}")
            if kind
            else BlobError(
                400,
                "MissingRequiredHeader",
                "An HTTP header that's mandatory for this request is not specified: x-ms-blob-type.",
            )
        )
    old = service.blobs.get(container, blob)
    check_conditions(request, old)
    # Before the body is read.
    _metadata(request.headers)
    file, size, md5 = await _receive(service, request)
    # Another upload may have finished in the meantime.
    old = service.blobs.get(container, blob)
    try:
        check_conditions(request, old)
    except BlobError:
        service.blobs.discard([file])
        raise
    record = _record(request, old, [[file, size]], md5)
    service.blobs.put(container, blob, record)
    return _written(201, record, **{"Content-MD5": md5})


def _block_id(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BlobError(400, "InvalidQueryParameterValue", "The block id is not valid base64.") from error
    if not 1 <= len(raw) <= 64:
        raise BlobError(400, "InvalidQueryParameterValue", "A block id has 1 to 64 bytes.")
    return text


async def put_block(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`PUT comp=block`: one block; blocks may arrive in any order."""
    block = _block_id(request.query.get("blockid", ""))
    file, size, md5 = await _receive(service, request)
    service.blobs.put_block(container, blob, block, file, size)
    return web.Response(status=201, headers={"Content-MD5": md5, "x-ms-request-server-encrypted": "true"})


async def put_block_list(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`PUT comp=blocklist`: commits the blocks as a blob, in the order of the list."""
    content = await content_up_to(MAX_LIST_BODY, request)
    if content is None:
        raise BlobError(413, "RequestBodyTooLarge", "The block list is too large.")
    try:
        items = [(item.tag, item.text or "") for item in ElementTree.fromstring(content)]
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BlobError(400, "InvalidXmlDocument", "The specified XML is not syntactically valid.") from error
    if len(items) > MAX_BLOCKS:
        raise BlobError(400, "BlockListTooLong", "The block list has more than 50,000 blocks.")
    old = service.blobs.get(container, blob)
    check_conditions(request, old)
    pending = service.store.blocks(container, blob)
    committed = dict(zip(old.get("block_ids", []), map(tuple, old["files"]))) if old else {}
    files: list[list[Any]] = []
    for tag, block in items:
        found = None
        if tag in ("Latest", "Uncommitted"):
            found = pending.get(block)
        if found is None and tag in ("Latest", "Committed"):
            found = committed.get(block)
        if found is None:
            raise BlobError(400, "InvalidBlockList", "The specified block list is invalid.")
        files.append(list(found))
    record = _record(request, old, files, "")
    record["block_ids"] = [block for _, block in items]
    service.blobs.put(container, blob, record)
    return _written(201, record)


async def get_block_list(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`GET comp=blocklist`: the existing blocks, so that an upload can continue."""
    record = service.blobs.get(container, blob)
    pending = [(name, size) for name, (_, size) in service.store.blocks(container, blob).items()]
    if record is None and not pending:
        raise blob_not_found()
    committed = (
        [(name, size) for name, (_, size) in zip(record.get("block_ids", []), record["files"])] if record else []
    )
    kind = request.query.get("blocklisttype", "committed").lower()
    text = block_list(
        committed if kind in ("all", "committed") else [], pending if kind in ("all", "uncommitted") else []
    )
    return web.Response(text=text, content_type="application/xml", headers=marks(record) if record else {})


def _existing(service: Service, request: web.Request, container: str, blob: str) -> dict[str, Any]:
    record = service.blobs.get(container, blob)
    if record is None:
        raise blob_not_found()
    check_conditions(request, record)
    return record


async def get_blob(service: Service, request: web.Request, container: str, blob: str) -> web.StreamResponse:
    """`GET` of a blob or a range of it, streamed."""
    record = _existing(service, request, container, blob)
    size, start, status = record["size"], 0, 200
    length = size
    headers = properties(record)
    wanted = request.headers.get("x-ms-range") or request.headers.get("Range")
    match = _RANGE.match(wanted) if wanted else None
    if match:
        start = int(match[1])
        if start >= size:
            raise BlobError(
                416,
                "InvalidRange",
                "The range specified is invalid for the current size of the resource.",
                {"Content-Range": f"bytes */{size}"},
            )
        end = min(int(match[2]) if match[2] else size - 1, size - 1)
        if end < start:
            raise BlobError(
                400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format."
            )
        length, status = end - start + 1, 206
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        # For a range, Content-MD5 may only contain the range's own digest.
        md5 = headers.pop("Content-MD5", None)
        if md5:
            headers["x-ms-blob-content-md5"] = md5
        if request.headers.get("x-ms-range-get-content-md5", "").lower() == "true" and length <= 4 * 1024 * 1024:
            digest = hashlib.md5(b"".join(service.blobs.chunks(record, start, length)), usedforsecurity=False)
            headers["Content-MD5"] = base64.b64encode(digest.digest()).decode()
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = length
    await response.prepare(request)
    for chunk in service.blobs.chunks(record, start, length):
        await service.pace.transfer(len(chunk))
        await response.write(chunk)
    await response.write_eof()
    return response


async def head_blob(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`HEAD` of a blob."""
    record = _existing(service, request, container, blob)
    return web.Response(headers={**properties(record), "Content-Length": str(record["size"])})


async def get_metadata(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`GET` or `HEAD comp=metadata`."""
    record = _existing(service, request, container, blob)
    return web.Response(headers={**marks(record), **metadata(record)})


async def set_metadata(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`PUT comp=metadata`."""
    record = _existing(service, request, container, blob)
    record.update(fresh_marks(), metadata=_metadata(request.headers))
    service.store.put_blob(container, blob, record)
    return _written(200, record)


async def set_properties(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`PUT comp=properties`: content type and the like."""
    record = _existing(service, request, container, blob)
    kept = {ours: request.headers.get(theirs, "") for theirs, ours in _CONTENT_HEADERS.items()}
    record.update(fresh_marks(), headers={name: value for name, value in kept.items() if value})
    service.store.put_blob(container, blob, record)
    return _written(200, record)


async def delete_blob(service: Service, request: web.Request, container: str, blob: str) -> web.Response:
    """`DELETE` of a blob."""
    _existing(service, request, container, blob)
    service.blobs.delete(container, blob)
    return web.Response(status=202, headers={"x-ms-delete-type-permanent": "true"})


# Method, scope and comp → handler and permission letters of a signature, one of which is required.
_ACTIONS = {
    "PUT blob": (put_blob, "wc"),
    "PUT blob block": (put_block, "wc"),
    "PUT blob blocklist": (put_block_list, "wc"),
    "PUT blob metadata": (set_metadata, "w"),
    "PUT blob properties": (set_properties, "w"),
    "GET blob": (get_blob, "r"),
    "GET blob blocklist": (get_block_list, "r"),
    "GET blob metadata": (get_metadata, "r"),
    "HEAD blob": (head_blob, "r"),
    "HEAD blob metadata": (get_metadata, "r"),
    "DELETE blob": (delete_blob, "d"),
    "GET container list": (list_blobs, "l"),
    "GET container": (container_properties, "rl"),
    "HEAD container": (container_properties, "rl"),
    "PUT container": (create_container, "cw"),
}

ROUTES = [
    web.route("*", f"/{sas.ACCOUNT}.blob.core.windows.net{path}", handle)
    for path in ("/{container}", "/{container}/", "/{container}/{blob:.+}")
]
