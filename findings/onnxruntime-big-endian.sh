#!/usr/bin/env bash
# Surprise: ONNX Runtime takes a big-endian array and computes with its bytes the wrong way round, without a word.
# Packages: onnxruntime 1.31.1, onnx 1.23.2, pgvector 0.5.1, pyarrow 26.0.1, numpy 2.4.6
# Guess:    an array of dtype >f4 is converted, as numpy itself does in every operation, or refused.
# Really:   run() accepts it as tensor(float) and reads the memory as little-endian: 1, 2, 3 become values near 1e-41.
#           onnx and pyarrow refuse the same array with a clear error.
# Matters:  PostgreSQL sends vectors in network byte order, so numpy.frombuffer(value, ">f4") is the natural way to look
#           at one without a copy, and shape, dtype name and printed values of that array all look right.
# Remedy:   array.astype(numpy.float32) before run().
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3.11}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check --only-binary=:all: \
    onnxruntime==1.31.1 onnx==1.23.2 pgvector==0.5.1 pyarrow==26.0.1 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime
import pyarrow
from onnx import TensorProto, helper, numpy_helper
from pgvector import Vector

print("onnxruntime", onnxruntime.__version__, "- onnx", onnx.__version__, "- pyarrow", pyarrow.__version__)
if sys.byteorder != "little":
    sys.exit("this machine is big-endian: nothing to see here")

shape = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", shape[:1], shape[1:])
# The default of this onnx is an IR version that this onnxruntime does not know yet.
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

# The value as PostgreSQL sends it: two bytes of dimensions, two unused, then the numbers.
wire = np.frombuffer(Vector([1, 2, 3]).to_binary(), dtype=">f4", offset=4)


def expect(what: str, seen: object, known: object) -> None:
    print(f"{what}: {seen}")
    if seen != known:
        sys.exit(f"CHANGED: {what} was {known}")


def refused(convert: object) -> bool:
    try:
        convert(wire)
    except (ValueError, TypeError, NotImplementedError) as error:
        print(f"    {error}")
        return True
    return False


expect("the array", (str(wire.tolist()), wire.dtype.name), ("[1.0, 2.0, 3.0]", "float32"))
(wrong,) = session.run(None, {"x": wire})
print(f"x + x of it: {wrong.tolist()}")
# The output may be flushed to zero where denormal numbers are; right it is nowhere.
expect("its numbers below 1e-38", bool((np.abs(wrong) < 1e-38).all()), True)
expect("x + x of a native copy", session.run(None, {"x": wire.astype(np.float32)})[0].tolist(), [2.0, 4.0, 6.0])
expect("onnx refuses it", refused(numpy_helper.from_array), True)
expect("pyarrow refuses it", refused(pyarrow.array), True)
PY
echo "as known"
