"""Alertmanager's webhook, version 4: one bad alert never drops its neighbours.

What the body says twice (`groupLabels`, `commonLabels`, `commonAnnotations`) and keys of later
versions are not read; `groupKey` is opaque, as it changes with the routing configuration.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from responder.alerts.timestamps import RFC3339_PATTERN, ZERO_TIME, rfc3339_to_ns
from responder.alerts.unreadable import (
    BadNotification,
    alerts_of,
    as_json,
    none_is_right,
    parse_object,
    problems_of,
    shorten,
)
from responder.errors import Problem

__all__ = [
    "Alert",
    "BadNotification",
    "Notification",
    "Reading",
    "RejectedAlert",
    "read_alertmanager",
]


MOST_ALERTS: Final = 20_000
"""Of one body that has to be judged piece by piece: a second's work, and not a minute's."""
_MOST_EXPLAINED: Final = 100


class _Sent(BaseModel):
    """Something that a sender says: unknown keys are the future's."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        validate_by_alias=True,
        validate_by_name=True,
    )


class Alert(_Sent):
    """One alert. Its identity is the fingerprint, an occurrence is (fingerprint, starts_at)."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str] = Field(min_length=1)
    """Never empty: without labels, nothing could tell what the alert is about."""
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: Annotated[str, StringConstraints(pattern=RFC3339_PATTERN)]
    """As sent: a time of RFC 3339 with up to nine digits after the point, often more than six."""
    ends_at: str = ZERO_TIME
    """As sent and unchecked: while it fires, Alertmanager sends Go's zero time."""
    generator_url: str = Field(default="", alias="generatorURL")
    fingerprint: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]

    @property
    def starts_at_ns(self) -> int:
        """Nanoseconds since 1970, to compare by: offsets and trailing zeros vary by sender."""
        return rfc3339_to_ns(self.starts_at)


class _Envelope(_Sent):
    """What stands around the alerts."""

    version: Literal["4"]
    receiver: str
    r"""As sent, quoted for a regular expression: `a.b` arrives as `a\.b`."""
    status: Literal["firing", "resolved"]
    group_key: str
    truncated_alerts: int = Field(default=0, ge=0, lt=2**64)
    """How many more alerts there are that `max_alerts` of the receiver left out."""
    external_url: str = Field(default="", alias="externalURL")


class Notification(_Envelope):
    """One webhook call. Firing and resolved alerts come mixed: act on each alert's own status."""

    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class RejectedAlert:
    """An alert that can't be acted on, at this index of the body; at least one problem."""

    index: int
    fingerprint: str
    """As sent, shortened; empty where it is missing or no text."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A body, read: what can be acted on, and what had to be left out."""

    notification: Notification
    rejected: tuple[RejectedAlert, ...] = ()


def read_alertmanager(body: bytes) -> Reading:
    """Read the body of Alertmanager's webhook; at least one alert of it is good.

    Raises:
        BadNotification: it could never be accepted, however often it is sent: no JSON, a custom
            `payload`, another sender's or version's body, or not one alert that is right.

    """
    try:
        notification = Notification.model_validate_json(body)
    except ValidationError:
        return _read_piecewise(body)
    if not notification.alerts:
        raise none_is_right(())
    return Reading(notification)


def _read_piecewise(body: bytes) -> Reading:
    """Judge each part by itself, as something is wrong with the whole: perhaps one alert only."""
    document = parse_object(body)
    sent = alerts_of(document)
    if len(sent) > MOST_ALERTS:
        told = f"holds {len(sent)} alerts, and {MOST_ALERTS} are the most that are read"
        fix = "set `max_alerts` of the receiver, or group by more labels"
        raise BadNotification([Problem(told, field="alerts", fix=fix)])
    envelope = _envelope(document)
    alerts: list[Alert] = []
    rejected: list[RejectedAlert] = []
    for index, given in enumerate(sent):
        try:
            alerts.append(Alert.model_validate_json(as_json(given)))
        except ValidationError as error:
            within = f"alerts[{index}]"
            problems: tuple[Problem, ...] = (Problem("can't be read either", field=within),)
            if len(rejected) < _MOST_EXPLAINED:
                problems = problems_of(error, within=within)
            rejected.append(RejectedAlert(index, _fingerprint(given), problems))
    if not alerts:
        raise none_is_right(problem for alert in rejected for problem in alert.problems)
    return Reading(Notification(alerts=tuple(alerts), **dict(envelope)), tuple(rejected))


def _envelope(document: dict[str, object]) -> _Envelope:
    aliases = [field.alias or "" for field in _Envelope.model_fields.values()]
    known = {alias: document[alias] for alias in aliases if alias in document}
    try:
        return _Envelope.model_validate_json(as_json(known))
    except ValidationError as error:
        raise BadNotification(problems_of(error)) from None


def _fingerprint(alert: object) -> str:
    sent = alert.get("fingerprint") if isinstance(alert, dict) else None
    return shorten(sent) if isinstance(sent, str) else ""
