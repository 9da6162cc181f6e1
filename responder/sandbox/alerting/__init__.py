"""Alerting of the sandbox: the rules of Prometheus and the webhook of Alertmanager, in-process."""
