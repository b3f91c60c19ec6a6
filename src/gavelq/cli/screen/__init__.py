"""The live view of `gavelq top`. `app` and `panes` need Textual; the rest needs nothing."""
