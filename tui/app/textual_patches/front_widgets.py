"""Renders only the widgets that show in what is to be drawn again, and only their rows there.

Overrides `Compositor.render_partial_update`, `Screen.focused` and `Screen._compositor_refresh` of Textual 8.2.8,
because of observed behaviours: for one letter in a field, all widgets between the highest and the lowest row that
changed are rendered, those behind others too; whenever the focus moves, the whole screen is; and so it is once for
nothing before the application may write. No upstream report is known.
"""

from __future__ import annotations

from typing import Any, cast

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.reactive import Reactive
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget


class FrontWidgets:
    """Mixin for screens: they are put together by `FrontCompositor`, and not drawn again for another focus.

    The widgets that lose and get the focus are drawn again anyway.
    """

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compositor: Compositor = FrontCompositor()

    def _compositor_refresh(self: Any) -> None:
        if self.app._is_mounted:
            Screen._compositor_refresh(self)


class FrontCompositor(Compositor):
    """Takes each part of a row from the widget in front, and asks no other for it."""

    def render_partial_update(self) -> ChopsUpdate | None:
        regions = set(self._dirty_regions)
        self._dirty_regions.clear()
        cuts = self.cuts
        spans = [span for span in self._regions_to_spans(regions) if 0 <= span[0] < len(cuts)]
        if not spans:
            return None
        chops: list[dict[int, Strip | None]] = [dict.fromkeys(cut[:-1]) for cut in cuts]
        missing: dict[int, set[int]] = {}
        for y, begin, stop in spans:
            parts = (x for x, end in zip(cuts[y], cuts[y][1:]) if x < stop and end > begin)
            missing.setdefault(y, set()).update(parts)
        for widget, (region, clip) in self.visible_widgets.items():  # the one in front comes first
            shown = region.intersection(clip)
            rows = [y for y in shown.line_range if any(shown.x <= x < shown.right for x in missing.get(y, ()))]
            if not rows:
                continue
            top = rows[0]
            area = Region(shown.x - region.x, top - region.y, shown.width, rows[-1] + 1 - top)
            strips = widget.render_lines(area)
            for y in rows:
                inside = [cut for cut in cuts[y] if shown.x <= cut <= shown.right]
                parts_of_row = strips[y - top].divide([cut - shown.x for cut in inside[1:]])
                for x, strip in zip(inside, parts_of_row):
                    if x in missing[y]:
                        chops[y][x] = strip
                        missing[y].remove(x)
        return ChopsUpdate(cast("Any", chops), spans, [cut[1:] for cut in cuts])
