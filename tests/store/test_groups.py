"""Which images are one group: what looks alike shares a vector, siblings of one pixel size do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dtk_tui.store.database import Connection, Database
from dtk_tui.store.library import embedding_spaces

#: Hashes of two pictures that look alike (8 of 64 bits apart), and of one that does not look like them.
ALIKE, LIKE, UNLIKE = 0x0F0F_33CC_55AA_1234, 0x0F0F_33CC_55AA_12CB, 0x5A3C_0FF0_C3A5_7E18
#: The colours of four quarters, five bits each: all grey, and one quarter that is red or green.
GREY = int("10000" * 12, 2)
RED, GREEN = (int("10000" * 9 + corner, 2) for corner in ("110000000000010", "000001100000010"))


@dataclass
class Pictures:
    """Images of one prompt, by name, in a library."""

    conn: Connection
    space: int

    def add(
        self, name: str, side: int | None, size: int, *, content: str | None = "", unavailable: bool = False
    ) -> None:
        """Add a picture with the parameters of all others; ``content`` None is one that was not read yet."""
        fingerprint = None if content is None else (content or name).encode()
        self.conn.execute(
            "INSERT INTO image (folder_id, prompt_id, file_name, file_size, width, height, fingerprint, mtime_ns,"
            " created_at, scan_phase, unavailable) VALUES (1, 1, %s, %s, %s, %s, %s, 1, now(), 1, %s)",
            (name, size, side, side, fingerprint, unavailable),
        )

    def choose(self) -> dict[str, str]:
        """Choose representatives; return that of each picture, by name."""
        self.conn.execute("SELECT dtk_choose_representatives(ARRAY(SELECT metadata_hash FROM image))")
        return self.groups()

    def groups(self) -> dict[str, str]:
        """Return the representative of each picture, by name."""
        sql = """
            SELECT image.file_name, coalesce(source.file_name, image.file_name)
              FROM image LEFT JOIN image source ON source.id = image.embedding_source_id ORDER BY 1"""
        return dict(self.conn.execute(sql).fetchall())

    def look(self, name: str, bits: int | None, colours: int = GREY, *, decodable: bool = True) -> None:
        """Note what a picture looks like."""
        self.conn.execute(
            "INSERT INTO image_hash (image_id, bits, colours, is_decodable, fingerprint)"
            " SELECT id, %s, %s, %s, fingerprint FROM image WHERE file_name = %s",
            (bits, colours, decodable, name),
        )

    def compare(self) -> tuple[int, int]:
        """Compare what was decoded; return how many that were, and how many of its images changed their groups."""
        found = self.conn.execute("SELECT compared, changed FROM dtk_compare_hashes(1000)").fetchone()
        assert found is not None
        return int(found[0]), int(found[1])

    def embed(self, *names: str) -> None:
        """Give pictures a vector."""
        sql = "INSERT INTO image_vector SELECT %s, id, '[1,2,3]' FROM image WHERE file_name = ANY (%s)"
        self.conn.execute(sql, (self.space, list(names)))

    def queue(self, *names: str, state: str = "pending") -> None:
        """Give pictures an embed job."""
        sql = """
            INSERT INTO job (kind, image_id, state, priority)
            SELECT 2, id, %s, 7 FROM image WHERE file_name = ANY (%s)"""
        self.conn.execute(sql, (state, list(names)))

    def queued(self) -> list[str]:
        """Return the names of the pictures with a pending embed job."""
        sql = """
            SELECT file_name FROM job JOIN image ON image.id = image_id
             WHERE kind = 2 AND state = 'pending' ORDER BY 1"""
        return [name for (name,) in self.conn.execute(sql)]

    def embedded(self) -> list[str]:
        """Return the names of the pictures with a vector of their own."""
        sql = "SELECT file_name FROM image_vector JOIN image ON image.id = image_id ORDER BY 1"
        return [name for (name,) in self.conn.execute(sql)]


@pytest.fixture
def pictures(db: Database) -> Iterator[Pictures]:
    """A library with a prompt, and no picture yet."""
    with db.connection() as conn:
        conn.execute("INSERT INTO folder (path, name) VALUES ('/out', 'out')")
        conn.execute("INSERT INTO prompt (text) VALUES ('a castle')")
        yield Pictures(conn, embedding_spaces.register(conn, "eyes", "image", "x", 3))


def test_an_original_and_its_finals_of_other_sizes_are_one_group(pictures: Pictures) -> None:
    for name, side in (("original", 512), ("upscaled", 1024), ("final", 2048)):
        pictures.add(name, side, side)
    assert set(pictures.choose().values()) == {"final"}


def test_siblings_of_one_size_are_none_and_whose_final_it_is_stays_open(pictures: Pictures) -> None:
    for name in ("1", "2", "3", "4"):
        pictures.add(name, 512, 100)
    pictures.add("copy of 2", 512, 100, content="2")
    pictures.add("final", 1024, 400)
    groups = pictures.choose()
    assert groups == {name: "2" if name == "copy of 2" else name for name in groups}


def test_a_sibling_that_comes_later_ends_the_group_and_enqueues_who_lost_the_vector(pictures: Pictures) -> None:
    pictures.add("original", 512, 100)
    pictures.add("final", 1024, 400)
    pictures.choose()
    pictures.embed("final")
    pictures.conn.execute(
        "INSERT INTO job_log (job_id, image_id, kind, priority, attempts, outcome, queued_at)"
        " SELECT 1, id, 2, 0, 1, 'done', now() FROM image WHERE file_name = 'final'"
    )
    pictures.add("sibling", 512, 100)
    assert pictures.choose() == {"original": "original", "final": "final", "sibling": "sibling"}
    assert (pictures.queued(), pictures.embedded()) == (["original"], ["final"])


@pytest.mark.parametrize("content", ["", None])
def test_a_size_that_is_unknown_leaves_it_open_but_for_what_was_never_read(
    pictures: Pictures, content: str | None
) -> None:
    pictures.add("a", None, 100, content=content)
    pictures.add("b", 1024, 400, content=content)
    assert pictures.choose()["a"] == ("a" if content == "" else "b")


def test_a_member_that_does_not_look_like_its_representative_leaves_and_is_enqueued(pictures: Pictures) -> None:
    """A grid of a batch has the parameters of its first picture, and another size."""
    pictures.add("first", 512, 100)
    pictures.add("upscaled", 768, 200)
    pictures.add("grid", 1024, 400)
    assert set(pictures.choose().values()) == {"grid"}
    pictures.queue("grid", state="failed")
    pictures.look("grid", UNLIKE)
    pictures.look("upscaled", ALIKE)
    pictures.look("first", LIKE)
    assert pictures.compare() == (3, 2)
    assert pictures.groups() == {"first": "upscaled", "upscaled": "upscaled", "grid": "grid"}
    assert pictures.queued() == ["upscaled"]
    assert pictures.compare() == (0, 0)


def test_a_member_that_leaves_while_its_disk_is_away_is_enqueued_all_the_same(pictures: Pictures) -> None:
    pictures.add("away", 512, 100, unavailable=True)
    pictures.add("final", 1024, 400)
    assert pictures.choose()["away"] == "final"
    pictures.embed("final")
    pictures.look("final", ALIKE)
    pictures.look("away", UNLIKE)
    pictures.compare()
    assert pictures.groups()["away"] == "away" and "away" in pictures.queued()


def test_another_colour_is_another_picture(pictures: Pictures) -> None:
    pictures.add("red", 512, 100)
    pictures.add("green", 1024, 400)
    pictures.choose()
    pictures.look("red", ALIKE, RED)
    pictures.look("green", ALIKE, GREEN)
    pictures.compare()
    assert pictures.groups() == {"red": "red", "green": "green"}


def test_a_picture_that_tells_nothing_shares_nothing(pictures: Pictures) -> None:
    """Flat, black or transparent: the hash proves nothing; its copies share all the same."""
    pictures.add("black", 512, 100)
    pictures.add("black copy", 512, 100, content="black")
    pictures.add("blacker", 1024, 400)
    pictures.choose()
    for name in ("black", "blacker"):
        pictures.look(name, None)
    pictures.compare()
    assert pictures.groups() == {"black": "black", "black copy": "black", "blacker": "blacker"}


def test_a_broken_representative_stands_for_nobody(pictures: Pictures) -> None:
    pictures.add("good", 512, 100)
    pictures.add("better", 768, 200)
    pictures.add("cut short", 1024, 400)
    pictures.choose()
    pictures.queue("cut short", state="failed")
    pictures.look("cut short", None, decodable=False)
    pictures.compare()
    assert pictures.groups() == {"good": "better", "better": "better", "cut short": "cut short"}
    assert pictures.queued() == ["better"]
    pictures.conn.execute("UPDATE image_hash SET bits = %s, is_decodable = true, is_compared = false", (ALIKE,))
    pictures.look("better", LIKE)
    pictures.embed("better")
    pictures.compare()
    assert pictures.groups()["better"] == "cut short", "it was restored"
    assert pictures.embedded() == ["cut short"], "a representative alone has a vector"


def test_who_comes_to_an_embedded_group_waits_until_it_was_decoded(pictures: Pictures) -> None:
    pictures.add("original", 512, 100)
    pictures.choose()
    pictures.look("original", ALIKE)
    pictures.embed("original")
    pictures.add("final", 1024, 400)
    assert pictures.choose() == {"original": "original", "final": "final"}
    pictures.queue("final")
    pictures.look("final", LIKE)
    pictures.compare()
    assert pictures.groups() == {"original": "final", "final": "final"}
    assert pictures.embedded() == ["final"] and pictures.queued() == ["final"]


def test_a_member_that_could_not_be_decoded_shares_no_vector(pictures: Pictures) -> None:
    pictures.add("original", 512, 100)
    pictures.add("final", 1024, 400)
    pictures.choose()
    pictures.look("final", ALIKE)
    pictures.embed("final")
    pictures.compare()
    assert pictures.groups() == {"original": "original", "final": "final"}
    assert "original" in pictures.queued()


def test_jobs_of_members_go_to_their_representative_once(pictures: Pictures) -> None:
    pictures.add("original", 512, 100)
    pictures.queue("original")
    pictures.add("final", 1024, 400)
    pictures.choose()
    assert pictures.queued() == ["final"]
    row = pictures.conn.execute("SELECT priority FROM job").fetchone()
    assert row == (7,)


def test_what_a_hash_says_holds_for_its_content_only(pictures: Pictures) -> None:
    pictures.add("original", 512, 100)
    pictures.add("final", 1024, 400)
    pictures.look("original", UNLIKE)
    pictures.look("final", ALIKE)
    pictures.conn.execute("UPDATE image SET fingerprint = 'another' WHERE file_name = 'original'")
    pictures.compare()
    assert pictures.groups() == {"original": "final", "final": "final"}
