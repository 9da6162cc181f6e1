"""One message about many incidents: nobody reads five hundred at 3 am. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from responder.notices.facts import HEADLINES, Facts, link_to, sound
from responder.notices.moments import Moment

_FIRST_OF_GROUP: Final = 3
_MOST_GROUPS: Final = 12


def digest_of(
    told_facts: Iterable[Facts],
    beyond: Counter[tuple[str, str]],
    *,
    seconds: float,
    namespace: str,
    link: str = "",
) -> Facts:
    """Give the facts of one message about many incidents: how many of each, with the first few."""
    groups: dict[tuple[str, str], list[Facts]] = {}
    for facts in told_facts:
        groups.setdefault((facts["playbook"], facts["moment"]), []).append(facts)
    counts = Counter({key: len(found) for key, found in groups.items()}) + beyond
    place = {str(moment): number for number, moment in enumerate(Moment)}
    ordered = sorted(counts, key=lambda key: (place.get(key[1], len(place)), -counts[key], key))
    return {
        "count": sum(counts.values()),
        "seconds": str(max(1, round(seconds))),
        "groups": [
            {
                "playbook": playbook,
                "moment": moment,
                "headline": HEADLINES[Moment(moment)],
                "total": counts[playbook, moment],
                "first": [
                    {"name": facts["name"], "labels": facts["labels"]}
                    for facts in groups.get((playbook, moment), [])[:_FIRST_OF_GROUP]
                ],
            }
            for playbook, moment in ordered[:_MOST_GROUPS]
        ],
        "more_groups": len(ordered[_MOST_GROUPS:]),
        "command_does": "Look at all of them",
        "command": f"responder incidents list --namespace {sound(namespace)}",
        "link": link_to(None, link),
    }
