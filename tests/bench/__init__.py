"""How fast the box is: `make bench`, or `python -m tests.bench [name…]`. No test: it measures and tells.

world      the box that is measured: large, busy and with something wrong everywhere
pages      time of each page in the box              tabs      what open pages cost while the hardware is read
latency    from an event to the eye                  login     whether hashing a password holds others up
startup    what is imported before anything runs

headers    reading what a model file is              resolving    what a name means, and requests for that
fitting    whether models fit, as memory changes     loading      from the wish to ready, beside llama-server
waking     from a request to a sleeping model's      undisturbed  a model that answers while another loads
           first word, and what sleep gives back
engines    the box and the plain server that are     beside       a row with its ratio to a reference
           measured in these
"""
