"""A split of an endpoint's requests, percent by deployment: read, told to people, brought to another total."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

BEFORE_TAG = "aml-deploy-traffic-before"
"""A tag on the endpoint: the split before the last change, such as blue=90,green=10; a roll back goes to it."""

_SHARE = re.compile(r"^(?P<name>[A-Za-z][A-Za-z0-9-]*)=(?P<share>\d{1,3})%?$")


def parse(texts: Iterable[str]) -> dict[str, int]:
    """Percent by deployment, from texts such as `blue=90` or `blue=90%`; their total is for the caller to check.

    Raises ValueError, with a sentence for people, for what is no share and for a deployment that is named twice.
    """
    shares: dict[str, int] = {}
    for text in texts:
        found = _SHARE.match(text)
        if not found:
            raise ValueError(f"{text} is not a share of the traffic. Write DEPLOYMENT=PERCENT, such as blue=90.")
        if found["name"] in shares:
            raise ValueError(f"The deployment {found['name']} is named twice. Give it one share.")
        shares[found["name"]] = int(found["share"])
    return shares


def from_tag(tags: Mapping[str, str]) -> dict[str, int]:
    """The split that an endpoint remembers in its tags; empty where it remembers none, or nonsense."""
    try:
        return parse(part for part in str(tags.get(BEFORE_TAG) or "").split(",") if part)
    except ValueError:
        return {}


def as_text(shares: Mapping[str, int]) -> str:
    """A split as it is typed: `blue=90,green=10`, by name and without those that get nothing."""
    return ",".join(f"{name}={share}" for name, share in sorted(shares.items()) if share)


def in_words(shares: Mapping[str, int], none: str = "no traffic", *, zeros: bool = False) -> str:
    """A split for people: `blue 90 %, green 10 %`; with `zeros`, those that get nothing are named too.

    `none` is what is said where nothing is sent anywhere.
    """
    return ", ".join(f"{name} {share} %" for name, share in shares.items() if share or zeros) or none


def largest_first(shares: Mapping[str, int]) -> dict[str, int]:
    """The same split, the largest share first; equal ones by name."""
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def serving(shares: Mapping[str, int]) -> dict[str, int]:
    """The split without those that get nothing."""
    return {name: int(share) for name, share in shares.items() if share}


def rescaled(shares: Mapping[str, int], total: int = 100) -> dict[str, int]:
    """The same proportions with another total; nothing when nothing is left, which Azure accepts too."""
    whole = sum(shares.values())
    if not whole:
        return {}
    scaled = {name: share * total // whole for name, share in shares.items()}
    first = max(scaled, key=lambda name: scaled[name])
    scaled[first] += total - sum(scaled.values())
    return scaled


def alongside(before: Mapping[str, int], name: str, share: int) -> dict[str, int]:
    """The split in which a deployment has a share and the others keep their proportions."""
    others = rescaled({other: percent for other, percent in before.items() if other != name}, 100 - share)
    return serving({**others, name: share})
