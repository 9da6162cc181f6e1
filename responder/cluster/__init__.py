"""Hands: the only room that speaks to Kubernetes."""
