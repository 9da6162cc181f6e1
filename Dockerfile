# The image of the responder: docker build -t campaign-responder .

FROM python:3.13-slim AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# The dependencies change seldom, so they come first and stay in the layer cache.
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv --without-pip /opt/responder \
    && python -m pip --python /opt/responder/bin/python install \
        --require-hashes --only-binary=:all: -r requirements/runtime.txt \
    && python -m pip install --require-hashes --only-binary=:all: -r requirements/build.txt

COPY pyproject.toml README.md LICENSE ./
COPY rules/ rules/
COPY k8s/base/ k8s/base/
COPY responder/ responder/
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python -m pip --python /opt/responder/bin/python install --no-deps --no-index dist/*.whl

FROM python:3.13-slim
# The environment has no pip of its own, and the one of the base image isn't needed either.
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip
COPY --from=build /opt/responder /opt/responder
ENV PATH=/opt/responder/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes' runAsNonRoot can check it; nothing on disk belongs to it.
USER 65532:65532
EXPOSE 9099
ENTRYPOINT ["responder"]
CMD ["serve"]
