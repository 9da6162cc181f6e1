"""An auditor that watches the API server from outside and checks the promises on its history.

It knows nothing of the responder's code, so that a mistake in that can't excuse itself here.
"""
