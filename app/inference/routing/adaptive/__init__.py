"""How an adaptive route learns: Thompson sampling over candidates, by category of task."""
