"""Every metric of this program, with bounded labels."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BRAKE_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_CONFIRM_BUCKETS = (0.5, 1, 2, 5, 10, 15, 30, 60, 90, 120, 180, 300, 600, 1800)
_NOTICE_BUCKETS = (0.25, 0.5, 1, 2, 5, 10, 20, 30)


class Metrics:
    """The metrics of one running responder, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(f"responder_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
            return Gauge(f"responder_{name}", text, labels, registry=self.registry)

        self.brake_seconds = Histogram(
            "responder_brake_seconds",
            "From a notification's arrival to its last patch committed, by incident.",
            buckets=_BRAKE_BUCKETS,
            registry=self.registry,
        )
        self.confirm_seconds = Histogram(
            "responder_confirm_seconds",
            "From the decision to hold until the effect is seen, by turn of an incident.",
            buckets=_CONFIRM_BUCKETS,
            registry=self.registry,
        )
        self.not_confirmed = counter(
            "not_confirmed_total",
            "Brakes that have not taken hold within their deadline, by evidence; and those of "
            "which nothing can be known.",
            ("reason",),
        )
        self.unconfirmed = gauge(
            "incidents_unconfirmed",
            "Open incidents whose effect was to be seen by now, by why it is not confirmed.",
            ("reason",),
        )
        self.notifications = counter(
            "notifications_total", "Webhook calls, by sender and HTTP status.", ("sender", "status")
        )
        self.alerts = counter(
            "alerts_total",
            "Alerts received, by what became of them in each incident that they concern.",
            ("outcome",),
        )
        self.repeated = self.alerts.labels(outcome="repeated")
        self.incidents = gauge(
            "incidents", "Incidents that exist, by phase and playbook.", ("phase", "playbook")
        )
        self.writes = counter(
            "target_writes_total",
            "Patches of held objects, by kind and purpose.",
            ("kind", "purpose"),
        )
        self.findings = counter(
            "findings_total",
            "Odd things found on held objects: edits, alterations, ghosts. Each once.",
            ("kind", "finding"),
        )
        self.standing = gauge(
            "standing_findings",
            "What was found on held objects and still stands, e.g. holds that found no room.",
            ("kind", "finding"),
        )
        self.evidence = counter(
            "evidence_total",
            "Answers of Prometheus about open incidents; Unknown neither loosens nor escalates.",
            ("question", "truth"),
        )
        self.work_failures = counter(
            "work_failures_total", "Work that is tried again, by loop and error.", ("loop", "error")
        )
        self.without_target = gauge(
            "incidents_without_target", "Open incidents whose playbook found nothing to hold."
        )
        self.armed = gauge("armed", "0 while the switch keeps anything new from being held.")
        self.clock_skew = gauge(
            "clock_skew_seconds",
            "By how much the API server's clock differs from ours; beyond 5 nothing is loosened.",
        )
        self.past_review = gauge(
            "incidents_past_review", "Open incidents that a person should have looked at by now."
        )
        self.ghosts = gauge("ghost_holds", "Held objects whose incident vanished unfinished.")
        self.alertmanager_up = gauge(
            "alertmanager_up", "1 where its list of alerts was read.", ("alertmanager",)
        )
        self.inquiries = counter(
            "alertmanager_inquiries_total",
            "Times that the Alertmanagers were asked what fires, by how it ended.",
            ("outcome",),
        )
        self.lost_notifications = counter(
            "lost_notifications_total",
            "Alerts of which no notification came, found by asking and stored, by status.",
            ("status",),
        )
        self.alerts_unknown = gauge(
            "alerts_unknown", "Alerts of which no Alertmanager can say if they fire.", ("reason",)
        )
        self.alerts_quiet = gauge(
            "alerts_quiet", "Alerts of incidents that are silenced, inhibited or muted.", ("why",)
        )
        self.playbooks = gauge("playbooks", "Playbooks in force.")
        self.playbooks_valid = gauge(
            "playbooks_last_load_valid",
            "1 if the last look at the playbook files found no mistake; the last good set stays.",
        )
        self.notices_sent = counter(
            "notices_sent_total", "Messages that a destination of notices took.", ("destination",)
        )
        self.notices_failed = counter(
            "notices_failed_total",
            "Tries of such a message that failed; they are tried again.",
            ("destination", "outcome"),
        )
        self.notices_dropped = counter(
            "notices_dropped_total", "Notices that nobody will be told.", ("destination",)
        )
        self.notice_seconds = Histogram(
            "responder_notice_seconds",
            "How long one try of a message took.",
            ("destination",),
            buckets=_NOTICE_BUCKETS,
            registry=self.registry,
        )
        self.notify_file_valid = gauge(
            "notify_file_last_load_valid",
            "1 if the last look at the file of destinations found no mistake.",
        )
        self.cache_synced = gauge(
            "cache_synced", "1 where the watch of a resource is in sync.", ("resource", "namespace")
        )
