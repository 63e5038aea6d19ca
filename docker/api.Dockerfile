# The HTTP API, without torch. Build from the root of the repository:
#   docker build -f docker/api.Dockerfile -t kantor-api .

ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/kantor
WORKDIR /src
# What it depends on first, each file by its hash: this layer lasts while the lock does.
COPY docker/lock/api.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/kantor/bin/pip install --require-hashes --no-deps -r api.txt
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
LABEL org.opencontainers.image.title="kantor-api" \
      org.opencontainers.image.description="Certified lower bounds on the Wasserstein-1 distance: the HTTP API" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/kantor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    MPLCONFIGDIR=/tmp/matplotlib \
    KANTOR_DATA_DIR=/data \
    KANTOR_HOST=0.0.0.0
COPY --from=build /opt/kantor /opt/kantor
# A named volume takes over the owner of the folder that it is mounted on.
RUN install -d -m 0700 -o 10001 -g 10001 /data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-S", "/opt/kantor/probe.py", "api"]
ENTRYPOINT ["kantor"]
CMD ["api"]
