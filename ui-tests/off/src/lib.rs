//! Runs the programs of `../pass` with hooks off. That errors are the same is a unit test of memscope-macros.
