"""A story for the sandbox: who sends what, what goes wrong when, and what should come of it."""
