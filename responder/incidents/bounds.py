"""What strangers say, cut to what one incident can store: 200 alerts in well under etcd's 1.5 MB.

What is cut is for people to read. What decides (who says it, which labels tell incidents apart)
keeps a hash of what was cut, so that two texts that differ stay different.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from responder.alerts.timestamps import ns_to_rfc3339, rfc3339_to_ns
from responder.errors import BadInput

MOST_ALERTS: Final = 200
MOST_SENDERS: Final = 6
MOST_TEXT_CHARACTERS: Final = 1024
MOST_TIME_CHARACTERS: Final = 64

_MOST_SENDER_BYTES: Final = 128
_MOST_SUMMARY_BYTES: Final = 512
_MOST_LABELS_BYTES: Final = 1024
_FIRST_LABELS: Final = ("alertname", "severity")
_HASH_DIGITS: Final = 16


def stored_bytes(text: str) -> int:
    r"""Bound the bytes that a text takes in a request and in etcd: Go also escapes <, > and &."""
    return len(json.dumps(text)) + 5 * sum(map(text.count, "<>&"))


def clip(text: str, *, most_bytes: int) -> str:
    """Give as much of a text's beginning as takes no more bytes than that."""
    if stored_bytes(text) <= most_bytes:
        return text
    fits, breaks = 0, min(len(text), most_bytes)
    while breaks - fits > 1:
        middle = (fits + breaks) // 2
        if stored_bytes(text[:middle]) <= most_bytes:
            fits = middle
        else:
            breaks = middle
    return text[:fits]


def recognisable(text: str, *, most_characters: int) -> str:
    """Give a text as it is or, where it is too long, its beginning and a hash of all of it."""
    if len(text) <= most_characters:
        return text
    return f"{text[: most_characters - _HASH_DIGITS - 1]}~{_hash(text)}"


def sender_name(text: str) -> str:
    """Name a sender so that it is known again, however long its name is."""
    if stored_bytes(text) <= _MOST_SENDER_BYTES:
        return text
    return f"{clip(text, most_bytes=_MOST_SENDER_BYTES - _HASH_DIGITS - 1)}~{_hash(text)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_DIGITS]


def kept_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Give the labels that are kept to be shown: what names the alert first, as far as they fit."""
    kept: dict[str, str] = {}
    room = _MOST_LABELS_BYTES
    for name in (*_FIRST_LABELS, *sorted(labels.keys() - set(_FIRST_LABELS))):
        if name not in labels:
            continue
        left = room - stored_bytes(name)
        value = clip(labels[name], most_bytes=min(left, _MOST_LABELS_BYTES // 4))
        if left < stored_bytes(value) or (labels[name] and not value):
            continue
        kept[name] = value
        room = left - stored_bytes(value)
    return kept


def kept_summary(text: str) -> str:
    return clip(text, most_bytes=_MOST_SUMMARY_BYTES)


def kept_time(sent: str) -> str:
    """Give a time as it was sent; one of very many digits to the nanosecond; "" if it is none."""
    if len(sent) <= MOST_TIME_CHARACTERS:
        return sent
    try:
        return ns_to_rfc3339(rfc3339_to_ns(sent))
    except BadInput:
        return ""
