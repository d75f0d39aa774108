"""An infotext that is written is read as what it was written from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from dtk_tui.domain.library import ImageDetail
from dtk_tui.metadata.infotext.parameters import infotext_parameters
from dtk_tui.metadata.infotext.parser import parse_infotext
from dtk_tui.metadata.infotext.writer import write_infotext

_NOTHING = ImageDetail(
    id=1, folder_id=1, path="/a/b.png", file_name="b.png", file_size=1, created_at=datetime(2025, 1, 1, tzinfo=UTC),
    dialect=None, prompt=None, negative_prompt=None, steps=None, sampler=None, scheduler=None, cfg_scale=None,
    seed=None, width=512, height=768, model=None, model_hash=None, rating=None, favorite=False, nsfw=False,
    for_deletion=False, unavailable=False, scan_phase=1, error=None, representative=1, members=1,
)  # fmt: skip
_WHOLE = replace(
    _NOTHING, prompt="a castle,\non a hill", negative_prompt="blurry", steps=20, sampler="DPM++ 2M", scheduler="Karras",
    cfg_scale=7.5, seed=2**63, model='odd, "name"', model_hash="abc",
    extra={"clip_skip": 2, "denoising_strength": 0.4, "width": 256, "height": 384},
)  # fmt: skip


def test_its_form() -> None:
    assert write_infotext(_WHOLE) == (
        "a castle,\non a hill\nNegative prompt: blurry\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 9223372036854775808, "
        'Size: 256x384, Model hash: abc, Model: "odd, \\"name\\"", Clip skip: 2, Denoising strength: 0.4'
    )


def test_nothing_known_is_nothing_written() -> None:
    assert write_infotext(_NOTHING) == ""
    assert write_infotext(replace(_NOTHING, prompt="fox")) == "fox\nSize: 512x768"


_LINES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=40).map(str.strip)


@settings(max_examples=30)
@given(model=_LINES, sampler=_LINES, steps=st.integers(1, 10_000), seed=st.integers(0, 2**64 - 1))
def test_it_is_read_as_it_was(model: str, sampler: str, steps: int, seed: int) -> None:
    written = write_infotext(replace(_WHOLE, model=model or "m", sampler=sampler or "s", steps=steps, seed=seed))
    info = parse_infotext(written)
    assert info is not None
    read = infotext_parameters(info)
    assert (read.prompt, read.negative_prompt) == ("a castle,\non a hill", "blurry")
    assert (read.steps, read.seed, read.cfg_scale, read.clip_skip) == (steps, seed, 7.5, 2)
    assert info.settings["Model"] == (model or "m")
    assert info.settings["Sampler"] == (sampler or "s")
