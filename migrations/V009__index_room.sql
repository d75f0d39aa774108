-- Room in the pages for the second version of each row, which the deep phase of a scan writes: a page that is full when
-- that comes is first searched for dead versions in vain, and then split.
-- depends: V008__sidecars

ALTER INDEX image_pkey SET (fillfactor = 45);
ALTER INDEX image_folder_id_file_name_key SET (fillfactor = 45);
