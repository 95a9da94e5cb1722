"""The API as programs for Ollama know it, on a port of its own: translated into requests of :9337 and back.

app       the routes of the port                        bridge    one request through the relay, and its answer
shapes    pure: what programs send                      chunks    pure: what engines answer
asking    pure: a request for the relay                 telling   an answer in Ollama's words
messages  pure: a conversation                          lines     pure: a stream of events, line by line
options   pure: parameters, and which mean nothing      shelf     pure: the models, as such programs list them
door      opens and closes the port with its setting
"""
