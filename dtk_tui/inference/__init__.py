"""Models: the only room that imports onnxruntime and tokenizers."""

from __future__ import annotations

import os

# ONNX Runtime sends usage data and keeps an id below ~/.cache/Microsoft unless this is set before it is imported; its
# own disable_telemetry_events() comes too late for both. The hub's client has a switch of its own.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
