"""What `make bench` measures, a file each. A part has `measure(asked, beds)`, which gives its raw rounds, and `summary(raw)`,
which is all that the page is made of."""
