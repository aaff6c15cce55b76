"""Ways through the graph: what is near, how things are connected, what belongs together."""
