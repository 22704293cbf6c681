"""A tree of files and folders: each folder is read in the background when it is opened."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Optional

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from tui.app.text import formatting
from tui.app.widgets import folder_entries
from tui.app.widgets.folder_entries import Entry, Lister, Listing
from tui.app.widgets.help import Topic
from tui.common.cell_width import tail
from tui.common.typed_path import UnusablePath, real_path, typed_path

TICK = 0.1  # seconds between collecting the threads' results
Node = TreeNode[Optional["Item"]]


@dataclass
class Item:
    """A node's entry, and how much of its folder has been read."""

    entry: Entry
    listing: Listing | None = None
    read: bool = False
    problem: str = ""
    orders: list[tuple[bool, str, str]] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)


class FileTree(Tree[Optional[Item]], inherit_bindings=False):
    """Selects a file or folder: Enter selects, right opens a folder, left closes it or goes to the parent folder.

    `takes` says what may be selected: "file", "folder" or "any". Each opened folder is read in its own thread; closing
    it stops that thread. The screen collects the results ten times a second.
    """

    BINDINGS: ClassVar = [
        Binding("up", "cursor_up", "Up", show=False, id="files.up", tooltip="The previous line."),
        Binding("down", "cursor_down", "Down", show=False, id="files.down", tooltip="The next line."),
        Binding("pageup", "page_up", "Page up", show=False, id="files.page_up", tooltip="A page up."),
        Binding("pagedown", "page_down", "Page down", show=False, id="files.page_down", tooltip="A page down."),
        Binding("home", "scroll_home", "First", show=False, id="files.first", tooltip="The first line."),
        Binding("end", "scroll_end", "Last", show=False, id="files.last", tooltip="The last line."),
        Binding("right,space", "open", "Open", show=False, id="files.open", tooltip="Open or close the folder."),
        Binding(
            "left", "close", "Close", show=False, id="files.close", tooltip="Close the folder, or go to its parent."
        ),
        Binding("enter", "take", "Select", show=False, id="files.take", tooltip="Select the highlighted entry."),
    ]

    @dataclass
    class Taken(Message):
        """A file or folder was chosen."""

        path: str

    @dataclass
    class Said(Message):
        """A line to show below the tree: the reading progress, or why an entry cannot be selected."""

        text: str

    class Above(Message):
        """The user asked for the root's parent folder."""

    @dataclass
    class Marked(Message):
        """Another line is highlighted."""

        entry: Entry

    def __init__(self, *, lister: Lister = folder_entries.scan, id: str | None = None) -> None:
        super().__init__("", id=id)
        self.takes = "any"
        self.lister = lister
        self.auto_expand = False
        self.guide_depth = 2
        self._ticker: Timer | None = None
        self._said = ""

    # Content

    def look_into(self, folder: str) -> None:
        """Make a folder the root; whatever is being read is dropped."""
        self.stop()
        self.clear()
        entry = Entry(folder, folder, True)
        self.root.data = Item(entry)
        self.root.set_label(formatting.plain(folder))
        self._open(self.root)
        self.cursor_line = 0

    @property
    def folder(self) -> str:
        """The path of the root folder."""
        return self.root.data.entry.path if self.root.data else ""

    @property
    def marked(self) -> Entry | None:
        """The entry under the cursor."""
        node = self.cursor_node
        return node.data.entry if node is not None and node.data is not None else None

    def stop(self) -> None:
        """Stop reading all folders."""
        for _, item in self._walk(self.root):
            if item.listing is not None:
                item.listing.cancel()
                item.listing = None
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _walk(self, node: Node) -> Iterator[tuple[Node, Item]]:
        """Yield a node and its descendants, with their items."""
        if node.data is not None:
            yield node, node.data
        for child in node.children:
            yield from self._walk(child)

    def process_label(self, label: Any) -> Text:
        """Return a name as text, without interpreting markup."""
        return label if isinstance(label, Text) else Text(str(label).split("\n")[0], no_wrap=True)

    def render_label(self, node: Node, base_style: Style, style: Style) -> Text:
        """Render `▸ folder` or `  file  12 kB`; entries that cannot be selected are dim."""
        item = node.data
        if item is None:
            return Text(str(node.label), style=style + Style(dim=True))
        entry = item.entry
        sign = ("▾ " if node.is_expanded else "▸ ") if entry.folder else "  "
        label = Text(sign, style=style)
        dim = Style(dim=True) if self.refusal(entry) and not entry.folder else Style()
        name = shown(entry.name)
        if node is self.root:  # the end of a long path says more than its start
            name = tail(name, max(self.size.width - 24, 20))
        label.append(name + ("/" if entry.folder and not name.endswith("/") else ""), style=style + dim)
        if entry.size is not None:
            label.append(f"  {formatting.size(entry.size)}", style=style + Style(dim=True))
        if item.listing is not None and not item.listing.finished:
            label.append(f"  reading … {formatting.running(item.listing.seconds)}", style=style + Style(dim=True))
        elif item.problem:
            label.append(f"  ✖ {item.problem}", style=style + Style(bold=True))
        elif item.read and not item.nodes:
            label.append("  empty", style=style + Style(dim=True))
        return label

    def refusal(self, entry: Entry) -> str:
        """Return why an entry cannot be selected, as a sentence; empty if it can."""
        if not entry.writable_name:
            return "Its name is not valid UTF-8, so a plan cannot contain it; rename it."
        if self.takes == "folder" and not entry.folder:
            return "Select a folder here, such as the one that contains this file."
        if self.takes == "file" and entry.folder:
            return "Select a file here; open the folder."
        return ""

    # Reading

    def _open(self, node: Node) -> None:
        item = node.data
        if item is None or not item.entry.folder:
            return
        node.expand()
        if item.read or item.listing is not None:
            return
        item.problem = ""
        item.listing = Listing(item.entry.path, self.lister)
        if self._ticker is None:
            self._ticker = self.set_interval(TICK, self._collect)

    def _close(self, node: Node) -> None:
        item = node.data
        node.collapse()
        if item is not None and item.listing is not None:
            item.listing.cancel()  # it is read again when reopened
            item.listing = None
            item.orders.clear()
            item.nodes.clear()
            node.remove_children()

    def _collect(self) -> None:
        """Show new results; stop when all folders have been read."""
        for node, item in list(self._walk(self.root)):
            self._take_from(node, item)
        first = next((item.listing for _, item in self._walk(self.root) if item.listing is not None), None)
        if first is not None:
            said = f"Reading {tail(shown(first.folder), 30)}: {formatting.count(first.found, 'entry', 'entries')}"
            said += ", reading sizes" if first.named else ""
            self._say(f"▸ {said} …")
        else:
            self._say("")
            self.stop()

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self.post_message(self.Said(text))

    def _take_from(self, node: Node, item: Item) -> None:
        if item.listing is None:
            return
        marked = self.cursor_node
        for entry in item.listing.take():
            known = item.nodes.get(entry.name)
            if known is not None and known.data is not None:
                known.data.entry = entry
                known.refresh()
                continue
            position = bisect.bisect(item.orders, entry.order)
            item.orders.insert(position, entry.order)
            before = position if position < len(node.children) else None
            child = node.add(entry.name, Item(entry), before=before, allow_expand=entry.folder)
            item.nodes[entry.name] = child
        if item.listing.finished:
            item.problem, item.read = item.listing.problem, not item.listing.problem
            if item.listing.more:
                node.add_leaf(f"… more than {folder_entries.MOST:,} entries: type the name in the field above")
            item.listing = None
        node.refresh()
        if marked is not None and marked is not self.root and self.cursor_node is not marked:
            self.call_after_refresh(self.move_cursor, marked)  # new entries do not move the highlight

    # Keys

    def action_open(self) -> None:
        """Open or close the highlighted folder."""
        node = self.cursor_node
        if node is not None and node.data is not None and node.data.entry.folder:
            self._close(node) if node.is_expanded else self._open(node)

    def action_close(self) -> None:
        """Close the highlighted folder, or go to its parent; at the root, ask for the parent folder."""
        node = self.cursor_node
        if node is None:
            return
        if node is self.root:
            self.post_message(self.Above())
        elif node.is_expanded and node.data is not None and node.data.entry.folder:
            self._close(node)
        elif node.parent is not None:
            self.move_cursor(node.parent)

    def action_take(self) -> None:
        """Select the highlighted entry, or open a folder that cannot be selected."""
        entry = self.marked
        if entry is None:
            return
        refusal = self.refusal(entry)
        if not refusal:
            self.post_message(self.Taken(entry.path))
        elif entry.folder and entry.writable_name:
            self.action_open()
        else:
            self.post_message(self.Said(f"! {refusal}"))

    async def _on_click(self, event: events.Click) -> None:
        """Highlight the clicked entry, and open it if it is a folder; a click never selects."""
        await super()._on_click(event)
        self.action_open()

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Any]) -> None:
        item = event.node.data
        if isinstance(item, Item):
            self.post_message(self.Marked(item.entry))

    def topic(self) -> Topic:
        wanted = {"file": "file", "folder": "folder"}.get(self.takes, "file or folder")
        entry = self.marked
        return Topic(
            "Files",
            f"Enter selects the highlighted {wanted}. Right opens a folder, left closes it or goes up; Esc closes.",
            "A folder is read in the background when it is opened: a slow mount delays only its own entries.",
            value=entry.path if entry else "",
        )


def shown(name: str) -> str:
    """Return a name as text for the screen: without control characters, with `?` for invalid characters."""
    return formatting.plain(name.encode("utf-8", "replace").decode())


def start_folder(base: Path, value: str) -> str:
    """Return the folder to start in for a path field's value: the nearest existing one that contains it.

    Reads the disk: call it outside the event loop.
    """
    try:
        path = real_path(base / typed_path(value))
    except UnusablePath:
        return str(base)
    for folder in (path.parent if value else path, *path.parents):
        try:
            if folder.is_dir():
                return str(folder)
        except OSError:
            continue
    return str(base)
