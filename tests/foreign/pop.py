"""Consumer of another house: BLPOPs so many messages and prints each. Needs redis-py alone."""

import sys

import redis

url, name, number = sys.argv[1:]
with redis.Redis.from_url(url) as server:
    for _ in range(int(number)):
        found = server.blpop([name], timeout=20)
        if found is None:
            sys.exit(f"nothing more in {name}")
        sys.stdout.buffer.write(found[1] + b"\n")
