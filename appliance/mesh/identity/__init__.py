"""Who is who in a mesh, and who may do what. Everything here is pure but `store`: times and random bytes are arguments.

signing          one signature, one purpose: each begins with a word of its own
coding           bytes from others to bounded values, and nothing else than `Malformed` on garbage
frames           length-prefixed frames on a byte stream
certificate      what a member holds: its key, its rights, who let it in; with the chain up to the mesh key
issuing          letting in, renewing
verifying        is this chain good, now, for this mesh
anchor           the public mesh keys, one a generation; rotation records
revocation       signed removals and bans
standing         which removals count, and what follows for a certificate
roster           all members and removals, merged from anywhere in any order
hearing          records that others pass on: verified, then known
removing         what a removal keeps and upholds
rotating         a new mesh key and certificates under it
returning        a new certificate for a member that was away
gate             all of that as the one question of the handshake: is this certificate good now?
messages         what is said before two boxes trust each other
handshake        both ends of that, carried by either lane
tls_certificate  the self-signed X.509 by which TLS proves a node key
tokens           invitations as one line of text
invites          the invitations of this box and who used them
pairing          asking to join without an invitation: six digits that nobody in between can choose
joining          the conversation of a box that joins or comes back
belonging        to which mesh this box belongs, and by what right
owners           whose boxes are trusted
store            keeps keys, roster and invitations in files

Rules that are decided here
- A mesh is named by the hash of its first mesh key. Its holder signs certificates; a member that may invite signs for
  others, at most three boxes deep, never for longer and never for more than it may itself.
- A serial is the number of an admission: a renewal keeps it, so that a removal meets every renewal of it. Who is
  invited anew gets a new one.
- A removal takes the certificates that its subject gave with it, but for those which the remover knew at that moment:
  it names them. No date decides that, because whoever signs can date back.
- Removals by a removed member go on when its remover upheld them, or when its remover stands no nearer to the mesh
  key. Two members that remove each other are both out; the holder of the mesh key has the last word.
- A rotation comes with new certificates for all members, present or not: who comes back later asks any member for its
  own. A certificate under an older key is worth that question and nothing else, and only when the roster knows its
  serial.
"""
