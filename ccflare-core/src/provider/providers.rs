//! The APIs there are.

use std::sync::Arc;

use super::{Anthropic, Provider};

/// The APIs there are, by name. The first one also speaks for requests that go on with the client's own credentials.
#[derive(Clone, Debug)]
pub struct Providers(Arc<[Arc<dyn Provider>]>);

impl Providers {
    /// These; there must be one at least, so the first is given apart.
    #[must_use]
    pub fn new(first: Arc<dyn Provider>, others: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self(std::iter::once(first).chain(others).collect())
    }

    /// The one with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.0.iter().find(|provider| provider.name() == name)
    }

    /// The one for requests without an account.
    #[must_use]
    pub fn first(&self) -> &Arc<dyn Provider> {
        &self.0[0]
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|provider| provider.name())
    }
}

/// The Messages API of Anthropic at its own address.
impl Default for Providers {
    fn default() -> Self {
        Self::new(Arc::new(Anthropic::default()), [])
    }
}
