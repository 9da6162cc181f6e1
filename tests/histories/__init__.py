"""Random histories of the whole responder in virtual time, judged by a model and the auditor."""
