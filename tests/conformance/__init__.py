"""What others have written to talk to an engine runs against the box: the engine's own tests of its server, and the
clients that people use.

The engine's tests run twice, on the engine itself (`direct`) and on the API in front of it (`through`): what passes
direct has to pass through. They start a program, stop it, start it with other arguments; in its place they get
`stand_in.py`, which becomes the engine or asks the nursery for one with the API before it.
"""
