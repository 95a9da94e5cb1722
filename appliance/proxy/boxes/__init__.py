"""Requests that other boxes answer for this one, and those that this one answers for them.

words    pure: what two boxes tell each other beside the request, and a refusal of another box in our own words
places   at which of its places a model is asked; who of ours is where
gate     who asks from another box, and for what; how much one box may ask at once
door     the answering side: connections of other boxes, and the relay behind them, which asks nobody else
"""
