"""When which group of alerts is told, as Alertmanager decides it: pure, `now` comes in."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from responder.sandbox.alerting.samples import Labels
from responder.sandbox.alerting.webhook import SentAlert


@dataclass(frozen=True, slots=True)
class Routing:
    """How alerts are grouped and how often a group is told; in real seconds."""

    group_by: tuple[str, ...] = ("alertname", "campaign")
    group_wait_seconds: float = 10.0
    group_interval_seconds: float = 60.0
    repeat_interval_seconds: float = 4 * 3600.0
    send_resolved: bool = True

    def scaled(self, *, speed: float) -> "Routing":
        """Shorten every interval by the factor."""
        return replace(
            self,
            group_wait_seconds=self.group_wait_seconds / speed,
            group_interval_seconds=self.group_interval_seconds / speed,
            repeat_interval_seconds=self.repeat_interval_seconds / speed,
        )


@dataclass(slots=True)
class AlertGroup:
    """Alerts that are told together."""

    labels: Labels
    due_ns: int
    alerts: dict[Labels, SentAlert] = field(default_factory=dict)
    told_firing: frozenset[Labels] = frozenset()
    told_resolved: frozenset[Labels] = frozenset()
    told_at_ns: int | None = None
    is_being_told: bool = False
    """One flush of a group at a time: an older one must never arrive after a newer."""


@dataclass(frozen=True, slots=True)
class Flush:
    """What is to be told of a group now, as it stood when that was decided."""

    group: Labels
    alerts: tuple[SentAlert, ...]
    at_ns: int
    deadline_ns: int
    """Tries end here: the group's next turn comes."""


class Groups:
    """All groups of alerts."""

    def __init__(self, routing: Routing) -> None:
        self.routing = routing
        self._groups: dict[Labels, AlertGroup] = {}

    def add(self, alert: SentAlert, *, now_ns: int) -> None:
        """Take what somebody says about an alert; of an unknown one that is over, nothing."""
        key = tuple(pair for pair in alert.labels if pair[0] in self.routing.group_by)
        group = self._groups.get(key)
        before = group.alerts.get(alert.labels) if group else None
        if before is None and alert.is_resolved(now_ns):
            return
        if group is None:
            due = now_ns + _ns(self.routing.group_wait_seconds)
            group = self._groups[key] = AlertGroup(key, due)
        if before is not None and not before.is_resolved(now_ns):
            # The same occurrence goes on: it began when it was first said to.
            alert = replace(alert, starts_at_ns=min(before.starts_at_ns, alert.starts_at_ns))
        group.alerts[alert.labels] = alert

    @property
    def next_due_ns(self) -> int | None:
        """When there is something to decide."""
        waiting = (group.due_ns for group in self._groups.values() if not group.is_being_told)
        return min(waiting, default=None)

    def due(self, *, now_ns: int) -> list[Flush]:
        """Give what is to be told now; each group's next turn is a group interval away."""
        flushes = []
        for group in list(self._groups.values()):
            if group.due_ns > now_ns or group.is_being_told:
                continue
            group.due_ns = now_ns + _ns(self.routing.group_interval_seconds)
            alerts = tuple(sorted(group.alerts.values(), key=lambda alert: alert.labels))
            if self._is_news(group, now_ns):
                group.is_being_told = True
                told = self._told(alerts, now_ns)
                flushes.append(Flush(group.labels, told, now_ns, group.due_ns))
            else:
                self._forget_resolved(group, alerts, now_ns)
        return flushes

    def told(self, flush: Flush, *, arrived: bool) -> None:
        """Note how a flush ended: alerts that were told to be over are forgotten."""
        group = self._groups[flush.group]
        group.is_being_told = False
        if not arrived:
            return
        over = [alert for alert in flush.alerts if alert.is_resolved(flush.at_ns)]
        group.told_resolved = frozenset(alert.labels for alert in over)
        group.told_firing = frozenset(alert.labels for alert in flush.alerts) - group.told_resolved
        group.told_at_ns = flush.at_ns
        self._forget_resolved(group, tuple(over), flush.at_ns)

    def open_alerts(self, *, now_ns: int) -> Iterator[SentAlert]:
        """Give every alert that fires."""
        for group in self._groups.values():
            for alert in group.alerts.values():
                if not alert.is_resolved(now_ns):
                    yield alert

    def _told(self, alerts: tuple[SentAlert, ...], now_ns: int) -> tuple[SentAlert, ...]:
        if self.routing.send_resolved:
            return alerts
        return tuple(alert for alert in alerts if not alert.is_resolved(now_ns))

    def _is_news(self, group: AlertGroup, now_ns: int) -> bool:
        over = {key for key, alert in group.alerts.items() if alert.is_resolved(now_ns)}
        firing = group.alerts.keys() - over
        if group.told_at_ns is None:
            return bool(firing)
        if firing - group.told_firing:
            return True
        if not firing:
            return self.routing.send_resolved and bool(group.told_firing and over)
        if self.routing.send_resolved and over - group.told_resolved:
            return True
        return now_ns - group.told_at_ns >= _ns(self.routing.repeat_interval_seconds)

    def _forget_resolved(
        self, group: AlertGroup, alerts: tuple[SentAlert, ...], now_ns: int
    ) -> None:
        for alert in alerts:
            # One that was said to fire again meanwhile stays.
            if alert.is_resolved(now_ns) and group.alerts.get(alert.labels) == alert:
                del group.alerts[alert.labels]
        if not group.alerts:
            del self._groups[group.labels]


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000_000)
