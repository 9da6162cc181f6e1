"""Aliases: the words that a platform's alerts use for what playbooks call otherwise."""

from collections.abc import Mapping, Sequence


def with_aliases(
    labels: Mapping[str, str], aliases: Mapping[str, Sequence[str]]
) -> Mapping[str, str]:
    """Add to an alert's labels those that it has under another name.

    `aliases` maps a name to those it may stand under, best first, as in
    `{"campaign": ["campaign_id", "utm_campaign"]}`. A label that is there and not empty is never
    replaced; an empty one counts as missing. Aliases of aliases are not followed.
    """
    added = {
        name: value
        for name, sources in aliases.items()
        if not labels.get(name)
        and (value := next((labels[src] for src in sources if labels.get(src)), ""))
    }
    return {**labels, **added} if added else labels
