"""The box: everything behind the pages.

Data flows one way. Adapters post Events to the run loop; `node.reduce` folds them into a Snapshot; `node.decide`
derives from it what is served, the routing table, known troubles and the Commands that adapters carry out.

main        composition root            api         management JSON and event stream of :3131
serve       both web servers, draining  proxy       the OpenAI-compatible API of :9337
run_loop    events in, commands out     supervisor  engine processes
node        pure: state and decisions   routing     pure: which model answers a request
models      files and what they hold    hardware    what this machine has
settings    what the owner wants        storage     SQLite and secrets
"""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("meshbox")
except PackageNotFoundError:
    __version__ = "0.1.0"
