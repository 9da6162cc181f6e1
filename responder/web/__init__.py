"""Door: webhooks, the API for people and scripts, health and metrics."""
