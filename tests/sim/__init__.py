"""Whole meshes on a virtual clock: `python -m tests.sim --seeds 1000`; `--seed 17 --tell` tells the story of one."""
