"""One file a page. Each gives its handlers; `context` holds what they share."""
