"""The short way of what nearly all requests are: whole when they come, for a model that is ready, with a place free.

Such a request goes to an idle connection of its engine from within the client's `data_received`, and its answer back
from within the engine's: no task, no future, no application in between. Everything that is decided on the way is
decided by the same functions as on the long one. Whatever is out of the ordinary goes on there, from where it stands.

    opening  the head of a request that comes again and again, read once      heading  the same for an engine's answers
    way      whether a request can take the short way                        errand   one request on it
    line     what the short way needs of a client's connection
"""
