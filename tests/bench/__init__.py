"""How fast the web side is: `make bench`, or `python -m tests.bench [name…]`. No test: it measures and tells.

world      the box that is measured: large, busy and with something wrong everywhere
pages      time of each page in the box              tabs      what open pages cost while the hardware is read
latency    from an event to the eye                  login     whether hashing a password holds others up
startup    what is imported before anything runs
"""
