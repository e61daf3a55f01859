//! Runs the programs of `../pass` in a crate of edition 2021, whose temporaries are dropped in another order, and cases of `../fail`.
