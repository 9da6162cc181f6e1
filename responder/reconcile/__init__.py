"""Conductor: brings the cluster to what the open incidents ask for, again and again."""
