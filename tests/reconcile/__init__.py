"""Tests of the conductor's rooms that need no API server."""
