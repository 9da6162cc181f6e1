"""Tests of the incident resource and its state machine."""
