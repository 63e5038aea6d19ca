# One training worker. Build from the root of the repository:
#   docker build -f docker/worker.Dockerfile -t kantor-worker .
# The torch wheel brings the CUDA libraries; the host needs a driver only. For a small
# image without them, name an index that carries the CPU wheels:
#   docker build --build-arg TORCH_INDEX=<index> ...

FROM python:3.12-slim-bookworm AS build
ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/kantor
WORKDIR /src
COPY constraints.txt ./
# torch first and alone: it is large, and changes least.
RUN /opt/kantor/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
    "$(grep '^torch==' constraints.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY estimator estimator
COPY service service
COPY src src
RUN /opt/kantor/bin/pip install -c constraints.txt .

FROM python:3.12-slim-bookworm
ENV PATH=/opt/kantor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    KANTOR_DATA_DIR=/data
COPY --from=build /opt/kantor /opt/kantor
RUN install -d -m 0700 -o 10001 -g 10001 /data
USER 10001:10001
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 \
    CMD ["kantor", "healthcheck", "--worker"]
ENTRYPOINT ["kantor"]
CMD ["worker"]
