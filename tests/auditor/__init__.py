"""The auditor: watches the API server from outside and checks the promises on what it saw.

It shares no code with the responder: what it knows of asks, ledgers and baselines is written here
a second time, from the design alone.
"""
