"""Providers: one adapter a wire dialect, over one guarded transport."""
