"""Memory: the incident resource and its pure state machine."""
