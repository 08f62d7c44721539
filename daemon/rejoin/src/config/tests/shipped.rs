//! The files of `config/`.
