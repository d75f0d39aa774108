-- Which version of the readers of metadata understood what the library keeps (metadata/reader.py). Files in which none
-- knew a program are read again by the next scan: their carriers may be known now, and the size of what is shown turned.
-- depends: V019__exported_files

CREATE TABLE reader_version (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL
);
INSERT INTO reader_version (version) SELECT CASE WHEN EXISTS (SELECT 1 FROM image) THEN 1 ELSE 2 END;

UPDATE image SET scan_phase = 0
  FROM folder
 WHERE folder.id = image.folder_id AND NOT folder.archived AND NOT image.unavailable
   AND image.dialect IS NULL AND image.scan_phase = 1 AND image.fingerprint IS NOT NULL;
