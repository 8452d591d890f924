"""The composition root: the only place that knows which process this is."""
