"""Clients that people use and that we do not: they live in an environment of their own, with versions of their own."""
