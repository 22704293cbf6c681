"""Traffic splits (percent by deployment): parse, format and rescale them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

BEFORE_TAG = "aml-deploy-traffic-before"
"""The endpoint tag with the split before the last change, such as blue=90,green=10; a roll back restores it."""

_SHARE = re.compile(r"^(?P<name>[A-Za-z][A-Za-z0-9-]*)=(?P<share>\d{1,3})%?$")


def parse(texts: Iterable[str]) -> dict[str, int]:
    """Parse texts such as `blue=90` or `blue=90%` into percent by deployment; the caller checks the total.

    Raises ValueError, with a sentence to show, for an invalid share and for a deployment that is named twice.
    """
    shares: dict[str, int] = {}
    for text in texts:
        found = _SHARE.match(text)
        if not found:
            raise ValueError(f"{text} is not a valid share of the traffic. Use DEPLOYMENT=PERCENT, such as blue=90.")
        if found["name"] in shares:
            raise ValueError(f"The deployment {found['name']} appears twice. Give it one share.")
        shares[found["name"]] = int(found["share"])
    return shares


def from_tag(tags: Mapping[str, str]) -> dict[str, int]:
    """The previous split, stored in an endpoint's tags; empty if there is none or it is invalid."""
    try:
        return parse(part for part in str(tags.get(BEFORE_TAG) or "").split(",") if part)
    except ValueError:
        return {}


def as_text(shares: Mapping[str, int]) -> str:
    """A split in the form that `parse` reads: `blue=90,green=10`, by name, without zero shares."""
    return ",".join(f"{name}={share}" for name, share in sorted(shares.items()) if share)


def in_words(shares: Mapping[str, int], none: str = "no traffic", *, zeros: bool = False) -> str:
    """A split for display: `blue 90 %, green 10 %`; zero shares only with `zeros`.

    `none` is the text for an empty split.
    """
    return ", ".join(f"{name} {share} %" for name, share in shares.items() if share or zeros) or none


FULL, EMPTY = "█", "░"
LEAST_CELLS, MOST_CELLS = 4, 10


def blocks(share: int, cells: int = MOST_CELLS) -> str:
    """A share in percent as a bar: `███████░░░`; only none is empty, and only all is full."""
    filled = round(share * cells / 100)
    if 0 < share < 100:
        filled = min(max(filled, 1), cells - 1)
    return FULL * filled + EMPTY * (cells - filled)


def bars(shares: Mapping[str, int], width: int = 76) -> str:
    """A split as bars: `blue █████████░ 90 %  green █░░░░░░░░░ 10 %`; `in_words` where that needs more columns."""
    found = serving(shares)
    words = sum(len(f"{name}  {share} %") + 2 for name, share in found.items())
    cells = min((width - words + 2) // max(len(found), 1), MOST_CELLS)
    if not found or cells < LEAST_CELLS:
        return in_words(found)
    return "  ".join(f"{name} {blocks(share, cells)} {share} %" for name, share in found.items())


def largest_first(shares: Mapping[str, int]) -> dict[str, int]:
    """The same split, largest share first; equal shares by name."""
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def serving(shares: Mapping[str, int]) -> dict[str, int]:
    """The split without zero shares."""
    return {name: int(share) for name, share in shares.items() if share}


def rescaled(shares: Mapping[str, int], total: int = 100) -> dict[str, int]:
    """The same proportions with another total; empty if all shares are zero, which Azure accepts too."""
    whole = sum(shares.values())
    if not whole:
        return {}
    scaled = {name: share * total // whole for name, share in shares.items()}
    first = max(scaled, key=lambda name: scaled[name])
    scaled[first] += total - sum(scaled.values())
    return scaled


def alongside(before: Mapping[str, int], name: str, share: int) -> dict[str, int]:
    """The split that gives one deployment a share; the others keep their proportions."""
    others = rescaled({other: percent for other, percent in before.items() if other != name}, 100 - share)
    return serving({**others, name: share})
