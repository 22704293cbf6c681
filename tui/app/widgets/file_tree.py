"""Files and folders as a tree: a folder is read in the background when it is opened, never before."""

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
from tui.app.text.cell_width import tail
from tui.app.widgets import folder_entries
from tui.app.widgets.folder_entries import Entry, Lister, Listing
from tui.app.widgets.help import Topic

TICK = 0.1  # seconds between looks at what the threads have brought
Node = TreeNode[Optional["Item"]]


@dataclass
class Item:
    """What a node stands for, and how far its folder has been read."""

    entry: Entry
    listing: Listing | None = None
    read: bool = False
    problem: str = ""
    orders: list[tuple[bool, str, str]] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)


class FileTree(Tree[Optional[Item]], inherit_bindings=False):
    """Enter takes what is marked; right opens a folder, left closes it or goes to the folder above.

    `takes` says what may be taken: "file", "folder" or "any". Each opened folder has a thread of its own; closing it
    ends that thread's work. The screen only looks, ten times a second, at what has come.
    """

    BINDINGS: ClassVar = [
        Binding("up", "cursor_up", "Up", show=False, id="files.up", tooltip="The line above."),
        Binding("down", "cursor_down", "Down", show=False, id="files.down", tooltip="The line below."),
        Binding("pageup", "page_up", "Page up", show=False, id="files.page_up", tooltip="A page up."),
        Binding("pagedown", "page_down", "Page down", show=False, id="files.page_down", tooltip="A page down."),
        Binding("home", "scroll_home", "First", show=False, id="files.first", tooltip="The first line."),
        Binding("end", "scroll_end", "Last", show=False, id="files.last", tooltip="The last line."),
        Binding("right,space", "open", "Open", show=False, id="files.open", tooltip="Open or close the folder."),
        Binding("left", "close", "Close", show=False, id="files.close", tooltip="Close it, or go to what it lies in."),
        Binding("enter", "take", "Take", show=False, id="files.take", tooltip="Take what is marked."),
    ]

    @dataclass
    class Taken(Message):
        """A file or folder was chosen."""

        path: str

    @dataclass
    class Said(Message):
        """What is being read, or was, or why what is marked cannot be taken: a line to show below the tree."""

        text: str

    class Above(Message):
        """The folder above the root is asked for."""

    @dataclass
    class Marked(Message):
        """Another line is marked."""

        entry: Entry

    def __init__(self, *, takes: str = "any", lister: Lister = folder_entries.scan, id: str | None = None) -> None:
        super().__init__("", id=id)
        self.takes = takes
        self.lister = lister
        self.auto_expand = False
        self.guide_depth = 2
        self._ticker: Timer | None = None
        self._said = ""

    # What is shown

    def look_into(self, folder: str) -> None:
        """Begin at a folder; what was being read is dropped."""
        self.stop()
        self.clear()
        entry = Entry(folder, folder, True)
        self.root.data = Item(entry)
        self.root.set_label(formatting.plain(folder))
        self._open(self.root)
        self.cursor_line = 0

    @property
    def folder(self) -> str:
        """Where it begins."""
        return self.root.data.entry.path if self.root.data else ""

    @property
    def marked(self) -> Entry | None:
        """What is under the cursor."""
        node = self.cursor_node
        return node.data.entry if node is not None and node.data is not None else None

    def stop(self) -> None:
        """Drop everything that is still being read."""
        for _, item in self._walk(self.root):
            if item.listing is not None:
                item.listing.cancel()
                item.listing = None
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _walk(self, node: Node) -> Iterator[tuple[Node, Item]]:
        """A node and all those below it, with what they stand for."""
        if node.data is not None:
            yield node, node.data
        for child in node.children:
            yield from self._walk(child)

    def process_label(self, label: Any) -> Text:
        """Names are text, never markup."""
        return label if isinstance(label, Text) else Text(str(label).split("\n")[0], no_wrap=True)

    def render_label(self, node: Node, base_style: Style, style: Style) -> Text:
        """`▸ folder`, `  file  12 kB`; what cannot be taken is dim."""
        item = node.data
        if item is None:
            return Text(str(node.label), style=style + Style(dim=True))
        entry = item.entry
        sign = ("▾ " if node.is_expanded else "▸ ") if entry.folder else "  "
        label = Text(sign, style=style)
        dim = Style(dim=True) if self.refusal(entry) and not entry.folder else Style()
        name = shown(entry.name)
        if node is self.root:  # the end of a long path tells more than its beginning
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
        """Why an entry cannot be taken, in a sentence; empty where it can."""
        if not entry.writable_name:
            return "Its name is not text in UTF-8, so a plan cannot hold it; rename it."
        if self.takes == "folder" and not entry.folder:
            return "A folder is wanted here; take the folder that the file lies in."
        if self.takes == "file" and entry.folder:
            return "A file is wanted here; open the folder."
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
            item.listing.cancel()  # it is read anew when it is opened again
            item.listing = None
            item.orders.clear()
            item.nodes.clear()
            node.remove_children()

    def _collect(self) -> None:
        """Show what has come; end when nothing more can come."""
        for node, item in list(self._walk(self.root)):
            self._take_from(node, item)
        first = next((item.listing for _, item in self._walk(self.root) if item.listing is not None), None)
        if first is not None:
            said = f"Reading {tail(shown(first.folder), 30)}: {formatting.count(first.found, 'entry', 'entries')}"
            said += ", looking at sizes" if first.named else ""
            self._say(f"▸ {said}, {formatting.running(first.seconds)}")
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
                node.add_leaf(f"… more than {folder_entries.MOST:,} entries: type the name into the field above")
            item.listing = None
        node.refresh()
        if marked is not None and marked is not self.root and self.cursor_node is not marked:
            self.call_after_refresh(self.move_cursor, marked)  # entries that come do not move what is marked

    # Keys

    def action_open(self) -> None:
        """Open the marked folder, or close it."""
        node = self.cursor_node
        if node is not None and node.data is not None and node.data.entry.folder:
            self._close(node) if node.is_expanded else self._open(node)

    def action_close(self) -> None:
        """Close the marked folder; else mark what it lies in; at the root, go above."""
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
        """Take what is marked, where it can be taken; a folder that cannot be is opened."""
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
        """A click marks, and opens a folder; it never takes."""
        await super()._on_click(event)
        self.action_open()

    def on_tree_node_selected(self, event: Tree.NodeSelected[Any]) -> None:
        """Textual's own selection means nothing here."""
        event.stop()

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Any]) -> None:
        """Tell which entry is marked."""
        event.stop()
        item = event.node.data
        if isinstance(item, Item):
            self.post_message(self.Marked(item.entry))

    def topic(self) -> Topic:
        """Help for the tree."""
        wanted = {"file": "file", "folder": "folder"}.get(self.takes, "file or folder")
        entry = self.marked
        return Topic(
            "Files",
            f"Enter takes the marked {wanted}. Right opens a folder, left closes it and goes up; Esc leaves.",
            "A folder is read when it is opened, in the background: a slow mount delays only its own entries.",
            value=entry.path if entry else "",
        )


def shown(name: str) -> str:
    """A name as text for the screen: without control characters, with `?` for what is no text."""
    return formatting.plain(name.encode("utf-8", "replace").decode())


def start_folder(base: Path, value: str) -> str:
    """Where to begin for a value of a path field: the folder it lies in, the nearest that is there. Looks at the
    disk: call it away from the screen's loop."""
    path = (base / Path(value).expanduser()) if value else base
    path = path.resolve()
    for folder in (path.parent if value else path, *path.parents):
        try:
            if folder.is_dir():
                return str(folder)
        except OSError:
            continue
    return str(base)
