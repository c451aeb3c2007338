"""Counting in the browser: a page for people, what they say kept for good, and a model that learns from it.

`records` says what one click is, `answers` what a person's clicks come to, `store` keeps them; `dataset`
shows frames, `queue` asks for the next, `curves` reads the series, `agreement` compares people. `jobs` runs
what takes long (`work`) in a process of its own. `session` joins all of it, `server/` puts it on a page
(`static/`).
"""
