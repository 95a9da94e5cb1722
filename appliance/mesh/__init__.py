"""The boxes that work together, as this box sees them.

types   peers, what they have and serve, and the links between them (pure)
plain   texts and numbers of other boxes made harmless (pure)
"""
