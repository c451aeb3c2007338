"""Where cells are, in the files of other programs: one file a format.

Each module has `read(path)`, which gives a table of `COLUMNS`: `image` as the file names it ("" where it does
not), `page` inside a stack (0 where there is one image), `x` and `y` in pixels from the corner of the first
pixel, and a free `label`.
"""
