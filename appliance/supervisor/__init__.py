"""Engine processes: `lifecycle` decides (pure), `child` runs one, `supervisor` keeps them all, `reaper` ends what a crash left."""
