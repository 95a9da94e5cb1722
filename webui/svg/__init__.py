"""Pictures as plain values: pure functions that say what is drawn where; templates write it down.

text     texts cut to the room there is      layout   where the boxes of the mesh stand
lines    links between them                  cards    what each of them shows
picture  all of it
"""
