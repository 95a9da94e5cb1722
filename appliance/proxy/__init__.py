"""The OpenAI- and Anthropic-compatible API of :9337: a byte relay in front of the engines.

app         every route of the port, browser safety, 404 and 405        guard     pure: may a browser page call us
relay       one request: body, peek, route, second try, the books       endpoints pure: paths, abilities, error shapes
forward     to the engine and back, first bytes first                   events    pure: cuts a stream into whole events
upstream    HTTP/1.1 client with back-pressure; `pool` keeps its ways      peek      pure: model and stream of a body
intake      reads a request body within its limits                      errors    pure: every error, in either shape
listing     pure: the model list as clients read it                     meter     who waits for which engine, totals
deps        what all this needs from the box                            asgi      the few ASGI helpers
usage       pure: what an answer tells about its tokens                 gate      reads the key of a request
permit      what one request may do                                     spent     pure: what is booked on its key
gist        pure: what a body takes to be answered                      chooser   the route by name, or the best one
lines       who waits for which engine, who is at it                    usher     a request to its place at an engine
links       pure: addresses that an engine would fetch                  marking   marks for objects that a body names
attachments the objects of one request, put in on the way               objects   objects go up and away
own         the headers of an answer that are the box's own            batch     books many at once
access      the access log                                             ticket    what the books know of a request
direct/     the short way of plain requests, from one connection straight to the other
boxes/      requests that other boxes answer for this one, and those that this one answers for them
news/       the events that programs listen to
ollama/     the same API as programs made for Ollama know it, on a port of its own
"""
