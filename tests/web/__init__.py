"""Tests of the door in front of incidents in memory."""
