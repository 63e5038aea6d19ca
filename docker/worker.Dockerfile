# The training workers of a host. Build from the root of the repository:
#   docker build -f docker/worker.Dockerfile -t kantor-worker .
# The torch wheel brings the CUDA libraries; the host needs a driver only. For a small
# image that trains on CPUs, take torch by its version from an index that carries the
# CPU wheels:
#   docker build --build-arg TORCH=cpu --build-arg TORCH_INDEX=<index> ...

ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG TORCH=cuda
ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/kantor
WORKDIR /src
# What it depends on first, each file by its hash: these layers last while the lock does.
# torch comes before the rest: it is large, and changes least.
COPY docker/lock/cuda.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    if [ "$TORCH" = cuda ]; then \
      /opt/kantor/bin/pip install --require-hashes --no-deps -r cuda.txt; \
    else \
      /opt/kantor/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
        "$(grep -o '^torch==[0-9.]*' cuda.txt)"; \
    fi
COPY docker/lock/worker.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/kantor/bin/pip install --require-hashes --no-deps -r worker.txt
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY models models
COPY estimator estimator
COPY service service
COPY src src
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_CONSTRAINT=/src/constraints.txt /opt/kantor/bin/pip install --no-deps . \
    && cp service/processes/probe.py /opt/kantor/probe.py

FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kantor-worker" \
      org.opencontainers.image.description="Certified lower bounds on the Wasserstein-1 distance: the workers of a host" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/kantor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    KANTOR_DATA_DIR=/data \
    KANTOR_HEARD_FILE=/tmp/heard
COPY --from=build /opt/kantor /opt/kantor
RUN install -d -m 0700 -o 10001 -g 10001 /data
USER 10001:10001
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-S", "/opt/kantor/probe.py", "workers"]
ENTRYPOINT ["kantor"]
CMD ["workers"]
