"""An embedded Kubernetes API server: the semantics that the responder relies on, and no more."""
