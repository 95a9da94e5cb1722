"""What this machine has: processor, memory, accelerators.

types    the inventory as plain values      probe       puts the inventory together; nothing it asks can hang it
cpu      name, features, usable cores       nvml        NVIDIA GPUs by the driver's library (the only importer of it)
memory   total and available                sysfs       AMD and Intel GPUs by the kernel's files
cgroups  the container's limits             pci_names   what common GPUs are called
files    reads small system files           deadline    runs what may hang in a thread of its own
inventory  an inventory as text and as JSON
trials   what was tried on a device         benchmark   what is measured, and what it means
engine_devices   what the engine calls them                benchmark_model   a model to measure with, in memory
"""
