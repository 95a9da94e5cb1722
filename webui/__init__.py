"""The pages of :3131.

app        puts pages, management API, static files and the chat's relay together
security   what every request and answer passes: host, origin, login, headers
views      pure: the snapshot as view models     render   templates and their blocks
live       one stream a page: blocks that changed  charts    pure: charts as SVG
pages/     one handler file a page               templates/, static/
"""
