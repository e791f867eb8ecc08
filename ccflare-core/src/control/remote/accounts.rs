//! `/api/accounts`.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

use super::{Changed, Remote};
use crate::control::{
    AccountControl, ControlError,
    views::{AccountEdit, AccountView, NewAccount},
};

#[async_trait]
impl AccountControl for Remote {
    async fn accounts(&self) -> Result<Vec<AccountView>, ControlError> {
        self.read(self.to(Method::GET, &["accounts"])).await
    }

    async fn add_account(&self, new: NewAccount) -> Result<AccountView, ControlError> {
        let body = json!({
            "name": new.name, "provider": new.provider, "apiKey": new.api_key.expose(),
            "baseUrl": new.base_url, "priority": new.priority, "tier": new.tier,
        });
        Ok(self.read::<Changed>(self.to(Method::POST, &["accounts"]).json(&body)).await?.account)
    }

    async fn edit_account(&self, account: &str, edit: AccountEdit) -> Result<AccountView, ControlError> {
        let (verb, body) = match edit {
            AccountEdit::Pause => ("pause", json!({})),
            AccountEdit::Resume => ("resume", json!({})),
            AccountEdit::Rename(name) => ("rename", json!({ "name": name })),
            AccountEdit::Priority(priority) => ("priority", json!({ "priority": priority })),
            AccountEdit::Tier(tier) => ("tier", json!({ "tier": tier })),
        };
        let request = self.to(Method::POST, &["accounts", account, verb]).json(&body);
        Ok(self.read::<Changed>(request).await?.account)
    }

    async fn remove_account(&self, account: &str, confirm: &str) -> Result<(), ControlError> {
        let request = self.to(Method::DELETE, &["accounts", account]).json(&json!({ "confirm": confirm }));
        self.send(request).await.map(drop)
    }
}
