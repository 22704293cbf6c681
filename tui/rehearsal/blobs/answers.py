"""Builds Blob storage's responses: errors and lists as XML, and a blob's headers."""

from __future__ import annotations

import re
import time
import uuid
from email.utils import formatdate
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

STORAGE_VERSION = "2021-12-02"


# XML 1.0 cannot represent these.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Text as XML content; characters that XML cannot represent become question marks."""
    return escape(_NOT_XML.sub("?", text))


def xml_name(tag: str, name: str) -> str:
    """A blob's name as an element; percent-encoded, with a mark, if XML cannot represent it (documented)."""
    if _NOT_XML.search(name):
        return f'<{tag} Encoded="true">{quote(name, safe="")}</{tag}>'
    return f"<{tag}>{escape(name)}</{tag}>"


class BlobError(Exception):
    """An error of Blob storage: HTTP status, error code, message."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def response(self, request_id: str) -> web.Response:
        """The response; the code is in the body and in a header, since HEAD has no body."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime())
        text = (
            '<?xml version="1.0" encoding="utf-8"?><Error><Code>'
            f"{self.code}</Code><Message>{xml_text(self.message)}\nRequestId:{request_id}\nTime:{now}</Message></Error>"
        )
        return web.Response(
            status=self.status,
            text=text,
            content_type="application/xml",
            headers={"x-ms-error-code": self.code, **self.headers},
        )


def blob_not_found() -> BlobError:
    """404 for a blob."""
    return BlobError(404, "BlobNotFound", "The specified blob does not exist.")


def container_not_found() -> BlobError:
    """404 for a container."""
    return BlobError(404, "ContainerNotFound", "The specified container does not exist.")


def not_authentic(more: str = "") -> BlobError:
    """403 for an invalid signature; `more` says why."""
    return BlobError(
        403,
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
        f"including the signature.{more}",
    )


def not_permitted() -> BlobError:
    """403 for a missing permission."""
    return BlobError(
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    )


def not_offered(what: str) -> BlobError:
    """An operation of Blob storage that the rehearsal does not have."""
    return BlobError(
        501,
        "NotImplemented",
        f"The rehearsal's storage has no {what}; it offers block blobs, their blocks and metadata.",
    )


def fresh_marks() -> dict[str, Any]:
    """A new entity tag and modification time, in seconds since 1970."""
    return {"etag": f'"0x8D{uuid.uuid4().hex[:12].upper()}"', "modified": time.time()}


def marks(record: dict[str, Any]) -> dict[str, str]:
    """The headers with entity tag and modification time."""
    return {"ETag": record["etag"], "Last-Modified": formatdate(record["modified"], usegmt=True)}


def metadata(record: dict[str, Any]) -> dict[str, str]:
    """The headers with a blob's metadata."""
    return {f"x-ms-meta-{name}": value for name, value in record["metadata"].items()}


def properties(record: dict[str, Any]) -> dict[str, str]:
    """All headers that describe a blob, without the length."""
    return {
        **marks(record),
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-creation-time": formatdate(record["created"], usegmt=True),
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-server-encrypted": "true",
        "x-ms-access-tier": "Hot",
        "x-ms-access-tier-inferred": "true",
        **{name: value for name, value in record["headers"].items() if value},
        **metadata(record),
    }


def _item(name: str, record: dict[str, Any], metadata: bool) -> str:
    kept = record["headers"]
    text = (
        f"<Blob>{xml_name('Name', name)}<Properties>"
        f"<Creation-Time>{formatdate(record['created'], usegmt=True)}</Creation-Time>"
        f"<Last-Modified>{formatdate(record['modified'], usegmt=True)}</Last-Modified>"
        f"<Etag>{escape(record['etag'].strip(chr(34)))}</Etag>"
        f"<Content-Length>{record['size']}</Content-Length>"
        f"<Content-Type>{xml_text(kept.get('Content-Type', ''))}</Content-Type>"
        f"<Content-MD5>{xml_text(kept.get('Content-MD5', ''))}</Content-MD5>"
        "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
        "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted>"
        "</Properties>"
    )
    if metadata:
        # Names are header names: letters, digits and underscores, so they are XML names too.
        pairs = "".join(f"<{key}>{xml_text(value)}</{key}>" for key, value in record["metadata"].items())
        text += f"<Metadata>{pairs}</Metadata>"
    return text + "</Blob>"


def blob_list(
    endpoint: str,
    container: str,
    prefix: str,
    delimiter: str,
    items: list[tuple[str, dict[str, Any] | None]],
    following: str,
    *,
    marker: str,
    limit: int | None,
    metadata: bool,
) -> str:
    """The XML of a list; an item without a record is a virtual folder."""
    inside = "".join(
        _item(name, record, metadata) if record is not None else f"<BlobPrefix>{xml_name('Name', name)}</BlobPrefix>"
        for name, record in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<EnumerationResults ServiceEndpoint={quoteattr(endpoint + '/')} ContainerName={quoteattr(container)}>"
        f"{xml_name('Prefix', prefix)}"
        + (xml_name("Marker", marker) if marker else "")
        # The client uses this as the size of its next pages.
        + (f"<MaxResults>{limit}</MaxResults>" if limit else "")
        + (xml_name("Delimiter", delimiter) if delimiter else "")
        + f"<Blobs>{inside}</Blobs>{xml_name('NextMarker', following)}</EnumerationResults>"
    )


def block_list(committed: list[tuple[str, int]], uncommitted: list[tuple[str, int]]) -> str:
    """The XML of a blob's blocks: ids and sizes."""

    def blocks(items: list[tuple[str, int]]) -> str:
        return "".join(f"<Block><Name>{escape(name)}</Name><Size>{size}</Size></Block>" for name, size in items)

    return (
        '<?xml version="1.0" encoding="utf-8"?><BlockList>'
        f"<CommittedBlocks>{blocks(committed)}</CommittedBlocks>"
        f"<UncommittedBlocks>{blocks(uncommitted)}</UncommittedBlocks></BlockList>"
    )
