"""Values of the sample pictures that their manifest leaves out."""

from __future__ import annotations

#: By file and field: the checkpoint that Civitai's generator lists, the characters of NovelAI.
MORE = {
    ("civitai/whoops.jpg", "model"): "FLUX",
    ("civitai/civitai.jpeg", "model"): "WAI-illustrious-SDXL",
    ("novelai/novelai-full-3char.png", "prompt"): (
        "2girls, 1boy, dancing, #テスト\nwhite background, , very aesthetic, masterpiece, no text\n"
        "girl, hatsune miku, spread arms,\ngirl, kagamine rin, hand up,\nboy, kagamine len, hand up,"
    ),
}
