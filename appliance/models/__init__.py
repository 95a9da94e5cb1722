"""Model files: what they are called, what they hold, which are here.

types        what a model is to the rest of the box   gguf_header  pure: the first bytes of a file -> its header
names        pure: which model a name means           gguf_types   tensor types and file types
profile      pure: a header -> what can be asked of   shards       pure: which files make up one model
cache        pure: what each layer keeps              recurrence   pure: layers that keep a state instead
weights      pure: how many bytes lie where           capabilities pure: what it can do beyond text, and how sure
architectures  tables of what the engine knows        facts        pure: bounded numbers out of a header
folder       which files are there                    library      puts it all together, remembering what it read
"""
