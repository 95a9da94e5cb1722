"""The OpenAI-compatible API of :9337: a byte relay in front of the engines."""
