"""Notices: people are told, wherever they are, at the moments that matter.

A notice leaves the responder; a notification, everywhere else in this program, comes in.
"""
