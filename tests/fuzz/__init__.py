"""What strangers send, made up by a fuzzer: `make fuzz`, `make fuzz NAMES=words SECONDS=600`.

Each target is one function that says what has to hold for any bytes. Beginnings, and what was found, lie in `corpus/`;
the unit tests replay them.
"""
