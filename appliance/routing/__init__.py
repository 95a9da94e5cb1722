"""Which engine answers a request, pure. `table` is made by every decision and read by the proxy for every request."""
