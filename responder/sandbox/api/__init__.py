"""A small Kubernetes API server for a laptop: the semantics that the responder relies on.

It is held to a real kube-apiserver by one suite of tests that runs against both.
"""
