"""Model files: what they are called, what they hold, which are here."""
