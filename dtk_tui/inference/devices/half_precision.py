"""Writing a model in half precision beside itself, where nobody publishes it so."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dtk_tui.errors import ModelError
from dtk_tui.inference.model_files import model_folder, session_path
from dtk_tui.inference.model_spec import ModelSpec

#: A message of protobuf has 2 GB at most: larger ones keep their weights in a file beside them.
_MESSAGE_BYTES = 2_000_000_000


def write_half(spec: ModelSpec, folder: Path) -> Path:
    """Write an installed model in half precision to its ``half_file``; return that. GPUs run it if it gives the same.

    Args:
        folder: the models folder.

    Raises:
        ModelError: it is not installed, or cannot be converted or written.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    source, target = session_path(spec, folder), model_folder(spec, folder) / spec.half_file
    try:
        size = sum(file.stat().st_size for file in source.parent.iterdir() if file.name.startswith(source.stem))
        model = onnx.load(str(source))
        # Shapes of a model that is larger than a message cannot be inferred in memory.
        converted = convert_float_to_float16(model, disable_shape_infer=size > _MESSAGE_BYTES)
        with tempfile.TemporaryDirectory(prefix=".half-", dir=target.parent) as made:
            beside = f"{target.name}_data"
            is_large = converted.ByteSize() > _MESSAGE_BYTES
            onnx.save(
                converted,
                str(Path(made) / target.name),
                save_as_external_data=is_large,
                location=beside if is_large else None,
            )
            if is_large:
                (Path(made) / beside).replace(target.parent / beside)
            (Path(made) / target.name).replace(target)
    except Exception as error:
        raise ModelError(f"The model {spec.name} cannot be written in half precision.", str(error)) from error
    return target
