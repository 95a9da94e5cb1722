"""How boxes find each other. Nothing here leads into a mesh: it only says where one could knock.

record      what a box says of itself on its network, and what is made of what others say
nearby      the boxes around, as a list that changes
names       names as people read them
clashes     two boxes with one name, or one identity in two places
mdns        the announcing and the listening (zeroconf)
interfaces  the addresses of this machine
reach       why nobody can be seen, in words
typed       what a person writes into the field for an address
authorship  who wrote a listing
listing     what a mesh publishes of itself, and what is made of what others publish
directory   where listings are kept: what any such place can do
nostr       relays as such a place (nostr-sdk, when it is installed)
score       which published mesh suits this box best
named       meshes that are found by their name
publisher   which member publishes the listing, and when

Everything but `mdns`, `interfaces` and `nostr` is pure. What comes from elsewhere is a claim: it is bounded and made
plain here, and believed only after the handshake, which pins the id.
"""
