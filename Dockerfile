# syntax=docker/dockerfile:1
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r requirements.txt

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WIZ_DATA_DIR=/data
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin wiz \
    && install -d -o wiz -g wiz -m 0700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY manage.py pyproject.toml ./
COPY wizsite wizsite
COPY accounts accounts
COPY providers providers
COPY agents agents
COPY conversations conversations
COPY templates templates
COPY static static
COPY locale locale
RUN python -m compileall -q /app
USER wiz
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Alone, the image runs everything, with the embedded Valkey and SQLite in /data; compose runs one role per container.
CMD ["python", "manage.py", "up", "--host", "0.0.0.0"]
