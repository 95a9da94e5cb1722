"""API keys: who may use the API of this box, for which models and routes, and how much.

types    pure: a key, what it allows, what was used     quota    pure: requests a minute, tokens a day, at once
scope    pure: which models a key means                 secret   makes secrets, and what is kept of them
keyring  every key in memory, changes, use              store    the database behind it
"""
