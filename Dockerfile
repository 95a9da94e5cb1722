# Stages: toolchain-<flavour> -> native-<flavour> -> engine-…-<flavour>     the engine, from native/ alone
#         wheels                                                             Python's packages, shared by all flavours
#         runtime-<flavour> -> final                                         what is shipped
# A further flavour adds its toolchain-, native-, engine- and runtime- stages and touches nothing else.
#
# ENGINE=prebuilt takes build/engine of the build context (made by `make setup`) instead of compiling.
# Behind a proxy with a certificate authority of its own: --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt
# PIP_INDEX_URL names a mirror. Needs BuildKit (Docker 20.10: DOCKER_BUILDKIT=1) or buildah; uses nothing newer.

ARG BASE=debian:trixie-slim
ARG FLAVOR=cpu
ARG ENGINE=compiled

# --- the engine ----------------------------------------------------------------------------------------------------
FROM ${BASE} AS toolchain-cpu
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -o Acquire::Retries=5 -qq update \
 && apt-get -o Acquire::Retries=5 -qq install -y --no-install-recommends \
      binutils ccache cmake g++ ninja-build patch python3 python3-pip \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

FROM toolchain-cpu AS native-cpu
ARG PIP_INDEX_URL=
WORKDIR /src
COPY native native
RUN --mount=type=secret,id=ca --mount=type=cache,target=/cache \
    [ ! -s /run/secrets/ca ] || export PIP_CERT=/run/secrets/ca; \
    CCACHE_DIR=/cache/ccache python3 -m native.build --preset cpu --into /engine --cache /cache

FROM scratch AS engine-compiled-cpu
COPY --from=native-cpu /engine /

FROM scratch AS engine-prebuilt-cpu
COPY build/engine /

FROM engine-${ENGINE}-${FLAVOR} AS engine

# --- Python's packages ---------------------------------------------------------------------------------------------
FROM ${BASE} AS wheels
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -o Acquire::Retries=5 -qq update \
 && apt-get -o Acquire::Retries=5 -qq install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY requirements.lock /
ARG PIP_INDEX_URL=
RUN --mount=type=secret,id=ca --mount=type=cache,target=/cache \
    [ ! -s /run/secrets/ca ] || export PIP_CERT=/run/secrets/ca; \
    python3 -m venv /opt/meshbox/venv \
 && PIP_CACHE_DIR=/cache/pip /opt/meshbox/venv/bin/pip install --quiet --disable-pip-version-check --retries 10 \
      --only-binary :all: --require-hashes -r /requirements.lock \
 && /opt/meshbox/venv/bin/pip uninstall --quiet --yes pip

# --- what is shipped -----------------------------------------------------------------------------------------------
FROM ${BASE} AS runtime-cpu
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -o Acquire::Retries=5 -qq update \
 && apt-get -o Acquire::Retries=5 -qq install -y --no-install-recommends \
      ca-certificates libgomp1 libstdc++6 python3 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* \
 && groupadd --gid 1000 meshbox \
 && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /data --shell /usr/sbin/nologin meshbox \
 && install -d -o 1000 -g 1000 /data /models

FROM runtime-${FLAVOR} AS final
ARG FLAVOR
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Meshbox" \
      org.opencontainers.image.description="Serves language models from all the GPUs of a home or a lab" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      io.meshbox.flavor="${FLAVOR}"
COPY --from=wheels /opt/meshbox/venv /opt/meshbox/venv
COPY --from=engine / /opt/meshbox/engine
# An engine that does not run on this base shall end the build, not the first start.
RUN ["/opt/meshbox/engine/llama-server", "--version"]
COPY flavors/entrypoint.sh /opt/meshbox/
COPY LICENSE /opt/meshbox/app/
COPY webui /opt/meshbox/app/webui
COPY appliance /opt/meshbox/app/appliance
ENV PATH=/opt/meshbox/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/meshbox/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MESHBOX_FLAVOR=${FLAVOR} \
    MESHBOX_ENGINE=/opt/meshbox/engine \
    MESHBOX_DATA=/data \
    MESHBOX_MODELS=/models
# Times of copied files differ from build to build: the bytecode is tied to the sources' hashes instead.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/meshbox/app
WORKDIR /opt/meshbox/app
VOLUME ["/data", "/models"]
EXPOSE 3131/tcp 9337/tcp 9338/tcp 9338/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=8s --start-period=60s --retries=3 CMD ["python", "-m", "appliance", "healthcheck"]
ENTRYPOINT ["/opt/meshbox/entrypoint.sh"]
CMD ["python", "-m", "appliance", "run"]
