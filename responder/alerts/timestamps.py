"""Instants as the senders write them: RFC 3339 with nanoseconds, which `datetime` would lose.

An occurrence of an alert is told from the next by its start time alone, so no digit may go.
"""

import re
from typing import Final

from responder.errors import BadInput, Problem

ZERO_TIME: Final = "0001-01-01T00:00:00Z"
"""Go's zero time: how Alertmanager writes `endsAt` while an alert fires."""

_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = (
    "(?:[0-9]{4}-(?:"
    "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP_YEAR}-02-29)"
)
_HOUR_MINUTE = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
RFC3339_PATTERN: Final = (
    f"^{_DATE}T{_HOUR_MINUTE}:[0-5][0-9](?:[.][0-9]+)?(?:Z|[+-]{_HOUR_MINUTE})$"
)
r"""Exactly the texts that `rfc3339_to_ns` reads, calendar included.

It is a pattern, so that a model can check a time while it parses, without a call into Python.
Leap seconds are refused, as in Go, whose senders never write one.
"""

_WHOLE = re.compile(RFC3339_PATTERN.removesuffix("$") + r"\Z")  # `$` allows a newline after it

_NS_PER_SECOND = 1_000_000_000
_SECONDS_PER_DAY = 86_400
_DAYS_PER_ERA = 146_097  # 400 years
_YEARS_PER_ERA = 400
_EPOCH_DAYS = 719_468  # from 1 March of year 0 to 1 January 1970
_MARCH = 3
_QUOTED_CHARACTERS = 60

_FIRST_NS: Final = -62_167_219_200 * _NS_PER_SECOND
_LAST_NS: Final = 253_402_300_800 * _NS_PER_SECOND - 1
"""The years 0000 to 9999 in UTC: what RFC 3339 can write."""


def rfc3339_to_ns(text: str) -> int:
    """Nanoseconds since 1970-01-01T00:00:00Z; digits beyond nanoseconds are cut off, as in Go.

    An offset can carry a time some hours out of the years 0000 to 9999: the result is then the
    nearest instant within, so that whatever is read here can be written again.

    Raises:
        BadInput: not a time of RFC 3339.

    """
    if _WHOLE.match(text) is None:
        shown = text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}..."
        raise BadInput([Problem(f"{shown!r} is not a time", fix=f"write it as {ZERO_TIME}")])
    # The pattern fixes the width of every part but the fraction: slices are enough from here on.
    days = _days(year=int(text[:4]), month=int(text[5:7]), day=int(text[8:10]))
    seconds = days * _SECONDS_PER_DAY
    seconds += int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
    if text.endswith("Z"):
        fraction = text[20:-1]
    else:
        fraction = text[20:-6]
        offset = int(text[-5:-3]) * 3600 + int(text[-2:]) * 60
        seconds += offset if text[-6] == "-" else -offset
    nanoseconds = int(fraction[:9].ljust(9, "0")) if fraction else 0
    return min(max(seconds * _NS_PER_SECOND + nanoseconds, _FIRST_NS), _LAST_NS)


def ns_to_rfc3339(ns: int) -> str:
    """The instant in UTC as Go's RFC3339Nano writes it: no trailing zeros in the fraction.

    Raises:
        ValueError: outside the years 0000 to 9999.

    """
    if not _FIRST_NS <= ns <= _LAST_NS:
        raise ValueError(f"{ns} ns is outside the years 0000 to 9999")
    seconds, nanoseconds = divmod(ns, _NS_PER_SECOND)
    days, seconds = divmod(seconds, _SECONDS_PER_DAY)
    year, month, day = _civil(days)
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return (
        f"{year:04d}-{month:02d}-{day:02d}"
        f"T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}Z"
    )


def _days(*, year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, by Howard Hinnant's `days_from_civil`: `datetime` has no year 0."""
    year -= month < _MARCH
    era, year_of_era = divmod(year, _YEARS_PER_ERA)
    day_of_year = (153 * ((month - _MARCH) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * _DAYS_PER_ERA + day_of_era - _EPOCH_DAYS


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day: the inverse, Hinnant's `civil_from_days`."""
    era, day_of_era = divmod(days + _EPOCH_DAYS, _DAYS_PER_ERA)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = (shifted_month + 2) % 12 + 1
    return era * _YEARS_PER_ERA + year_of_era + (month < _MARCH), month, day
