//! Runs the programs of `../pass` with hooks off, and one that is only true then. That errors are the same is a unit test of memscope-macros.
