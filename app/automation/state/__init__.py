"""What workflows keep from one run to the next, such as where a pipeline stands."""
