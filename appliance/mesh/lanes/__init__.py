"""How boxes reach each other: QUIC for words, TLS over TCP for bulk, one port number, one identity for both.

lanes         both lanes in one hand: reach, ask, tell, visit, measure, end
limits        every bound in one place
trouble       why something did not work, for programs and for people (pure)

stream        one proved TLS connection: frames, bytes, or handed over to another protocol
purpose       what a TLS connection is for (pure)
proof         the handshake of `mesh.identity` carried over a stream
prover        handshakes out of what this box can show at the moment
contract      what the lanes ask of an identity
x509, tls     the certificate of the node key, and TLS 1.3 with it
listener      takes connections in and gives them to their handlers
dialler       dials one address, or goes through a connection that is there
connections   what is open with whom, so that it can be ended

quic/         the QUIC lane
exchange      questions, answers and notes
questions     what this end asked and was not answered yet
room          waiting until the other end has taken enough
visit         a conversation to be let in
mailbox       the same over TLS, where UDP does not pass

address       host and port (pure)
interfaces    the addresses that this machine has
candidates    which addresses are worth trying (pure)
race          all of them side by side
book          what worked, and why the others did not (pure)
punch         a member helps two others to open a way through their routers
relay         a member leads two others together

rtt, measure  how good a way is
choice        which lane follows from that (pure)
selftest      two boxes try each other's addresses
verdict       what that means, in words (pure)
"""
