#!/usr/bin/env bash
# Surprise: Ray writes what it hears of a dead node to standard output of a program that asked for no logs.
# Packages: ray 2.60.0
# Guess:    with log_to_driver=False and logging_level="ERROR" nothing of Ray comes to standard output, which is the
#           program's own; what a node says of itself is a log, and goes to standard error if anywhere.
# Really:   when a node of the cluster ends without notice, the driver prints "(raylet) The node with node id ... has
#           been marked dead", and the last lines of that node's log behind it, on standard output. Standard error has
#           nothing of it.
# Matters:  a command whose standard output is JSON or a list of paths for the next program in a pipe.
# Remedy:   redirect sys.stdout to sys.stderr around everything that is connected to a cluster (contextlib.
#           redirect_stdout is enough, as Ray prints from Python), and print the result behind it.
set -euo pipefail
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: ray==2.60.0
cd "$work"
cat >driver.py <<'PY'
import sys
import time
from contextlib import redirect_stdout

import ray
from ray.cluster_utils import Cluster

where = sys.stderr if "redirected" in sys.argv else sys.stdout
with redirect_stdout(where):
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    other = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    cluster.remove_node(other, allow_graceful=False)
    end = time.monotonic() + 120
    while sum(node["Alive"] for node in ray.nodes()) > 1 and time.monotonic() < end:
        time.sleep(0.5)
    time.sleep(5)
    alive = sum(node["Alive"] for node in ray.nodes())
    ray.shutdown()
    cluster.shutdown()
print(f'{{"alive": {alive}}}')
PY
export RAY_USAGE_STATS_ENABLED=0
venv/bin/python driver.py >asked 2>errors
venv/bin/python driver.py redirected >redirected 2>/dev/null
venv/bin/python - <<'PY'
import re
import sys
from importlib.metadata import version
from pathlib import Path


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


print("ray", version("ray"))
lines = Path("asked").read_text().splitlines()
expect("last line of standard output", lines[-1], '{"alive": 1}')
expect("lines before it", len(lines) > 1, True)
told = [line for line in lines if "(raylet)" in line and "has been marked dead" in line]
expect("it says there that the node is dead", bool(told), True)
print("  ", re.sub(r"[0-9a-f]{40,}", "...", told[0])[:120])
expect("standard error mentions the node", "(raylet)" in Path("errors").read_text(), False)
expect("standard output, redirected", Path("redirected").read_text(), '{"alive": 1}\n')
PY
echo "as known"
