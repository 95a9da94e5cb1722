"""Which engine answers a request, and in which order, pure.

table     every model that can be asked for; made by every decision and read by the proxy for every request
facts     what a request needs of a model                       classify  what it is about, by its words
choose    the best model for it, who else could answer          skills    what a model is good at
places    at which of several boxes a model is asked
line      the fair line before an engine                        words     that give away what a text is about
"""
