"""An answer whose engine died in the middle is gone on with by another one, from the text that was already sent.

`kept` remembers what was sent, at little cost. Only when an engine dies is it read: `stream` says what the client has
and what to ask the next engine, one class for each kind of stream, and fits the further events to those sent before.
"""

from appliance.proxy.rescue.kept import Kept
from appliance.proxy.rescue.stream import Broken, CannotGoOn, broken_stream

__all__ = ["Broken", "CannotGoOn", "Kept", "broken_stream"]
