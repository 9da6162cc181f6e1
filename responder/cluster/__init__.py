"""Hands: the only room that speaks to Kubernetes; every call ends in time, in an answer or a
failure that says whether it may have been carried out.
"""
