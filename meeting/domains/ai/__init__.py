"""Analysis of speech and faces by the engine, for meetings that want it."""
