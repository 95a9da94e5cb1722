"""`GET /events`: what programs are told of the state of models, and of their own requests.

told      pure: events from what changed      listener  what one client has not been told yet
hub       everybody who listens               stream    one client's stream
"""
