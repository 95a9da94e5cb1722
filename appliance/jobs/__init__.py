"""Long work. Models come and go: downloads as jobs, uploads, what was fetched by us, and its removal.

plan        pure: what a download consists of        planner    asks the hub what that is
fetch       carries a plan out                       progress   pure: how far, how fast
downloads   the jobs: queue, cancel, retry, resume   records    keeps them over a restart
shelf       which files we fetched; delete, clean up usage      when a model was last in use
uploads     files that a browser sends               work       makes all of it and wires it

Devices are tried: `trials` the jobs, `device_runs` one test or measurement, `trial_records` what came of them.
"""
