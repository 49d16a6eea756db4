//! Objects in files, as Flux keeps them.
