"""Take each protection out of a copy of the work tree and see the tests of it fail."""
