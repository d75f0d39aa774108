"""The SELECT that reads images as CSV: SQLite itself writes the greater part of each line that PostgreSQL takes.

A row with a value of the wrong type, or that must be looked at more closely, says so in its second column and is read
again by ``repair.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from dtk_tui.services.diffusion_toolkit.source.sqlite import quoted

#: Columns that are written as they are, in the order of the staging table.
INTEGERS = (
    "Id", "RootFolderId", "FolderId", "Steps", "Seed", "Width", "Height", "BatchSize", "BatchPos", "CreatedDate",
    "ModifiedDate", "Rating", "Favorite", "ForDeletion", "NSFW", "Unavailable", "ClipSkip", "ENSD", "FileSize",
    "NoMetadata", "HasError", "ViewedDate", "TouchedDate", "Type",
)  # fmt: skip
FLOATS = ("CFGScale", "AestheticScore", "HyperNetworkStrength")
TEXTS = ("Sampler", "ModelHash", "Model", "CustomTags", "HyperNetwork", "WorkflowId", "Hash")
PLAIN = INTEGERS + FLOATS + TEXTS
#: Texts that are stored once, or elsewhere.
SHARED = ("Path", "Prompt", "NegativePrompt", "Workflow")
ALL = (*PLAIN, *SHARED, "FileName")

#: By which other tables know a row; NULL is possible where it is not the primary key.
_ID = 'ifnull("Id", rowid)'
BLANK = "char(9, 10, 11, 12, 13, 32)"


def _line(names: Sequence[str], present: set[str]) -> str:
    """Return the expression for some columns as CSV; what the table lacks is NULL."""
    found = [c for c in names if c in present or c == "Id"]
    form = ",".join("%s" if c in found else "" for c in names)
    values = (_value(c) if c != "Id" else _ID if c in present else "rowid" for c in found)
    return f"printf({', '.join([chr(39) + form + chr(39), *values])})"


def in_quotes(name: str) -> str:
    """Return a text in single quotes; what is NULL stays NULL, which printf writes as nothing."""
    return f"'''' || replace({name}, '''', '''''') || ''''"


def _value(column: str) -> str:
    """Return a column as its field of the line; a float as PostgreSQL writes it: 7, not 7.0."""
    name = quoted(column)
    if column in TEXTS:
        return in_quotes(name)
    if column not in FLOATS:
        return name
    return f"iif({name} = CAST({name} AS INTEGER), CAST({name} AS INTEGER), {name})"


def select(columns: Sequence[str]) -> str:
    """Return the SELECT over a range of Ids for a table with ``columns``.

    Its columns: Id, whether it needs a repair (0 or 1), Path, Prompt, NegativePrompt, Workflow as
    image_raw.chunks holds it, and two pieces of CSV with single quotes: the numbers and the texts of ``PLAIN``. Its
    parameters: first and last Id.
    """
    present = set(columns)
    shared = ", ".join(quoted(c) if c in present else "NULL" for c in SHARED[:-1])
    numbers, texts = _line(INTEGERS + FLOATS, present), _line(TEXTS, present)
    return f"""
        SELECT rowid, {needs_repair(present)}, {shared}, {chunks(present)}, {numbers}, {texts}
          FROM "Image" WHERE rowid BETWEEN ? AND ? ORDER BY rowid"""  # noqa: S608 (names of our own list)


def needs_repair(present: set[str], texts_are_checked: bool = False) -> str:
    """Return the SQL condition for rows that are not what the schema promises.

    Args:
        texts_are_checked: whether the reader sees the NULs in texts by itself.
    """
    # max() of one value is another function, so there are two at least, whatever columns a table lacks.
    integers = [f"ifnull({quoted(c)}, 0)" for c in INTEGERS + FLOATS if c in present] or ["0"]
    texts = [f"ifnull({quoted(c)}, '')" for c in (*TEXTS, *SHARED) if c in present]
    sums = [f"ifnull({quoted(c)}, 0)" for c in INTEGERS if c in present and c != "Seed"] or ["0"]
    inner = [f"ifnull({quoted(c)}, '')" for c in TEXTS if c in present] or ["''"]
    integers, texts = (some if len(some) > 1 else some * 2 for some in (integers, texts))
    conditions = [
        "Path IS NULL",
        f"max({', '.join(integers)}) >= ''",
        f"max({', '.join(texts)}) >= x''",
        # Numbers come before all texts.
        f"min({', '.join(texts)}) < ''",
        # A fraction among the whole numbers makes their sum one; the seed alone may overflow it.
        f"typeof({' + '.join(sums)}) <> 'integer'",
    ]
    if "Seed" in present:
        conditions.append("typeof(Seed) NOT IN ('integer', 'null')")
    if not texts_are_checked:
        conditions.append(f"instr(CAST({' || '.join(inner)} AS BLOB), x'00') > 0")
    for name in (quoted(c) for c in FLOATS if c in present):
        conditions.append(
            f"({name} IS NOT NULL AND {name} <> 0 AND (abs({name}) NOT BETWEEN 1e-4 AND 1e14"
            f" OR CAST(CAST({name} AS TEXT) AS REAL) <> {name}))"
        )
    if "FileName" in present:
        conditions.append('("FileName" IS NOT NULL AND substr("Path", -length("FileName")) IS NOT "FileName")')
    if "Workflow" in present:
        conditions.append(f"""("Workflow" IS NOT NULL AND trim(ifnull("Prompt", ''), {BLANK}) = '')""")
    return " OR ".join(conditions)


def chunks(present: set[str]) -> str:
    """Return the expression for a workflow in the form of ``image_raw.chunks``; see ``repair.chunk_key``."""
    if "Workflow" not in present:
        return "NULL"
    key = """iif(instr("Workflow", '"nodes"') > 0 AND instr("Workflow", '"links"') > 0, 'workflow', 'prompt')"""
    return (
        f"""iif(typeof("Workflow") <> 'text', NULL, json_array(json_array('diffusion-toolkit', {key}, "Workflow")))"""
    )
