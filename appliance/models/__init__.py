"""Model files: what they are called, what they hold, which are here.

types        what a model is to the rest of the box   gguf_header  pure: the first bytes of a file -> its header
names        pure: which model a name means           gguf_types   tensor types and file types
profile      pure: a header -> what can be asked of   shards       pure: which files make up one model
folder       which files are there                    library      puts it all together, remembering what it read
"""
