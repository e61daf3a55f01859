//! Uses memscope by another name, which only the manifest says.
