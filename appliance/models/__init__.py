"""Model files: what they are called, what they hold, which are here.

types        what a model is to the rest of the box   gguf_header  pure: the first bytes of a file -> its header
names        pure: which model a name means           gguf_types   tensor types and file types
profile      pure: a header -> what can be asked of   shards       pure: which files make up one model
cache        pure: what each layer keeps              recurrence   pure: layers that keep a state instead
weights      pure: how many bytes lie where           capabilities pure: what it can do beyond text, and how sure
architectures  tables of what the engine knows        facts        pure: bounded numbers out of a header
folder       which files are there                    library      puts it all together, remembering what it read
ollama, hf_cache  what other programs keep            keepers      pure: whose a file is
one_each     pure: one model of each name and file    remembered   small files, read again when they change
sources      pure: who offers a file, who is asked    web_source   the hub and the web as a source
transfer     brings a file here from its sources      part_file    a file that is not whole yet
"""
