"""The native engine: pin, patches and build. `prepare.py` makes the source tree, `build.py` the binaries."""
