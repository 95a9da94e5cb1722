"""The deciding core, pure: events in, a Snapshot, and from it a Decision. No I/O, no clock, no chance.

events     what adapters report        reduce   Snapshot x Event -> Snapshot
commands   what adapters are told      decide   Snapshot -> Decision (serving, routes, issues, commands)
snapshot   what is                     issues/  one file per known trouble
"""
