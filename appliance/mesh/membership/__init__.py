"""Who is in the mesh, what each box says of itself, and what follows from it. Pure: time and chance are arguments.

types       what comes out, what decides about trust, how long things take
wire        the messages, their limits, and what cannot be one
facts       what a node says of itself
bounding    the facts of this box, made acceptable to others
noticing    is a change worth telling
record      facts with the signature of their node
digest      what a box knows as a few sums, so that two can find out cheaply where they differ
outbox      what one step puts out
table       members, their states, and which claims about them are believed
rumours     news that still have to be passed on
health      is it the others who are slow, or this box
probing     asking one member a second whether it is there, through others when it is silent
suspicion   how long a silent member has before it is dead
standing    who is alive, doubted, dead or gone
syncing     comparing all that is known with one other box
watching    clients that are told of changes
announcing  when this box says something new of itself
parts       all of these together, and the moves that they share
talking     what every message does
membership  all of it as one machine: `receive`, `tick`, `next_wake`
follower    the same for a client, which only takes
demand      which models are wanted, counted once however often it is told
leases      who runs the head of a split
promotion   which model this box should start because nobody else does
views       peers for pages and routing

A node is alive because a record says so that it signed itself; others can only doubt it. So nobody revives the dead,
and nobody can claim a state with a number that its subject has never used.
"""
