"""Ends the work of widgets before the first of them is removed.

Overrides `App._prune` of Textual 8.2.8, because of an observed behaviour: a widget's workers are cancelled after its
children are gone, so that one which looks up a child meanwhile fails, as when a step is left while its picker reads a
folder. No upstream report is known.
"""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.await_remove import AwaitRemove
from textual.dom import DOMNode
from textual.widget import Widget


class WorkEndsFirst(App[Any], inherit_bindings=False):
    """Mixin for applications: cancels the workers of widgets that are about to be removed, and of all inside them."""

    def _prune(self, *nodes: Widget, parent: DOMNode | None = None) -> AwaitRemove:
        for worker in list(self.workers):
            if not set(nodes).isdisjoint(worker.node.ancestors_with_self):
                worker.cancel()
        return super()._prune(*nodes, parent=parent)
