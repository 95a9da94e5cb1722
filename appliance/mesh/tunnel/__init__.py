"""HTTP between two boxes: a connection of the TLS lane, opened for that, in the hands of those who speak it.

asking     a connection to another box, for the client of the data plane
answering  a connection of another box, for the server of the data plane

Nothing of this package stands in the way of the bytes afterwards. Who the other box is was proved before; when it may
no longer ask, the lane ends its connections, and with them what was being answered.
"""
