"""Senders of the sandbox: they send nothing, count everything, and read the hold document."""
