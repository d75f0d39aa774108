"""A library with rows of every kind: folders, images, vectors, tags, captions, a journal, albums, jobs, a GPU's day."""

from __future__ import annotations

import numpy as np

from dtk_tui.store.database import Connection

_ROWS = """
INSERT INTO folder (path, name, is_root) VALUES ('/library', E'odd \\\\ "name" '' \\t\\n ü', true);
INSERT INTO prompt (text) SELECT 'a castle ' || n || E'\\n\\\\N ü' FROM generate_series(1, 50) n;
INSERT INTO image (folder_id, prompt_id, file_size, mtime_ns, created_at, scan_phase, rating, steps, cfg_scale, seed,
                   file_name, fingerprint, width, height)
SELECT 1, n % 50 + 1, n * 100, n, 'epoch'::timestamptz + n * interval '1.000001 s', 1, n % 11, 20, n / 3.0, n * 1e15,
       n || '.png', sha256(n::text::bytea), n, n FROM generate_series(1, 400) n;
INSERT INTO image_raw SELECT id, '[["png", "parameters", "text ' || id || '"]]' FROM image;
SELECT dtk_embedding_space('dinov2-small', 'image', 'dinov2-small', 'abc', 3);
INSERT INTO tag (name) VALUES ('castle'), ('fox');
INSERT INTO image_tag (image_id, tag_id, source, confidence) SELECT id, id % 2 + 1, 'model', 1.0 / id FROM image;
INSERT INTO caption (image_id, is_user_edited, source, type, text)
SELECT id, true, 'user', 'descriptive', 'caption of ' || id FROM image WHERE id % 4 = 0;
INSERT INTO edit_journal (changed, kind, title, detail) VALUES (2, 'rating', 'two images', '{"a": [1, 2.50]}');
INSERT INTO edit_journal_part (journal_id, part, image_ids, before, after) VALUES (1, 0, '{1,2}', '{3,4}', '{5,6}');
INSERT INTO album (name) VALUES ('chosen');
INSERT INTO album_image (album_id, image_id) SELECT 1, id FROM image WHERE id < 20;
INSERT INTO job (kind, image_id, state, error) VALUES (1, 1, 'pending', NULL), (2, 1, 'failed', 'no luck');
INSERT INTO device_day VALUES
    ('2026-02-01', 'studio', 0, 'a GPU', 100.000001, 1 / 3.0, 12.5, NULL, '2026-02-01 10:00+00');
"""


def fill(conn: Connection) -> None:
    """Put the rows into an empty library."""
    conn.execute(_ROWS)
    ids = conn.execute("SELECT id FROM image ORDER BY id").fetchall()
    vectors = np.random.default_rng(1).normal(size=(len(ids), 3))
    for (number,), vector in zip(ids, vectors, strict=True):
        conn.execute("INSERT INTO image_vector VALUES (1, %s, %s)", (number, str(vector.tolist())))
