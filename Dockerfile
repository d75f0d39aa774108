# dtk-tui as a container: the app, the commands, or a worker; the library is on the server of docker-compose.yml.
#
#   docker compose --profile worker up --detach --wait
#   docker compose run --rm app
FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim-bookworm
COPY --from=build /wheels /wheels
COPY constraints.txt /wheels/
RUN python -m pip install --no-cache-dir --constraint /wheels/constraints.txt /wheels/*.whl \
    && rm -r /wheels \
    && useradd --create-home --uid 1000 dtk \
    && install --directory --owner=dtk --group=dtk /library
USER dtk
ENV DTK_HOME=/library
VOLUME /library
ENTRYPOINT ["dtk"]
CMD ["worker", "run"]
