"""What outlives a restart besides settings and models: SQLite (`database`), logins (`sessions`), keys (`secrets`)."""
