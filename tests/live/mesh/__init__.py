"""The lanes between processes in network namespaces of their own, with real routers and firewalls between them.

Needs root and `ip` and `iptables`; is left out without them.
"""
