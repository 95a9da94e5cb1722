"""The boxes that work together, as this box sees them.

types   peers, what they have and serve, and the links between them (pure)
tunnel  connections on which one box asks another over HTTP
membership  who is there, what each box says of itself, and what follows from it (pure)
service  one box's part in it: joining, gossip, removals, what a person decides
plain   texts and numbers of other boxes made harmless (pure)
"""
