"""Random histories of the whole responder, in virtual time, judged by an auditor and a model."""
