"""The verbs.  Each takes rows, who acts and when; the caller commits, where a docstring does not say otherwise."""
