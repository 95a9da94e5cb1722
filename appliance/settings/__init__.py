"""What the owner wants (`schema`, `store`) and how the process was started (`bootstrap`)."""
