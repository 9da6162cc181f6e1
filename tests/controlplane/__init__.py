"""A real Kubernetes control plane, as plain processes, for the tests (docs/development.md)."""
