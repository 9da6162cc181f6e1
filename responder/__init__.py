"""Campaign Responder: an emergency brake for bulk e-mail on Kubernetes."""

__version__ = "0.1.0"
