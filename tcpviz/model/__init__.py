"""TCP as values: what RFC 9293 says an endpoint must and may do, and nothing else.

Imports nothing of tcpviz but how values are declared. Knows no clock, no randomness, no peer and no application.
"""
