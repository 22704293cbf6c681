"""The rehearsal's store, which survives restarts: one SQLite file on local disk."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS resources (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, parent TEXT NOT NULL, body TEXT NOT NULL, internal TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS resources_by_parent ON resources (parent, kind);
CREATE TABLE IF NOT EXISTS operations (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
    container TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (container, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
    container TEXT NOT NULL, name TEXT NOT NULL, block TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (container, name, block)
) WITHOUT ROWID;
"""


@dataclass
class Resource:
    """A resource: what clients see (`body`) and what only the rehearsal uses (`internal`)."""

    id: str
    kind: str
    parent: str
    body: dict[str, Any]
    internal: dict[str, Any] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, Any]:
        """The `properties` member of the body."""
        properties: dict[str, Any] = self.body["properties"]
        return properties

    @property
    def name(self) -> str:
        """The resource's name, in the spelling of its creation."""
        return str(self.body["name"])


class Store:
    """Resources, operations and the index of blobs. Ids are case-insensitive, as in Azure."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        # Losing the last changes in a power cut is acceptable; waiting for the disk is not.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _document(self, query: str, *values: str) -> dict[str, Any] | None:
        row = self._database.execute(query, values).fetchone()
        return json.loads(row[0]) if row else None

    # Resources

    def _resources(self, condition: str, *values: str) -> list[Resource]:
        rows = self._database.execute(
            f"SELECT id, kind, parent, body, internal FROM resources WHERE {condition}", values
        )
        return [Resource(row[0], row[1], row[2], json.loads(row[3]), json.loads(row[4])) for row in rows]

    def get(self, resource_id: str) -> Resource | None:
        """The resource with this id, or None."""
        return next(iter(self._resources("id = ?", resource_id.lower())), None)

    def put(self, resource: Resource) -> None:
        """Write a resource, replacing one with the same id."""
        self._database.execute(
            "INSERT OR REPLACE INTO resources VALUES (?, ?, ?, ?, ?)",
            (
                resource.id.lower(),
                resource.kind,
                resource.parent.lower(),
                json.dumps(resource.body),
                json.dumps(resource.internal),
            ),
        )

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is written at once, or not at all; other processes wait for it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def delete(self, resource_id: str) -> None:
        """Remove a resource and all below it."""
        key = resource_id.lower()
        self._database.execute("DELETE FROM resources WHERE id = ?", (key,))
        # A range instead of LIKE: ids contain underscores, which are wildcards in LIKE.
        self._database.execute("DELETE FROM resources WHERE id > ? AND id < ?", (key + "/", key + "0"))

    def children(self, parent: str, kind: str) -> list[Resource]:
        """The resources of one kind directly below `parent`, by id."""
        return self._resources("parent = ? AND kind = ? ORDER BY id", parent.lower(), kind)

    def of_kind(self, kind: str) -> list[Resource]:
        """All resources of one kind, by id."""
        return self._resources("kind = ? ORDER BY id", kind)

    def ids(self, kind: str) -> list[str]:
        """The ids of all resources of one kind, in lower case and in order."""
        return [
            row[0] for row in self._database.execute("SELECT id FROM resources WHERE kind = ? ORDER BY id", (kind,))
        ]

    # Operations

    def get_operation(self, operation_id: str) -> dict[str, Any] | None:
        """The stored operation, or None."""
        return self._document("SELECT body FROM operations WHERE id = ?", operation_id)

    def put_operation(self, operation_id: str, body: dict[str, Any]) -> None:
        """Write an operation."""
        self._database.execute("INSERT OR REPLACE INTO operations VALUES (?, ?)", (operation_id, json.dumps(body)))

    def operations(self) -> list[dict[str, Any]]:
        """All operations."""
        return [json.loads(row[0]) for row in self._database.execute("SELECT body FROM operations")]

    # Blobs

    def get_blob(self, container: str, name: str) -> dict[str, Any] | None:
        """The record of a blob, or None."""
        return self._document("SELECT body FROM blobs WHERE container = ? AND name = ?", container, name)

    def put_blob(self, container: str, name: str, body: dict[str, Any]) -> None:
        """Write the record of a blob."""
        self._database.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", (container, name, json.dumps(body)))

    def delete_blob(self, container: str, name: str) -> None:
        """Remove a blob from the index."""
        self._database.execute("DELETE FROM blobs WHERE container = ? AND name = ?", (container, name))

    def list_blobs(self, container: str, prefix: str, after: str, limit: int) -> list[tuple[str, dict[str, Any]]]:
        """At most `limit` blobs whose names start with `prefix` and come after `after`, by name."""
        rows = self._database.execute(
            "SELECT name, body FROM blobs WHERE container = ? AND name >= ? AND name > ? AND name < ? "
            "ORDER BY name LIMIT ?",
            (container, prefix, after, prefix + chr(0x10FFFF), limit),
        )
        return [(name, json.loads(body)) for name, body in rows]

    def put_block(self, container: str, name: str, block: str, file: str, size: int) -> str | None:
        """Write an uncommitted block; return the file of the one that it replaces, or None."""
        row = self._database.execute(
            "SELECT file FROM blocks WHERE container = ? AND name = ? AND block = ?", (container, name, block)
        ).fetchone()
        self._database.execute(
            "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)", (container, name, block, file, size)
        )
        return str(row[0]) if row else None

    def blocks(self, container: str, name: str) -> dict[str, tuple[str, int]]:
        """The uncommitted blocks of a blob: file and size by block id."""
        rows = self._database.execute(
            "SELECT block, file, size FROM blocks WHERE container = ? AND name = ?", (container, name)
        )
        return {block: (file, size) for block, file, size in rows}

    def drop_blocks(self, container: str, name: str) -> None:
        """Remove the uncommitted blocks of a blob."""
        self._database.execute("DELETE FROM blocks WHERE container = ? AND name = ?", (container, name))
