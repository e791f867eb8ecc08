//! The terminal face of ccflare. It comes later; until then this crate is empty on purpose.
