"""Events over Redis: a stream per topic that is read at a cursor, and the contract's Pub/Sub."""
