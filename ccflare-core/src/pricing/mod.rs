//! What an answer costs, in whole nano-dollars, by a bundled and dated table.
//!
//! Five classes of tokens have five prices; a long prompt may raise them all; fast answers, batches and regions multiply
//! them; an answer that several models made is priced pass by pass. A model or a count that is unknown gives no price,
//! never 0.
//!
//! ```
//! use ccflare_core::{domain::{Tokens, Usage}, pricing::PriceTable};
//!
//! let tokens = Tokens { input: Some(1_000), output: Some(100), ..Tokens::default() };
//! let cost = PriceTable::bundled().price("claude-opus-5-5", &Usage { tokens, ..Usage::default() });
//! assert_eq!(cost.unwrap().to_string(), "$0.006");
//! ```

mod table;

pub use table::{PriceTable, PricingError};
