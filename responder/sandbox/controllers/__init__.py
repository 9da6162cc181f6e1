"""As much of Kubernetes' controllers as makes replicas and bounds have an effect."""
