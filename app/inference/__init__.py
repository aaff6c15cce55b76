"""Model inference: the providers' wire dialects behind one canonical request and event stream.

It also holds what decides which provider answers a request, and with which credentials.
"""
