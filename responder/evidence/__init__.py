"""Ears: what Prometheus measures and what Alertmanager still fires, asked when it is needed."""
