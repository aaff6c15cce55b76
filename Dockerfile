# syntax=docker/dockerfile:1
# The service alone: give it DATABASE_URL, REDIS_URL, LUMINOUS_MASTER_KEY and, for semantic search,
# QDRANT_URL. `docker run … migrate` brings the schema up to date, `… api-key create` makes the
# first owner and prints a key, `… serve` (the default) serves on port 8000. Nothing is
# written but in /var/lib/luminous: the rest may be read-only.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install "uv>=0.9"
WORKDIR /srv/luminous
COPY infra/requirements/server.txt infra/requirements/server.txt
RUN uv venv .venv \
    && uv pip install --no-cache --require-hashes --requirement infra/requirements/server.txt

FROM python:3.13-slim
ENV PATH=/srv/luminous/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LUMINOUS_HOST=0.0.0.0 \
    LUMINOUS_DATA_DIR=/var/lib/luminous \
    TMPDIR=/var/lib/luminous \
    LUMINOUS_LOG_FORMAT=json
RUN useradd --system --uid 10001 --home-dir /var/lib/luminous --create-home luminous
WORKDIR /srv/luminous
COPY --from=build /srv/luminous/.venv .venv
COPY alembic.ini LICENSE ./
COPY alembic alembic
COPY app app
# Compiled here: the user below may not write, and would compile everything at each start.
RUN python -m compileall -q app alembic
USER 10001
VOLUME /var/lib/luminous
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:%s/health/live' % (os.environ.get('LUMINOUS_PORT') or 8000), timeout=2)"]
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["serve"]
