# The HTTP API, without torch. Build from the root of the repository:
#   docker build -f docker/api.Dockerfile -t kantor-api .

FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/kantor
WORKDIR /src
COPY constraints.txt docker/api-requirements.txt ./
RUN /opt/kantor/bin/pip install -c constraints.txt -r api-requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY estimator estimator
COPY service service
COPY src src
# --no-deps leaves torch out; what the API needs has been installed above.
RUN /opt/kantor/bin/pip install --no-deps .

FROM python:3.12-slim-bookworm
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
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["kantor", "healthcheck"]
ENTRYPOINT ["kantor"]
CMD ["api"]
