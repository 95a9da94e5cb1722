"""What this machine has: processor, memory, accelerators. `probe` puts together what the vendors' files and drivers say."""
