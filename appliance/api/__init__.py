"""The management JSON and event stream of :3131."""
