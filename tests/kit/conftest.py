"""The package of a third party brings its own tests: they are run as it would run them, not collected with ours."""

collect_ignore = ["package"]
