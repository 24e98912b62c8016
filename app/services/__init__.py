"""The verbs.  Each takes rows, who acts and when; the caller commits."""
