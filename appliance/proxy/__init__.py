"""The OpenAI- and Anthropic-compatible API of :9337: a byte relay in front of the engines.

app         every route of the port, browser safety, 404 and 405        guard     pure: may a browser page call us
relay       one request: body, peek, route, second try, the books       endpoints pure: paths, abilities, error shapes
forward     to the engine and back, first bytes first                   events    pure: cuts a stream into whole events
upstream    pooled HTTP/1.1 client with back-pressure                   peek      pure: model and stream of a body
intake      reads a request body within its limits                      errors    pure: every error, in either shape
listing     pure: the model list as clients read it                     meter     who waits for which engine, totals
deps        what all this needs from the box                            asgi      the few ASGI helpers
usage       pure: what an answer tells about its tokens                 gate      reads the key of a request
permit      what one request may do                                     spent     pure: what is booked on its key
gist        pure: what a body takes to be answered                      chooser   the route by name, or the best one
lines       who waits for which engine, who is at it                    usher     a request to its place at an engine
links       pure: addresses that an engine would fetch                  marking   marks for objects that a body names
attachments the objects of one request, put in on the way               objects   objects go up and away
news/       the events that programs listen to
ollama/     the same API as programs made for Ollama know it, on a port of its own
"""
