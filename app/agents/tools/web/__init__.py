"""Tools for the web: search, pages, HTTP requests; all through one guarded client."""
