"""The whole loop on a laptop: an API server, senders, alerts and an auditor, all simulated."""
