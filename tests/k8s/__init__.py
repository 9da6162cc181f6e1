"""What `k8s/` and `rules/alerts/` ship does on a real API server and in real Prometheus rules."""
