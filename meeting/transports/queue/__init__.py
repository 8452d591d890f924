"""The queues of tasks on Redis: the contract's lists, and what makes them keep their promises."""
