"""Real boxes: `box.Box` starts `python -m appliance run` with folders and ports of its own."""
