//! Runs the programs of `../pass` with hooks off, and one that is only true then; and the cases of `../fail` that the macros refuse,
//! whose errors are the same.
