"""View models: what a page shows, made from what the box knows. Pure; templates hold no logic. One file a subject."""
