"""Charts as SVG, drawn on the server by pure functions.

types   what a chart shows           scale   round numbers, units in words
times   labels of the time axis      svg     the drawing
table   the same figures in words

A drawing has no width of its own: places along the time axis are shares of it, and only the inner drawing, which has
no text, is stretched. So text keeps its size on every screen.
"""
