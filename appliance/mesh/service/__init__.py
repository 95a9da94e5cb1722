"""One box's part in the mesh, put together out of identity, lanes and membership.

setup     what the service is told when it is made (plain)
outcome   why something was not done, as data (plain)
papers    what this box knows of its mesh and who may be in it, in memory
notices   removals, certificates and new mesh keys as items that everybody has to know
keeping   the same on disk, and where others were found last
driving   the membership machine with a real clock and real connections
rounds    everything that follows when the papers changed
visitors  the question `join`: answers who wants in or comes back
visiting  asks that question at other boxes: by token, or again for a certificate
pairing   asks to be let in by an address; both sides compare six digits
renewing  a new certificate: in time, or when another box does not take the one that is shown
owning    what a person decides: invitations, requests, removals, a new mesh key
viewing   peers and links as plain values
service   all of it as one thing that starts, listens and stops
"""
