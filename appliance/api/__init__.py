"""The management JSON and event stream of :3131.

access    claim and login              problems   errors as problem documents (RFC 9457)
status    pure: the status document    feed       its changes as a stream of events
routes    the JSON routes              metrics    numbers for Prometheus
requests  bodies of the routes         deps       what the routes need of the box
"""
