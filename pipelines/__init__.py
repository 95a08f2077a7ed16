"""Jobs, schedules and the entry points that run them."""
