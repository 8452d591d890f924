# One image for every role: serve (all in one process), serve --split, serve --only PART, worker,
# engine, migrate. `./run container` carries out what stands here without a container engine.
FROM debian:trixie-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates ffmpeg libzmq5 python3 \
    && rm -rf /var/lib/apt/lists/*

FROM base AS build
WORKDIR /src
COPY requirements/system.txt requirements/
# The house's own list, and the headers of ONNX Runtime, which Debian 13 has as a package.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libonnxruntime-dev \
        $(awk '$1 ~ /^[a-z]/ { print $1 }' requirements/system.txt)
COPY requirements/build.lock requirements/image.lock requirements/
# What it runs on and what it is built with, each by hash, in the versions that the tests ran on.
RUN python3 -m venv /opt/meeting && python3 -m venv /opt/build \
    && /opt/meeting/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/image.lock \
    && /opt/build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/build.lock
COPY CMakeLists.txt README.md pyproject.toml ./
COPY native native
COPY proto proto
COPY meeting meeting
RUN PATH=/opt/build/bin:$PATH pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /src/dist . \
    && /opt/meeting/bin/pip install --no-deps --no-index --no-cache-dir /src/dist/*.whl

FROM base
RUN groupadd --system --gid 10001 meeting \
    && useradd --system --uid 10001 --gid meeting --home-dir /var/lib/meeting --no-create-home meeting \
    && install --directory --owner meeting --group meeting --mode 0700 /var/lib/meeting /var/cache/meeting
COPY --from=build /opt/meeting /opt/meeting
COPY config/container.toml /etc/meeting/meeting.toml
ENV PATH=/opt/meeting/bin:/usr/local/bin:/usr/bin:/bin MEETING_CONFIG=/etc/meeting/meeting.toml
USER meeting
WORKDIR /var/lib/meeting
# All that must not be lost, and the weights, which are fetched into it once.
VOLUME ["/var/lib/meeting", "/var/cache/meeting"]
EXPOSE 8080 8083 8085
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["meeting", "health"]
ENTRYPOINT ["meeting"]
CMD ["serve"]
