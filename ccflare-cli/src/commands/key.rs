//! `ccflare key …`.

use std::sync::Arc;

use anyhow::Result;
use ccflare_core::control::{Control, views::NewClientKey};

use super::confirm;
use crate::{
    args::{CreateKey, Key, Output},
    print,
};

pub(super) async fn run(verb: Key, connect: impl AsyncFn() -> Result<Arc<dyn Control>>, output: Output) -> Result<()> {
    if let Key::Revoke { key, yes } = &verb {
        confirm::name(&format!("take back the key {key:?}"), key, *yes)?;
    }
    let control = connect().await?;
    match verb {
        Key::List => print::keys(&control.client_keys().await?, output),
        Key::Create(CreateKey { name, expires, models, accounts }) => {
            let new = NewClientKey { name, expires_in_seconds: expires, models, accounts };
            print::new_key(&control.create_client_key(new).await?, output)
        }
        Key::Revoke { key, .. } => {
            let revoked = control.revoke_client_key(&key).await?;
            print::done(&format!("key {:?} revoked", revoked.name), output)
        }
        Key::Rotate { key } => print::new_key(&control.rotate_client_key(&key).await?, output),
    }
}
