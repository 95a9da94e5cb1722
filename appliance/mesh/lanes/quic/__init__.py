"""The QUIC lane: one connection a pair for questions, answers and notes. The only package that knows aioquic.

insides    what aioquic does not tell and we have to know
settings   its configuration for both ends
answering  what the other end asked
incoming   what the other end is saying and did not finish yet
proving    both ends prove themselves
pulse      pings
endings    what an end means
surroundings  what all connections share
link       one connection: proof, questions, notes, its end
endpoint   one UDP socket for all connections of both directions
lane       one link a pair, dialled when it is needed
"""
