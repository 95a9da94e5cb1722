"""Pure: does a model fit, and how would it run?

room     memory that may be taken, on each device    needs   bytes that a model takes, as the engine would report them
fit      both put together: fits, and how            words   a verdict as a sentence
speed    tokens per second, where bandwidth is known plan    every way of running a model, with reasons
pinning  the engine's devices for certain GPUs          matching which of its devices is which GPU
"""
