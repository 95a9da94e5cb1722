"""Objects: large attachments that go up once and are then referred to by requests, for a short while.

types    pure: an object, its limits, what can be wrong with one     sniff    pure: what a file is, by its first bytes
ledger   pure: who may use which object how often, and the room      form     pure: the file inside a form, as it comes
tally    pure: what became of them, in numbers                       spool    one file without a name
store    the adapter: takes in, lends, forgets
"""
