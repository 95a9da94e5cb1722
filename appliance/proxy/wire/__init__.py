"""The API's own web server: HTTP/1.1 on a bare asyncio.Protocol, stricter than most, and short of way for streams.

    head      pure: the head of a request, or why it is refused
    body      pure: the body of a request, of a known length or in chunks
    answer    pure: the head of an answer, and how its body is framed
    turn      one request and its answer, as an ASGI application sees them
    connection  one client: what it sends is cut into turns
    listener  the port: limits, time limits, the end

An application gets a `Wire` among its scope's extensions: through it a stream goes from the engine's connection to the
client's without waking a task for each event.
"""
