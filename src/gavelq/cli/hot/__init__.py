"""The verbs that people and scripts call all day, without click: every import here is paid by `gavelq submit`.

Nothing in this package imports `typing`, `re`, `json`, `dataclasses`, `enum` or `gavelq.core` on the good path; a
test looks at `sys.modules`. Whatever is unusual (help, a mistake) is left to click, which knows how to say it.
"""
